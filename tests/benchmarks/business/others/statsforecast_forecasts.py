"""What AutoETS, AutoTheta and AutoCES of statsforecast forecast; runs in an environment of its own, writes a JSON line a history."""

import json
import sys
import time

import numpy as np
from statsforecast.models import AutoCES, AutoETS, AutoTheta

MODELS = {"AutoETS": AutoETS, "AutoTheta": AutoTheta, "AutoCES": AutoCES}


def forecasts(history: list[float], horizon: int, season: int) -> dict[str, object]:
    """The point forecasts of each model, and its CPU seconds; None where it raises."""
    values, found = np.array(history), {}
    for name, kind in MODELS.items():
        started = time.process_time()
        try:
            middle = kind(season_length=season).forecast(y=values, h=horizon)["mean"].tolist()
        except Exception:  # noqa: BLE001 - a model that fails has no forecast; the others go on
            middle = None
        found[name] = {"middle": middle, "seconds": time.process_time() - started}
    return found


def main() -> None:
    """A line of histories in, a line of forecasts out."""
    for line in sys.stdin:
        case = json.loads(line)
        print(json.dumps(forecasts(case["history"], case["horizon"], case["season"])), flush=True)


if __name__ == "__main__":
    main()
