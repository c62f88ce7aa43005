"""What stages used of their machines is asked for once a run has settled, and is the evidence for a smaller machine."""

from collections.abc import Sequence

import pytest

from core.events import RunStatus, Tick
from core.pipelines.bottlenecks import Change, SavingVerdict, review
from core.pipelines.usage import Usage
from tests.support.builders.runs import AT, MINUTE, told
from tests.support.fakes.pipelines import World

POSSIBLE, NOTHING, NOT_KNOWN = SavingVerdict.POSSIBLE, SavingVerdict.NOTHING, SavingVerdict.NOT_KNOWN


def world(usage: Usage | None, *, status: RunStatus = RunStatus.SUCCEEDED) -> World:
    """A run of an hour, whose only stage ran on a machine of 16 vCPUs and 64 GiB as the job 42."""
    one = World()
    fit = told(RunStatus.SUCCEEDED, 60, stage="fit", start=0, machine="e2-standard-16", job="42")
    one.give(fit, told(status, 60, start=0))
    one.outside.used = {"42": usage} if usage else {}
    return one


def tick(minute: float) -> Tick:
    return Tick(job="pipeline_monitor", scheduled_at=AT + minute * MINUTE)


def claimed(one: World) -> tuple[SavingVerdict, float | None]:
    """What is claimed of a smaller machine."""
    found = review(one.line().runs[0], [])
    assert found is not None
    [saving] = [saving for saving in found.savings if saving.change is Change.MACHINE]
    return saving.verdict, None if saving.dollars is None else round(saving.dollars, 6)


@pytest.mark.parametrize(
    ("usage", "verdict", "dollars"),
    [
        # 1.6 vCPUs and 12.8 GiB: 80 % of the memory of e2-standard-4, whose hour costs 12 vCPUs less.
        (Usage(cpu=0.10, memory=0.20, samples=60), POSSIBLE, 0.462379),
        # 13.44 GiB: 84 % of e2-standard-4, so that it is e2-standard-8.
        (Usage(cpu=0.10, memory=0.21, samples=60), POSSIBLE, 0.308253),
        (Usage(cpu=0.50, memory=0.10, samples=60), NOTHING, 0.0),
        (Usage(cpu=0.10, memory=0.20, samples=4), NOT_KNOWN, None),
        (None, NOT_KNOWN, None),
    ],
)
def test_a_smaller_machine_is_claimed_by_what_was_measured(
    usage: Usage | None, verdict: SavingVerdict, dollars: float | None
) -> None:
    one = world(usage)
    assert claimed(one) == (NOT_KNOWN, None)
    one.give(tick(70))
    assert claimed(one) == (verdict, dollars)


@pytest.mark.parametrize(
    ("usage", "minutes", "asked"),
    [
        (Usage(cpu=0.1, memory=0.2, samples=60), [69, 70, 70, 71, 79], 1),  # once, though a tick comes twice
        (Usage(cpu=0.1, memory=0.2, samples=60), [80, 81], 0),
        (None, [70, 71, 79, 80], 3),
    ],
)
def test_it_is_asked_for_from_ten_to_twenty_minutes_after_the_end_until_it_is_known(
    usage: Usage | None, minutes: Sequence[float], asked: int
) -> None:
    one = world(usage)
    one.give(*map(tick, minutes))
    assert one.outside.asked == ["42"] * asked


def test_only_what_succeeded_is_asked_for() -> None:
    one = world(Usage(cpu=0.1, memory=0.2, samples=60), status=RunStatus.FAILED)
    one.give(tick(70))
    assert one.outside.asked == []


def test_an_outage_of_monitoring_delays_nothing_and_is_made_up_for() -> None:
    one = world(Usage(cpu=0.1, memory=0.2, samples=60))
    one.outside.down.add("usage")
    one.give(tick(70))
    assert claimed(one) == (NOT_KNOWN, None)
    one.outside.down.clear()
    one.give(tick(71))
    assert claimed(one)[0] is POSSIBLE
    assert one.line().runs[0].span.seconds == 3600
