"""How good the drift core is: one run, one seed, one Markdown table in `build/bench_drift.md`.

    python tests/benchmarks/drift/run.py [--quick] [--seed 1] [--detector core.drift|scipy|module:name]

Times are single-thread CPU seconds, the best of several runs. Rates carry the number of windows they come from.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cost
import detectors
import joint
import numpy as np
import workloads
from workloads import Case

from core.drift import Profile, score
from tests.support.builders import public_data

ROOT = Path(__file__).resolve().parents[3]
QUIET_UNTIL, QUIET = public_data.MOVES_AT, public_data.CONSTANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the table; `met` is None where there is no target."""

    what: str
    target: str
    found: str
    met: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much is measured, and of what."""

    detector: detectors.Detector
    seed: int
    quick: bool

    def rng(self, *key: int) -> np.random.Generator:
        """Numbers of their own for each part, whatever the other parts draw."""
        return np.random.default_rng([self.seed, *key])

    def windows(self, rows: int) -> tuple[int, int]:
        """How many windows of so many rows, and how many of them share a reference."""
        for least, many, few, refit in ((500_000, 10, 2, 5), (50_000, 60, 5, 5), (0, 300, 30, 1)):
            if rows >= least:
                return (few if self.quick else many), refit
        raise AssertionError(rows)


class Tally:
    """How many windows were judged rightly, over the whole benchmark."""

    def __init__(self) -> None:
        self.right = self.windows = 0

    def judge(self, plan: Plan, case: Case) -> frozenset[str]:
        """What the detector says of a window; whether it is right about drift at all is counted."""
        found = plan.detector(case.reference, case.categorical)(case.current)
        self.right += bool(found) == bool(case.moved)
        self.windows += 1
        return found


def rows(plan: Plan) -> Iterator[Row]:
    """All rows of the table."""
    yield from costs(plan)
    tally = Tally()
    yield from false_alarms(plan, tally)
    yield from recall(plan, tally)
    yield small_shift(plan, tally)
    yield from outlier(plan, tally)
    yield other_changes(plan, tally)
    share = tally.right / tally.windows
    yield Row(
        what="windows judged rightly, over all the rows above",
        target="≥ 95 %",
        found=f"{share:.1%} of {tally.windows}",
        met=share >= 0.95,
    )
    yield from tails(plan)
    yield from together(plan)
    yield elec2(plan)


def costs(plan: Plan) -> Iterator[Row]:
    """Time and memory, of `core.drift` only."""
    repeats = 3 if plan.quick else 7
    for found in cost.five_tests(plan.rng(1), 100_000, 50, repeats):
        yield Row(what=found.what, target=found.target, found=found.text, met=found.met)
    for found in (
        *cost.five_tests(plan.rng(2), 1_000_000, 20, 3, compare=False),
        cost.unequal(plan.rng(3), repeats),
        *cost.from_counts(plan.rng(4)),
        cost.importing(repeats),
        cost.memory(plan.rng(5)),
    ):
        yield Row(what=found.what, target=found.target, found=found.text, met=found.met)


def false_alarms(plan: Plan, tally: Tally) -> Iterator[Row]:
    """Windows without drift in which any of the 50 features is alarmed."""
    for k, kind in enumerate(workloads.DRAWS):
        parts, worst = [], 0.0
        for n in (30, 100, 500, 5000, 50_000, 500_000):
            windows, refit = plan.windows(n)
            cases = workloads.undrifted(plan.rng(10, k, n), kind, n, windows, refit)
            rate = float(np.mean([bool(tally.judge(plan, case)) for case in cases]))
            parts.append(f"{n:,}: {rate:.1%} of {windows}")
            worst = max(worst, rate)
        yield Row(
            what=f"false alarms of a window, {kind}",
            target="≤ 5 % at every n",
            found="; ".join(parts),
            met=worst <= 0.05,
        )


def recall(plan: Plan, tally: Tally) -> Iterator[Row]:
    """How many of the moved features are found."""
    for shift, target in ((0.1, 0.8), (0.2, 1.0)):
        windows, refit = plan.windows(5000)
        cases = workloads.shifted(plan.rng(20, int(shift * 10)), shift, 5000, windows, refit)
        found = [(tally.judge(plan, case), case.moved) for case in cases]
        share = float(np.mean([len(names & moved) / len(moved) for names, moved in found]))
        false = float(np.mean([len(names - moved) for names, moved in found]))
        yield Row(
            what=f"recall, 5 of 50 features moved by {shift} sd, n = 5,000",
            target=f"≥ {target:.2f}",
            found=f"{share:.3f} of {windows} windows; {false:.2f} others alarmed a window",
            met=share >= target,
        )


def small_shift(plan: Plan, tally: Tally) -> Row:
    """A certain but small change."""
    alarms = reported = 0
    windows = 2 if plan.quick else 10
    for case in workloads.shifted(plan.rng(30), 0.05, 500_000, windows, 5):
        quiet = Case(reference=case.reference, current=case.current, categorical=(), moved=frozenset())
        alarms += len(tally.judge(plan, quiet))
        reported += detectors.certain(case.reference, case.current) >= case.moved
    return Row(
        what="5 features moved by 0.05 sd, n = 500,000",
        target="reported, not alarmed",
        found=f"all 5 reported in {reported} of {windows} windows; {alarms} alarms",
        met=reported == windows and not alarms,
    )


def outlier(plan: Plan, tally: Tally) -> Iterator[Row]:
    """One value of 1000 in 50,000 rows, in the reference, in the window, in both."""
    same = found = total = 0
    for k in range(2 if plan.quick else 5):
        rng = plan.rng(40, k)
        reference, calm, moved = (workloads.window(rng, workloads.DRAWS["normal"], 50_000) for _ in range(3))
        moved["f0"] = moved["f0"] + 1.0
        for current, names in ((calm, frozenset[str]()), (moved, frozenset({"f0"}))):
            before = tally.judge(plan, Case(reference=reference, current=current, categorical=(), moved=names))
            for sides in ((True, False), (False, True), (True, True)):
                wild = [
                    _with_outlier(side) if hit else side for side, hit in zip((reference, current), sides, strict=True)
                ]
                after = tally.judge(plan, Case(reference=wild[0], current=wild[1], categorical=(), moved=names))
                same += before == after
                found += not names or "f0" in after
                total += 1
    yield Row(
        what="one value of 1000 in 50,000 rows: verdicts unchanged",
        target="all",
        found=f"{same} of {total}",
        met=same == total,
    )
    yield Row(
        what="one value of 1000: a 1-sd shift still found",
        target="all",
        found=f"{found} of {total}",
        met=found == total,
    )


def _with_outlier(window: workloads.Window) -> workloads.Window:
    wild = window["f0"].copy()
    wild[7] = 1000.0
    return window | {"f0": wild}


def other_changes(plan: Plan, tally: Tally) -> Row:
    """Changes that leave the mean where it is."""
    windows = 12 if plan.quick else 120
    cases = workloads.other_changes(plan.rng(50), 5000, windows)
    hits = sum(case.moved <= tally.judge(plan, case) for case in cases)
    return Row(
        what="spread, shape, mix, new category, missing, constant; n = 5,000",
        target="all found",
        found=f"{hits} of {windows}",
        met=hits == windows,
    )


def tails(plan: Plan) -> Iterator[Row]:
    """Few rows far out in one of 20 features, and heavy tails without drift; `core.drift` only."""
    windows = 3 if plan.quick else 10
    found = [joint.tails_found(plan.rng(60, k), change, windows) for k, change in enumerate(joint.TAILS)]
    yield Row(
        what=f"few rows far out: {', '.join(joint.TAILS)}; 1 of 20 features, n = 10,000",
        target=f"≥ {windows - 1} of {windows} each, no other feature",
        found=f"{', '.join(map(str, found))} of {windows}",
        met=min(found) >= windows - 1,
    )
    windows = 9 if plan.quick else 30
    alarms = [joint.clean_tails(plan.rng(61, k), kind, windows) for k, kind in enumerate(joint.CLEAN)]
    total = windows * len(alarms)
    yield Row(
        what=f"false alarms of a window, heavy tails ({', '.join(joint.CLEAN)}), 20 features",
        target="≤ 5 %",
        found=f"{sum(alarms) / total:.1%} of {total}",
        met=sum(alarms) <= 0.05 * total,
    )


def together(plan: Plan) -> Iterator[Row]:
    """Features that no longer go together as they did, and features that do; `core.drift` only."""
    windows = 2 if plan.quick else 6
    sizes = [(rows, features) for rows in (1000, 5000) for features in (2, 10, 50)]
    cases = f"n = 1,000 and 5,000; 2, 10 and 50 features; {windows} windows each"
    for k, correlations in enumerate(((0.9, -0.9), (0.8, 0.5))):
        results = [joint.pairs_found(plan.rng(70 + k, *size), correlations, *size, windows) for size in sizes]
        found, named = (sum(column) for column in zip(*results, strict=True))
        total = windows * len(sizes)
        yield Row(
            what=f"a rank correlation from {correlations[0]} to {correlations[1]}; {cases}",
            target="all found",
            found=f"{found} of {total}; the pair alone is named in {named}",
            met=found == total,
        )
    for k, (kind, what) in enumerate((("parabola", "a parabola"), ("three", "a link of three that no pair shows"))):
        results = [joint.links_found(plan.rng(72 + k, rows, 10), kind, rows, 10, windows) for rows in (1000, 5000)]
        found, alarms = (sum(column) for column in zip(*results, strict=True))
        yield Row(
            what=f"{what} among 10 features is gone, n = 1,000 and 5,000",
            target="all found",
            found=f"{found} of {2 * windows}; {alarms} alarms of {2 * windows} where it is still there",
            met=found == 2 * windows and not alarms,
        )
    windows = 5 if plan.quick else 20
    clean = sum(joint.clean_pairs(plan.rng(75, *size), *size, windows) for size in sizes)
    total = windows * len(sizes)
    yield Row(
        what="false alarms of joint drift, a rank correlation of 0.8; n = 1,000 and 5,000; 2, 10 and 50 features",
        target="≤ 1 %",
        found=f"{clean / total:.1%} of {total}",
        met=clean <= 0.01 * total,
    )


def elec2(plan: Plan) -> Row:
    """Three features of the electricity market stand still until a known row, and then move."""
    what = f"Elec2: {', '.join(QUIET)} begin to move at row {QUIET_UNTIL:,}"
    target = "found within one window, no alarm before"
    path = public_data.found(public_data.ELEC2)
    if path is None:
        return Row(what=what, target=target, found=f"not measured: no {public_data.ELEC2}", met=None)
    columns = public_data.elec2(path)
    size = 336
    fitted = plan.detector({name: column[:5040] for name, column in columns.items()}, ())
    early, late = 0, math.inf
    for start in range(5040, QUIET_UNTIL + 5 * size, size):
        found = fitted({name: column[start : start + size] for name, column in columns.items()})
        moving = start + size > QUIET_UNTIL
        early += 0 if moving else len(found & set(QUIET))
        if moving and found >= set(QUIET):
            late = min(late, (start - QUIET_UNTIL) // size + 1)
    text = f"found in window {late:g} after the change, {early} alarms before, windows of a week"
    return Row(what=what, target=target, found=text, met=late <= 1 and not early)


def table(found: list[Row], plan: Plan, name: str) -> str:
    """The rows as Markdown."""
    marks: Callable[[bool | None], str] = lambda met: {True: "yes", False: "**no**", None: "-"}[met]  # noqa: E731 - a lookup
    lines = [
        f"Drift benchmark of `{name}`, seed {plan.seed}{', quick' if plan.quick else ''}.",
        "",
        "| | target | measured | met |",
        "|---|---|---|---|",
        *(f"| {row.what} | {row.target} | {row.found} | {marks(row.met)} |" for row in found),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Measure, print and write the table; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="fewer windows")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--detector", default="core.drift", help="core.drift, scipy, or module:name")
    arguments = parser.parse_args()
    plan = Plan(detector=detectors.load(arguments.detector), seed=arguments.seed, quick=arguments.quick)
    found = []
    for row in rows(plan):
        print(f"{row.what}: {row.found}", file=sys.stderr, flush=True)
        found.append(row)
    text = table(found, plan, arguments.detector)
    target = ROOT / "build" / "bench_drift.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(text)
    return int(any(row.met is False for row in found))


if __name__ == "__main__":
    # The first call of each kind loads and compiles what the others share.
    score(Profile.fit({"x": np.arange(100.0)}), {"x": np.arange(100.0)})
    sys.exit(main())
