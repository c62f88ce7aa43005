"""What actions are worth: each attempt once, what is not known is not known, and no incident on both sides."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from core.actions.effectiveness import ActionResult, ActionStep, EndedIncident, attempts, effectiveness
from core.events import Severity

NINE = datetime(2026, 1, 2, 9, tzinfo=UTC)
SINCE = NINE - timedelta(days=90)
APPLIED = ("applied", "done")


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def steps(
    number: int, *stages: tuple[str, str], action: str = "restart_service", incident: str = "", applied: float = 10.0
) -> list[ActionStep]:
    """Decisions about request `number`, five minutes apart, the first one at `applied`."""
    return [
        ActionStep(
            request_id=f"r{number}",
            sequence=3 + place,
            incident_id=incident or f"i{number}",
            action=action,
            stage=stage,
            reason=reason,
            at=at(applied + 5 * place),
        )
        for place, (stage, reason) in enumerate(stages)
    ]


def incident(name: str, minutes: float = 13.0, **changed: object) -> EndedIncident:
    one = EndedIncident(
        id=name,
        category="availability",
        severity=Severity.ERROR,
        opened_at=NINE,
        ended_at=at(minutes),
        recoveries=(at(minutes),),
    )
    return replace(one, **changed)  # type: ignore[arg-type]  # any field


def restarts(found: list[ActionStep], *incidents: EndedIncident):  # noqa: ANN201 - what `effectiveness` gives
    return effectiveness(found, incidents, (), since=SINCE)["restart_service"]


@pytest.mark.parametrize(
    ("stages", "result"),
    [
        ((APPLIED, ("verified", "recovered")), ActionResult.HELPED),
        ((APPLIED, ("verified", "healthy")), ActionResult.UNKNOWN),
        ((APPLIED,), ActionResult.UNKNOWN),
        ((APPLIED, ("failed", "never_settled")), ActionResult.UNKNOWN),
        ((APPLIED, ("failed", "no_recovery")), ActionResult.NO_HELP),
        ((APPLIED, ("undone", "no_recovery")), ActionResult.NO_HELP),
        ((APPLIED, ("undone", "unhealthy")), ActionResult.NO_HELP),
        ((APPLIED, ("failed", "outside_refused")), ActionResult.NO_HELP),
        ((APPLIED, ("undone", "worsened")), ActionResult.WORSE),
        ((APPLIED, ("failed", "worsened")), ActionResult.WORSE),
        ((("verified", "recovered"),), ActionResult.HELPED),
    ],
)
def test_what_came_of_an_attempt(stages: tuple[tuple[str, str], ...], result: ActionResult) -> None:
    found = steps(1, *stages)
    for order in permutations([*found, *found]):
        [one] = attempts(order)
        assert one.result is result


@pytest.mark.parametrize("stage", [("failed", "outside_refused"), ("failed", "out_of_time"), ("failed", "halted")])
def test_what_was_never_applied_was_not_tried(stage: tuple[str, str]) -> None:
    assert attempts(steps(1, stage)) == []


def test_each_result_is_counted_and_what_was_never_tried_is_zero() -> None:
    helped, worse, unknown = ("verified", "recovered"), ("undone", "worsened"), ("verified", "healthy")
    found = [step for n, last in enumerate([helped, helped, worse, unknown]) for step in steps(n, APPLIED, last)]
    worth = effectiveness([*found, *found], [], ["restart_service", "flush_cache"], since=SINCE)
    assert worth["restart_service"].results == {
        ActionResult.HELPED: 2,
        ActionResult.NO_HELP: 0,
        ActionResult.WORSE: 1,
        ActionResult.UNKNOWN: 1,
    }
    assert worth["flush_cache"].results == dict.fromkeys(ActionResult, 0)
    assert worth["flush_cache"].recovery is None
    assert list(worth) == ["flush_cache", "restart_service"]


def test_what_was_decided_before_the_window_is_not_counted() -> None:
    old = [replace(step, at=step.at - timedelta(days=95)) for step in steps(1, APPLIED, ("verified", "recovered"))]
    assert effectiveness(old, [], (), since=SINCE) == {}


def test_the_recovery_is_the_first_after_the_application_also_of_what_came_back() -> None:
    """Applied at 10, verified at 15: what recovered at 8 and, once more, at 300, took 3 minutes."""
    again = incident("i1", 300, recoveries=(at(8), at(13), at(14), at(300)))
    assert restarts(steps(1, APPLIED, ("verified", "recovered")), again).recovery == timedelta(minutes=3)


def test_the_median_leaves_out_what_did_not_help_or_is_not_known() -> None:
    helped = [step for n in range(3) for step in steps(n, APPLIED, ("verified", "recovered"))]
    lost = [steps(7, APPLIED, ("verified", "recovered"))[1], *steps(8, APPLIED, ("verified", "recovered"))]
    useless = steps(9, APPLIED, ("failed", "no_recovery"))
    ended = [incident("i0", 11), incident("i1", 12), incident("i2", 15), incident("i7", 11), incident("i9", 30)]
    assert restarts([*helped, *lost, *useless], *ended).recovery == timedelta(minutes=2)
    assert restarts(helped[:2], incident("i0", 9)).recovery is None, "it was over before"


def compared(count: int = 10, **changed: object) -> tuple[list[ActionStep], list[EndedIncident], list[EndedIncident]]:
    """Incidents that a restart ended after 13 minutes, and like ones that took 60 without."""
    found = [step for n in range(count) for step in steps(n, APPLIED, ("verified", "recovered"))]
    acted = [incident(f"i{n}", **changed) for n in range(count)]
    return found, acted, [incident(f"o{n}", 60) for n in range(count)]


def test_the_time_saved_is_that_against_like_incidents_without_any_action() -> None:
    found, acted, others = compared()
    saved = restarts(found, *acted, *others).saved
    assert saved is not None
    assert (saved.seconds, saved.n_with, saved.n_without) == (47 * 60, 10, 10)


@pytest.mark.parametrize(
    "changed",
    [
        {"category": "drift"},
        {"severity": Severity.CRITICAL},
        {"counts": False},
        {"ended_at": at(10)},
    ],
)
def test_other_classes_what_expired_and_what_was_over_too_soon_are_not_compared(changed: dict[str, object]) -> None:
    found, acted, others = compared()
    saved = restarts(found, *acted, *(replace(one, **changed) for one in others)).saved  # type: ignore[arg-type]  # any field
    assert saved is not None
    assert (saved.seconds, saved.n_with, saved.n_without) == (None, 0, 0)


def test_an_incident_with_another_action_is_no_incident_without_one_but_reading_is_no_action() -> None:
    found, acted, others = compared()
    flushed = [one for n in range(10) for one in steps(20 + n, APPLIED, action="flush_cache", incident=f"o{n}")]
    read = [one for n in range(10) for one in steps(40 + n, APPLIED, action="collect_diagnostics", incident=f"o{n}")]
    with_flush, with_read = (restarts([*found, *more], *acted, *others).saved for more in (flushed, read))
    assert with_flush is not None
    assert with_read is not None
    assert (with_flush.n_without, with_read.n_without) == (0, 10)


def test_an_action_before_the_window_makes_no_incident_one_without() -> None:
    found, acted, others = compared()
    old = [
        replace(one, at=SINCE - timedelta(days=1), incident_id=f"o{n}")
        for n in range(10)
        for one in steps(60 + n, APPLIED)
    ]
    saved = restarts([*found, *old], *acted, *others).saved
    assert saved is not None
    assert (saved.n_with, saved.n_without) == (0, 0)


def test_what_was_merged_counts_as_what_it_was_merged_into() -> None:
    found, acted, others = compared()
    parts = [replace(one, id=f"part-{one.id}", merged_into=one.id, counts=False) for one in acted]
    moved = [replace(step, incident_id=f"part-{step.incident_id}") for step in found]
    worth = restarts(moved, *acted, *others, *parts)
    assert worth.saved is not None
    assert (worth.saved.seconds, worth.recovery) == (47 * 60, timedelta(minutes=3))


def test_incidents_merged_into_each_other_end_the_search() -> None:
    one, other = incident("i1", merged_into="i2", counts=False), incident("i2", merged_into="i1", counts=False)
    assert restarts(steps(1, APPLIED, ("verified", "recovered")), one, other).results[ActionResult.HELPED] == 1


def test_the_first_application_counts_and_one_after_the_end_does_not() -> None:
    found, acted, others = compared()
    again = [one for n in range(10) for one in steps(80 + n, APPLIED, incident=f"i{n}", applied=12)]
    late = [replace(one, at=at(20)) for one in found]
    early = [incident(f"e{n}", 11.5) for n in range(10)]
    first, after = restarts([*found, *again], *acted, *others, *early).saved, restarts(late, *acted, *others).saved
    assert first is not None
    assert after is not None
    assert first.n_without == 20, "what lasted longer than the age at the first application is compared"
    assert after.n_with == 0


def test_an_action_that_is_not_to_end_conditions_has_no_time_saved() -> None:
    found = [replace(one, action="retrain_model") for one in compared()[0]]
    assert effectiveness(found, compared()[2], (), since=SINCE)["retrain_model"].saved is None
