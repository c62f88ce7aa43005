"""In which windows NannyML alerts by its defaults; runs in an environment of its own, reads windows, writes a JSON line each."""

import json
import pickle
import sys
import time
import warnings
from pathlib import Path

import nannyml
import pandas as pd

METHODS = {
    "Jensen-Shannon, its default": {
        "continuous_methods": ["jensen_shannon"],
        "categorical_methods": ["jensen_shannon"],
    },
    "Kolmogorov-Smirnov and chi-square": {
        "continuous_methods": ["kolmogorov_smirnov"],
        "categorical_methods": ["chi2"],
    },
}


def alarms(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, bool]:
    """Whether any column alerts, by its default thresholds and in its default chunks: ten of the reference, and ten of the window."""
    found = {}
    for name, methods in METHODS.items():
        made = nannyml.UnivariateDriftCalculator(column_names=list(old), **methods).fit(old)
        table = made.calculate(new).filter(period="analysis").to_df()
        alerts = table.loc[:, [key for key in table if key[-1] == "alert"]].to_numpy(dtype=bool).any(axis=1)
        found |= {f"{name}, any of its ten chunks": bool(alerts.any()), f"{name}, its first chunk": bool(alerts[0])}
    return found


def main(folder: Path, seconds: float) -> None:
    """One line a window, for at most so long."""
    until = time.monotonic() + seconds
    for path in sorted(folder.glob("*.pickle")):
        if time.monotonic() > until:
            return
        old, new = (pd.DataFrame(part) for part in pickle.loads(path.read_bytes()))
        print(json.dumps({"window": path.stem} | alarms(old, new)), flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), float(sys.argv[2]))
