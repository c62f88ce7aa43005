"""What a change of a stage would have saved: cases that are computed by hand, and what holds for every run."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.business.prices import MACHINE_TYPES
from core.events import RunStatus
from core.pipelines.bottlenecks import Change, Saving, SavingVerdict, path_of, review
from core.pipelines.run import Run
from core.pipelines.schedule import saved_seconds, schedule, starts_and_ends
from tests.support.builders.runs import AT, DAY, MINUTE, line_of, told

POSSIBLE, NOTHING, NOT_KNOWN = SavingVerdict.POSSIBLE, SavingVerdict.NOTHING, SavingVerdict.NOT_KNOWN
Row = tuple[str, float, float, dict[str, Any]]


def stage(name: str, start: float, end: float, **execution: Any) -> Row:
    """A stage from one minute to another."""
    return name, start, end, execution


def run_of(*stages: Row, day: int = 0) -> Run:
    first = day * DAY / MINUTE
    last = max((end for _, _, end, _ in stages), default=0.0)
    events = [
        told(RunStatus.SUCCEEDED, first + end, run=f"r{day}", stage=name, start=first + start, **execution)
        for name, start, end, execution in stages
    ]
    return line_of([*events, told(RunStatus.SUCCEEDED, first + last, run=f"r{day}", start=first)]).runs[0]


def saving(run: Run, name: str, change: Change, others: Sequence[Run] = ()) -> Saving:
    found = review(run, others)
    assert found is not None
    [one] = [one for one in found.savings if (one.stage, one.change) == (name, change)]
    return one


def claimed(one: Saving) -> tuple[SavingVerdict, float | None, float | None]:
    return one.verdict, one.seconds, one.dollars and round(one.dollars, 6)


CHAIN = (stage("read", 0, 10), stage("train", 11, 41), stage("test", 41, 46))


def test_the_longest_stage_of_the_critical_path_bounds_the_run() -> None:
    # read ends at 10, train waits a minute for its machine and ends at 41, test at 46: each waited for the one before.
    found = review(run_of(*CHAIN), [])
    assert found is not None
    assert (found.critical_path, found.bound_by) == (("read", "train", "test"), "train")


def test_a_long_stage_beside_the_critical_path_does_not_bound_the_run() -> None:
    # profile takes 25 minutes, and nothing waits for it; read, fit (20) and test (15) end at 40.
    stages = (
        stage("read", 0, 5, after=()),
        stage("profile", 5, 30, after=("read",)),
        stage("fit", 5, 25, after=("read",)),
        stage("test", 25, 40, after=("fit",)),
    )
    found = review(run_of(*stages), [])
    assert found is not None
    assert (found.critical_path, found.bound_by) == (("read", "fit", "test"), "fit")


def test_without_evidence_nothing_is_claimed() -> None:
    found = review(run_of(*CHAIN), [run_of(*CHAIN, day=1)])
    assert found is not None
    assert {(one.verdict, one.seconds, one.dollars) for one in found.savings} == {(NOT_KNOWN, None, None)}
    assert {one.evidence for one in found.savings} == {
        "its inputs are not reported",
        "its dependencies are not reported",
        "its machine type is not reported",
    }


def test_a_cache_hit_saves_the_stage_and_its_machine() -> None:
    # train took 30 of 46 minutes; the delay of a minute stays: read 0 to 10, train at 11, test 11 to 16. Half an hour of
    # e2-standard-4 at $0.154126276 an hour is $0.077063.
    def stages(day: int) -> Run:
        return run_of(CHAIN[0], stage("train", 11, 41, inputs="a1", machine="e2-standard-4"), CHAIN[2], day=day)

    one = saving(stages(3), "train", Change.CACHE, [stages(1), stages(2)])
    assert claimed(one) == (POSSIBLE, 1800.0, 0.077063)
    assert "run r2 had the same inputs" in one.evidence


def test_a_cache_hit_beside_another_stage_saves_only_what_waited_for_it() -> None:
    # fit takes 20 minutes and profile 18, test needs both: without fit it begins at 18 instead of 20.
    def stages(day: int) -> Run:
        return run_of(
            stage("fit", 0, 20, after=(), inputs="a1"),
            stage("profile", 0, 18, after=()),
            stage("test", 20, 30, after=("fit", "profile")),
            day=day,
        )

    assert claimed(saving(stages(1), "fit", Change.CACHE, [stages(0)])) == (POSSIBLE, 120.0, None)


@pytest.mark.parametrize(
    ("day", "inputs", "status"), [(0, "b2", "succeeded"), (2, "a1", "succeeded"), (0, "a1", "failed")]
)
def test_other_inputs_a_later_run_and_a_failure_are_no_evidence_for_a_cache_hit(
    day: int, inputs: str, status: str
) -> None:
    at = day * DAY / MINUTE
    other = told(RunStatus(status), at + 5, run=f"r{day}", stage="fit", start=at, inputs=inputs)
    newest = run_of(stage("fit", 0, 5, inputs="a1"), day=1)
    assert claimed(saving(newest, "fit", Change.CACHE, line_of([other]).runs)) == (NOTHING, 0.0, 0.0)


def test_stages_that_ran_one_after_the_other_without_a_dependency_may_run_side_by_side() -> None:
    # fit (10 to 30) and profile (30 to 38) need read alone, test (38 to 40) both. Beside fit, profile runs 10 to 18, test 30 to 32.
    run = run_of(
        stage("read", 0, 10, after=()),
        stage("fit", 10, 30, after=("read",)),
        stage("profile", 30, 38, after=("read",)),
        stage("test", 38, 40, after=("fit", "profile")),
    )
    one = saving(run, "profile", Change.PARALLEL)
    assert claimed(one) == (POSSIBLE, 480.0, 0.0)
    assert "it depends on read, and waited for fit" in one.evidence
    assert claimed(saving(run, "fit", Change.PARALLEL)) == (NOTHING, 0.0, 0.0)
    assert claimed(saving(run, "test", Change.PARALLEL)) == (NOTHING, 0.0, 0.0)


def test_the_delay_of_a_stage_is_not_saved() -> None:
    # profile began two minutes after fit had ended, as its machine took as long: beside fit it runs 2 to 10, fit ends at 20.
    run = run_of(stage("fit", 0, 20, after=()), stage("profile", 22, 30, after=()))
    assert starts_and_ends(schedule(run), freed="profile")["profile"] == (120.0, 600.0)
    assert claimed(saving(run, "profile", Change.PARALLEL)) == (POSSIBLE, 600.0, 0.0)


def test_a_stage_that_ended_while_another_waited_for_its_dependency_held_nobody_up() -> None:
    # profile began before read had ended: that test began after both is no evidence that it waited for profile.
    run = run_of(
        stage("read", 0, 10, after=()), stage("profile", 0, 12, after=()), stage("test", 13, 20, after=("read",))
    )
    assert claimed(saving(run, "test", Change.PARALLEL)) == (NOTHING, 0.0, 0.0)
    assert path_of(run, AT) == ("read", "test")


def test_side_by_side_with_nothing_gained_is_no_saving() -> None:
    # The run ends with fit at 30: that profile (5 to 8) could have run beside read changes nothing.
    run = run_of(stage("read", 0, 5, after=()), stage("profile", 5, 8, after=()), stage("fit", 5, 30, after=("read",)))
    one = saving(run, "profile", Change.PARALLEL)
    assert claimed(one) == (NOTHING, 0.0, 0.0)
    assert "would have ended no earlier" in one.evidence


@pytest.mark.parametrize("after", [("unreported",), ("test",)])
def test_dependencies_that_contradict_the_times_are_not_believed(after: tuple[str, ...]) -> None:
    run = run_of(stage("fit", 0, 10, after=()), stage("profile", 10, 20, after=after), stage("test", 15, 30, after=()))
    assert saving(run, "profile", Change.PARALLEL).verdict is NOT_KNOWN


def test_a_dependency_that_was_cached_is_met_from_the_start() -> None:
    # profile needs read alone, which was cached: beside fit (0 to 10) it runs 0 to 10, 10 minutes earlier.
    run = run_of(
        stage("read", 0, 0, cached=True), stage("fit", 0, 10, after=()), stage("profile", 10, 20, after=("read",))
    )
    assert claimed(saving(run, "profile", Change.PARALLEL)) == (POSSIBLE, 600.0, 0.0)
    assert path_of(run, AT) == ("fit", "profile")


@pytest.mark.parametrize(
    ("machine", "cpu", "memory", "verdict", "dollars"),
    [
        # 10% of 16 vCPUs are 1.6, 20% of 64 GiB are 12.8: both are 40% and 80% of e2-standard-4, a quarter of the price.
        ("e2-standard-16", 0.10, 0.20, POSSIBLE, 0.462379),  # 12 vCPUs less: 12 * 0.154126276 / 4, for an hour
        # 21% of 64 GiB are 13.44, 84% of 16: e2-standard-8 it is, half of the price.
        ("e2-standard-16", 0.10, 0.21, POSSIBLE, 0.308253),  # 8 vCPUs less
        # 50% of 16 vCPUs are 8, all of e2-standard-8.
        ("e2-standard-16", 0.50, 0.10, NOTHING, 0.0),
        ("e2-standard-4", 0.01, 0.01, NOTHING, 0.0),  # there is no smaller one
        ("n1-standard-8", 0.30, 0.30, POSSIBLE, 0.218499),  # n1-standard-4
        ("e2-standard-16", 0.10, None, NOT_KNOWN, None),
        ("a2-ultragpu-8g", 0.10, 0.10, NOT_KNOWN, None),
    ],
)
def test_a_smaller_machine_saves_the_difference_of_the_prices_where_the_peaks_fit(
    machine: str, cpu: float, memory: float | None, verdict: SavingVerdict, dollars: float | None
) -> None:
    run = run_of(stage("fit", 0, 60, machine=machine, cpu_peak=cpu, memory_peak=memory))
    one = saving(run, "fit", Change.MACHINE)
    assert claimed(one) == (verdict, None if verdict is NOT_KNOWN else 0.0, dollars)


def test_a_run_without_times_has_no_bottleneck_and_one_that_runs_has_a_path_so_far() -> None:
    assert review(run_of(), []) is None
    running = [told(RunStatus.SUCCEEDED, 5, stage="read", start=0), told(RunStatus.RUNNING, 6, stage="fit", start=6)]
    assert path_of(line_of(running).runs[0], AT + 9 * MINUTE) == ("read", "fit")


@st.composite
def runs(draw: st.DrawFn) -> list[Row]:
    """Stages with dependencies that hold, begun in any order after them; some are not reported."""
    rows: list[Row] = []
    for number in range(draw(st.integers(1, 6))):
        after = draw(st.sets(st.sampled_from([row[0] for row in rows]))) if rows else set()
        ready = max((end for name, _, end, _ in rows if name in after), default=0)
        start = ready + draw(st.integers(0, 8))
        more: dict[str, Any] = {"after": tuple(after)} if draw(st.booleans()) else {}
        more |= {"inputs": "a1", "machine": "e2-standard-16", "cpu_peak": 0.1, "memory_peak": 0.1}
        rows.append(stage(f"s{number}", start, start + draw(st.integers(0, 9)), **more))
    return rows


@given(runs())
def test_no_saving_exceeds_the_run_or_the_price_of_its_machines(rows: list[Row]) -> None:
    run = run_of(*rows, day=1)
    found = review(run, [run_of(*rows)])
    assert found is not None
    whole = max(end for _, _, end, _ in rows) * 60
    machines = sum(end - start for _, start, end, _ in rows) / 60 * MACHINE_TYPES["e2-standard-16"].dollars_per_hour
    assert all(0 <= (one.seconds or 0) <= whole for one in found.savings)
    assert all(0 <= (one.dollars or 0) <= machines + 1e-9 for one in found.savings)
    assert all(one.evidence for one in found.savings)


@given(runs(), st.randoms())
def test_the_order_of_the_stages_plays_no_part(rows: list[Row], rng: Any) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert review(run_of(*shuffled), []) == review(run_of(*rows), [])


@given(runs())
def test_a_change_leaves_every_stage_after_what_it_depends_on_and_no_later_than_it_was(rows: list[Row]) -> None:
    slots = schedule(run_of(*rows))
    assert all(starts_and_ends(slots)[slot.name] == pytest.approx((slot.start, slot.end)) for slot in slots)
    assert saved_seconds(slots) == 0
    for freed in slots:
        times = starts_and_ends(slots, freed=freed.name)
        for slot in slots:
            assert all(times[slot.name][0] >= times[name][1] for name in slot.after or ())
            assert times[slot.name][0] <= slot.start + 1e-9
