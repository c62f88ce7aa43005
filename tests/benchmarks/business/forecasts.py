"""Forecasts of public series beside those of statsforecast, in one run: a Markdown table in `build/bench_forecasts.md`.

    python tests/benchmarks/business/forecasts.py [--data FOLDER] [--alone] [--part 0]

The even series of a competition (`--part 0`) are what is tuned on, the odd ones what is reported. A single series is cut at 26 origins.
MASE is the mean absolute error relative to that of the seasonal naive forecast within the history.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sets import Set, sets
from workloads import Case, Floats

from core.business.forecast import forecast
from tests.benchmarks.environments import python_of

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT.parent / "shared" / "data"
PACKAGES = ("statsforecast==2.1.1",)
OTHERS = ("AutoETS", "AutoTheta", "AutoCES")
LEVELS = {0.8: (0.76, 0.86), 0.95: (0.92, 0.98)}
_BEST_OF = 5
_BEHIND = 1.03


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Of a set.

    Attributes:
        mase: by method, ours is "ours"; without those that failed.
        totals: mean relative error of the total, by method.
        coverage: share of values within our band, by its level.
        seconds: CPU of a forecast, median, by method.
    """

    mase: Mapping[str, float]
    totals: Mapping[str, float]
    coverage: Mapping[float, float]
    seconds: Mapping[str, float]


def measure(one: Set, *, beside: bool) -> Measured:
    """Forecast all histories of a set."""
    middles: dict[str, list[Floats]] = {"ours": []}
    seconds: dict[str, list[float]] = {"ours": []}
    inside: dict[float, list[float]] = {level: [] for level in LEVELS}
    for case in one.cases:
        for level, held in inside.items():
            started = time.thread_time()
            found = forecast(case.history, horizon=case.future.size, season=case.season, level=level)
            seconds["ours"].append(time.thread_time() - started)
            held.append(float(np.mean((found.low <= case.future) & (case.future <= found.high))))
        middles["ours"].append(found.middle)
    if beside:
        _add_others(one.cases, middles, seconds)
    return Measured(
        mase={name: _mean(_mase, one.cases, found) for name, found in middles.items()},
        totals={name: _mean(_total_error, one.cases, found) for name, found in middles.items()},
        coverage={level: float(np.mean(held)) for level, held in inside.items()},
        seconds={name: float(np.median(taken)) for name, taken in seconds.items()},
    )


def _add_others(cases: Sequence[Case], middles: dict[str, list[Floats]], seconds: dict[str, list[float]]) -> None:
    script = Path(__file__).parent / "others" / "statsforecast_forecasts.py"
    lines = [
        json.dumps({"history": case.history.tolist(), "horizon": case.future.size, "season": case.season})
        for case in cases
    ]
    done = subprocess.run(
        [str(python_of("statsforecast", PACKAGES)), "-W", "ignore", str(script)],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=True,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    for name in OTHERS:
        if all(one[name]["middle"] is not None for one in found):
            middles[name] = [np.array(one[name]["middle"], dtype=np.float64) for one in found]
            seconds[name] = [one[name]["seconds"] for one in found]


def _mean(error: Callable[[Case, Floats], float], cases: Sequence[Case], found: Sequence[Floats]) -> float:
    return float(np.mean([error(case, middle) for case, middle in zip(cases, found, strict=True)]))


def _mase(case: Case, middle: Floats) -> float:
    usual = np.abs(case.history[case.season :] - case.history[: -case.season]).mean()
    return float(np.abs(case.future - middle).mean() / usual)


def _total_error(case: Case, middle: Floats) -> float:
    return float(abs(middle.sum() / case.future.sum() - 1))


def line(name: str, found: Measured) -> str:
    """A row of the table."""
    others = [found.mase[one] for one in OTHERS if one in found.mase]
    ratio = f"{found.mase['ours'] / min(others):.3f}" if others else "-"
    bands = [
        f"{100 * found.coverage[level]:.1f} %{'' if low <= found.coverage[level] <= high else ' (**no**)'}"
        for level, (low, high) in LEVELS.items()
    ]
    cells = [
        name,
        *(f"{found.mase[one]:.3f}" if one in found.mase else "-" for one in ("ours", *OTHERS)),
        ratio,
        *(f"{100 * found.totals[one]:.1f} %" if one in found.totals else "-" for one in ("ours", *OTHERS)),
        *bands,
        *(f"{1e3 * found.seconds[one]:.0f}" if one in found.seconds else "-" for one in ("ours", *OTHERS)),
    ]
    return f"| {' | '.join(cells)} |"


HEAD = (
    "| set | MASE: ours | AutoETS | AutoTheta | AutoCES | ours / best | total: ours | AutoETS | AutoTheta | AutoCES |"
    " 80 % band (76 to 86) | 95 % (92 to 98) | ms: ours (50) | AutoETS | AutoTheta | AutoCES |\n" + "|---" * 16 + "|"
)


def verdicts(found: Mapping[str, Measured]) -> list[str]:
    """What is asked of all sets together, a line each."""
    ahead = [one for one in found.values() if one.mase["ours"] <= min(one.mase[name] for name in OTHERS)]
    behind = [name for name, one in found.items() if one.mase["ours"] > _BEHIND * one.mase["AutoETS"]]
    outside = [
        f"{name} ({level:.0%})"
        for name, one in found.items()
        for level, (low, high) in LEVELS.items()
        if not low <= one.coverage[level] <= high
    ]
    slow = [name for name, one in found.items() if one.seconds["ours"] > 0.05]
    return [
        f"best on MASE: {len(ahead)} of {len(found)} sets, at least {_BEST_OF}: {_met(len(ahead) >= _BEST_OF)}",
        f"more than 3 % behind AutoETS: {', '.join(behind) or 'none'}: {_met(not behind)}",
        f"bands outside: {', '.join(outside) or 'none'}: {_met(not outside)}",
        f"median above 50 ms: {', '.join(slow) or 'none'}: {_met(not slow)}",
    ]


def _met(is_it: bool) -> str:  # noqa: FBT001 - a verdict
    return "yes" if is_it else "**no**"


def main() -> int:
    """Measure, print and write the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the public data sets")
    parser.add_argument("--part", type=int, default=1, help="0 for the series that are tuned on")
    parser.add_argument("--alone", action="store_true", help="without statsforecast")
    options = parser.parse_args()
    found, lines = {}, [HEAD]
    for one in sets(options.data, options.part):
        found[one.name] = measure(one, beside=not options.alone)
        lines.append(line(one.name, found[one.name]))
        print(lines[-1], file=sys.stderr, flush=True)
    said = [] if options.alone else verdicts(found)
    text = "\n".join([*lines, "", *(f"- {one}" for one in said)]) + "\n"
    target = ROOT / "build" / "bench_forecasts.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(text)
    return int(any(one.endswith("**no**") for one in said))


if __name__ == "__main__":
    sys.exit(main())
