"""What the tests cost: single-thread CPU seconds and bytes, as ratios measured in one run."""

import gc
import os
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from detectors import five_tests as scipy_tests
from workloads import Window

from core.drift import Profile, count, score, score_counts

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("scipy", "pandas", "matplotlib", "plotly")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One measurement beside its target."""

    what: str
    target: str
    text: str
    met: bool | None


def best(work: Callable[[], object], repeats: int) -> float:
    """CPU seconds of this thread in the fastest run: idle helper threads and other work on the machine only ever add."""
    gc.collect()
    gc.disable()
    try:
        return min(_once(work) for _ in range(repeats))
    finally:
        gc.enable()


def _once(work: Callable[[], object]) -> float:
    started = time.thread_time()
    work()
    return time.thread_time() - started


def _columns(rng: np.random.Generator, rows: int, features: int) -> Window:
    return {f"f{k}": rng.standard_normal(rows) for k in range(features)}


def _sorting(window: Window) -> Callable[[], object]:
    def work() -> None:
        for column in window.values():
            np.sort(column)

    return work


def five_tests(
    rng: np.random.Generator, rows: int, features: int, repeats: int, *, compare: bool = True
) -> Iterator[Cost]:
    """All five tests, exactly, beside sorting the same columns and beside a loop over scipy."""
    reference, current = _columns(rng, rows, features), _columns(rng, rows, features)
    profile = Profile.fit(reference)
    ours = best(lambda: score(profile, current), repeats)
    sorting = best(_sorting(current), repeats)
    size = f"five exact tests, {rows:,} x {features}"
    text = f"{ours / sorting:.2f} x ({ours * 1e3:.1f} ms; sorting {sorting * 1e3:.1f} ms)"
    yield Cost(what=f"{size}, beside sorting", target="≤ 1.5 x", text=text, met=ours <= 1.5 * sorting)
    if compare:
        names = list(reference)
        loop = best(lambda: [scipy_tests(reference[name], current[name], is_categorical=False) for name in names], 3)
        text = f"{loop / ours:.0f} x faster ({loop:.2f} s)"
        yield Cost(what=f"{size}, beside a scipy loop", target="≥ 40 x", text=text, met=loop >= 40 * ours)


def unequal(rng: np.random.Generator, repeats: int) -> Cost:
    """Windows of another size than the reference, with missing values: the case without short cuts."""
    profile = Profile.fit(_columns(rng, 100_000, 50))
    current = _columns(rng, 80_000, 50)
    for column in current.values():
        column[rng.random(column.size) < 0.03] = np.nan
    ours, sorting = best(lambda: score(profile, current), repeats), best(_sorting(current), repeats)
    text = f"{ours / sorting:.2f} x ({ours * 1e3:.1f} ms)"
    what = "five exact tests, 80,000 with 3 % missing against 100,000, x 50, beside sorting"
    return Cost(what=what, target="none", text=text, met=None)


def from_counts(rng: np.random.Generator) -> Iterator[Cost]:
    """The same tests from ready counts, report included: without and with the rows by which features are compared together."""
    profile = Profile.fit(_columns(rng, 20_000, 50), cells=1024)
    current = _columns(rng, 20_000, 50)
    counts = count(profile, current)
    some = {name: column[::20].copy() for name, column in current.items()}
    for what, target, sample, repeats in (
        ("the statistics from 50 x 1024 counts", 0.4, None, 400),
        ("a model whole from 50 x 1024 counts and 1,000 rows, joint drift included", 2.0, some, 200),
    ):
        seconds = best(partial(score_counts, profile, counts, sample=sample), repeats)
        text = f"{seconds * 1e3:.2f} ms"
        yield Cost(what=what, target=f"≤ {target:g} ms", text=text, met=seconds * 1e3 <= target)


def importing(repeats: int) -> Cost:
    """Importing `core.drift` beside importing numpy, each in a process of its own."""
    bare, numpy, ours = (
        min(_process_seconds(code) for _ in range(repeats + 3))
        for code in ("pass", "import numpy", "import core.drift")
    )
    ratio = (ours - bare) / (numpy - bare)
    code = f"import sys, core.drift; print(*sorted({set(HEAVY)!r} & set(sys.modules)))"
    heavy = subprocess.run(_python(code), check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()
    text = f"{ratio:.2f} x ({(ours - bare) * 1e3:.0f} ms); imports {heavy or 'none of ' + ', '.join(HEAVY)}"
    return Cost(what="import of `core.drift`", target="≤ 1.5 x numpy", text=text, met=ratio <= 1.5 and not heavy)


def memory(rng: np.random.Generator) -> Cost:
    """The most that fitting and scoring hold beside the two windows themselves."""
    reference, current = _columns(rng, 100_000, 50), _columns(rng, 100_000, 50)
    tracemalloc.start()
    profile = Profile.fit(reference)
    score(profile, current)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    megabytes = most / 1e6
    what = "memory over the arrays, 100,000 x 50, profile included"
    return Cost(what=what, target="≤ 80 MB", text=f"{megabytes:.0f} MB", met=megabytes <= 80)


def _python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def _process_seconds(code: str) -> float:
    before = os.times()
    subprocess.run(_python(code), check=True, cwd=ROOT)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system
