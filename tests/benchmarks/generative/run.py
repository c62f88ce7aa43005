"""Generative models on real traces: how often clean windows alarm, and whether changes that are planted are found and named.

    python tests/benchmarks/generative/run.py [--windows 400] [--seed 1]

The traces are of a service that makes images of texts (`tests/support/builders/genai_trace.py`), and beside the project; those that are
absent are named. A clean window is a random sample of one half of a trace, its reference the other half. A changed one is the same with times
doubled, or with failures added. In the order of time, windows of a day are compared with the first two weeks: what alarms then is
what really changed, and is shown only.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.settings import Generation
from tests.support.builders import genai_trace, public_data
from tests.support.builders.generation_windows import Columns, Judged, halves, taken

MOST = 0.01
SIZES = (500, 2000)
DAY, HOUR = 86_400.0, 3_600.0


@dataclass(frozen=True)
class Trace:
    """A trace.

    Attributes:
        name: of the file.
        log: what its columns are.
        columns: of all requests.
        times: the column of times.
        window: how long a window is, in seconds.
    """

    name: str
    log: Generation
    columns: Columns
    times: str
    window: float


def traces() -> Iterator[Trace]:
    """The traces that are there."""
    if path := public_data.found(genai_trace.REQUESTS):
        columns = genai_trace.requests(path)
        yield Trace("requests", genai_trace.LOG, columns, "exec_time_seconds", DAY)
    else:
        print(f"absent: {genai_trace.REQUESTS}")
    if path := public_data.found(genai_trace.STAGES):
        for name in ("pipeline_inference_data_anon", "queue_rt_raw_anon"):
            yield Trace(name, genai_trace.QUEUE, genai_trace.stage(path, name), "seconds", HOUR)
    else:
        print(f"absent: {genai_trace.STAGES}")


def slower(columns: Columns, name: str) -> Columns:
    """Every time doubled."""
    return {**columns, name: columns[name] * 2}


def failing(columns: Columns, rng: np.random.Generator, share: float = 0.05) -> Columns:
    """Failures added, up to about a share."""
    added = rng.random(columns["failed_"].size) < share
    return {
        **columns,
        "failed_": np.where(added, "true", columns["failed_"]).astype(object),
        "predict_status": np.where(added, "FAILED", columns["predict_status"]).astype(object),
    }


def named(alarms: Mapping[str, Any], title: str, feature: str) -> bool:
    """Whether a change is found as such: as a measure that is worse, or as drift of its feature."""
    return any(title in one.evidence or feature in one.evidence for one in alarms.values())


def shuffled(trace: Trace, *, windows: int, seed: int) -> float:
    """Print how many clean windows alarm and changed ones are found; gives back the share of clean ones that alarm."""
    rng = np.random.default_rng(seed)
    log, columns = trace.log, trace.columns
    alarms, doubled, failed, total = 0, 0, 0, 0
    for _ in range(windows // (10 * len(SIZES))):
        reference, rest = halves(columns, rng)
        judged = Judged(log, reference, window=trace.window)
        for size in SIZES:
            for _ in range(10):
                window = taken(rest, _some(rest, size, rng))
                total += 1
                alarms += bool(judged.alarms(window))
                doubled += named(judged.alarms(slower(window, trace.times)), "Total time, 95th percentile", trace.times)
                if log.status:
                    failed += named(judged.alarms(failing(window, rng)), "Error ratio", "failed_")
    told = f", {failed / total:.1%} of windows with 5 % failures" if log.status else ""
    print(
        f"{trace.name}: {alarms} of {total} clean windows alarm ({alarms / total:.2%}); found and named: "
        f"{doubled / total:.1%} of windows with doubled times{told}"
    )
    return alarms / total


def _some(columns: Columns, size: int, rng: np.random.Generator) -> NDArray[Any]:
    return np.sort(rng.choice(columns["second_"].size, size, replace=False))


def in_time(log: Generation, columns: Columns) -> None:
    """Print what is found of the days after the first two weeks."""
    seconds = columns["second_"]
    begin = seconds.min() + 14 * DAY
    judged = Judged(log, taken(columns, np.flatnonzero(seconds < begin)))
    for start in np.arange(begin, seconds.max(), DAY):
        window = taken(columns, np.flatnonzero((seconds >= start) & (seconds < start + DAY)))
        found = judged.alarms(window)
        said = "; ".join(one.summary for one in found.values()) or "nothing"
        print(f"  {np.datetime64(int(start), 's')}, {window['second_'].size} requests: {said}")


def main() -> int:
    """Run all; fails where more clean windows alarm than 1 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    worst = 0.0
    for trace in traces():
        worst = max(worst, shuffled(trace, windows=given.windows, seed=given.seed))
        if trace.log.status:
            in_time(trace.log, trace.columns)
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
