"""Which windows Evidently calls drifted by its defaults; runs in an environment of its own, reads windows, writes a JSON line each."""

import json
import pickle
import sys
import time
import warnings
from pathlib import Path

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset


def alarms(old: pd.DataFrame, new: pd.DataFrame) -> dict[str, bool]:
    """By its default test of each column, chosen by its number of rows and values."""
    numbers = [name for name in old if pd.api.types.is_numeric_dtype(old[name])]
    definition = DataDefinition(
        numerical_columns=numbers, categorical_columns=[name for name in old if name not in numbers]
    )
    parts = [Dataset.from_pandas(part, data_definition=definition) for part in (new, old)]
    found = Report([DataDriftPreset()]).run(*parts).dict()["metrics"]
    value = next(one["value"] for one in found if "DriftedColumnsCount" in one["metric_name"])
    return {"dataset drift (half of the columns)": value["share"] >= 0.5, "any column": value["count"] > 0}


def main(folder: Path, seconds: float) -> None:
    """One line a window, for at most so long."""
    until = time.monotonic() + seconds
    for path in sorted(folder.glob("*.pickle")):
        if time.monotonic() > until:
            return
        old, new = (pd.DataFrame(part) for part in pickle.loads(path.read_bytes()))
        print(
            json.dumps({"window": path.stem} | {name: bool(is_it) for name, is_it in alarms(old, new).items()}),
            flush=True,
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]), float(sys.argv[2]))
