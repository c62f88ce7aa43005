"""More conditions than a group keeps in detail: none that fires is forgotten."""

from datetime import timedelta

import pytest

from core.events import Finding, Severity, Verb
from core.incidents import capacity
from core.incidents.model import CONDITIONS_LIMIT, IncidentReason, State
from core.incidents.policy import IncidentPolicy
from core.settings.response import Policy
from tests.support.fakes.played import POLICY, RESOLVED, Played, at, found

ALL = 150


def series(n: int, minute: float = 0.0, **fields: object) -> Finding:
    return found(minute, kind=f"series-{n:03}", **fields)  # type: ignore[arg-type]  # passed on as given


def firing(severity: Severity = Severity.CRITICAL) -> Played:
    return Played().find(*(series(n, severity=severity) for n in range(ALL)))


def test_what_is_known_in_detail_recovers_and_the_rest_fires_on() -> None:
    played = firing()
    known = {condition.kind for condition in played.state.conditions}
    assert (len(known), len(played.state.hidden)) == (CONDITIONS_LIMIT, ALL - CONDITIONS_LIMIT)
    played.find(*(found(5, RESOLVED, kind=kind, severity=Severity.CRITICAL) for kind in sorted(known))).sweep(6, 7, 8)
    assert (played.incident.state, played.incident.severity) == (State.OPEN, Severity.CRITICAL)
    assert "resolved" not in played.told


def test_it_is_over_when_the_last_one_recovers_in_whatever_order() -> None:
    for order in (range(ALL), reversed(range(ALL))):
        played = firing().find(*(series(n, 5, status=RESOLVED) for n in order)).sweep(7)
        assert (played.incident.state, played.state.hidden) == (State.RESOLVED, ())
        assert played.told.count("resolved") == 1


def test_a_repetition_takes_the_place_of_what_recovered() -> None:
    played = firing()
    kinds = [condition.kind for condition in played.state.conditions]
    played.find(*(found(5, RESOLVED, kind=kind) for kind in kinds))
    played.find(*(series(n, 6) for n in range(ALL) if f"series-{n:03}" not in kinds))
    assert (played.incident.state, played.state.hidden) == (State.OPEN, ())


def test_a_late_recovery_of_before_does_not_end_what_fires() -> None:
    played = Played().find(*(series(n, 10) for n in range(ALL)))
    kinds = {condition.kind for condition in played.state.conditions}
    hidden = [n for n in range(ALL) if f"series-{n:03}" not in kinds]
    played.find(*(series(n, 4, status=RESOLVED) for n in hidden))
    assert len(played.state.hidden) == len(hidden)


def test_people_are_told_how_many_fire() -> None:
    played = firing(Severity.ERROR).find(series(999, 1, severity=Severity.CRITICAL))
    assert (
        f"{ALL + 1} conditions in all, {ALL + 1 - CONDITIONS_LIMIT} of them not kept in detail"
        in played.messages[-1].text
    )


def test_what_its_source_does_not_repeat_expires_in_the_digest_too() -> None:
    played = Played().find(*(series(n, holds_until=at(5)) for n in range(ALL))).sweep(4)
    assert played.incident.state is State.OPEN
    played.sweep(6, 8)
    assert (played.incident.state, played.state.hidden) == (State.RESOLVED, ())
    assert played.decisions[-2].changes[-1].reason is IncidentReason.NOT_REPEATED


def test_what_nothing_is_heard_of_expires_in_the_digest_too() -> None:
    policy = IncidentPolicy(people=POLICY.people, url=POLICY.url, timing=Policy(resolve_after=timedelta(hours=2)))
    played = Played(policy).find(*(series(n) for n in range(ALL))).sweep(119)
    assert played.incident.state is State.OPEN
    assert played.sweep(121).incident.state is State.RESOLVED


def test_a_digest_that_was_full_never_ends_an_incident_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "HIDDEN_LIMIT", 10)
    played = firing().find(*(series(n, 5, status=RESOLVED) for n in range(ALL))).sweep(6, 60)
    assert (played.incident.state, played.state.overflowed) == (State.OPEN, True)
    played.say(Verb.RESOLVE, 61).sweep(62, 90)
    assert (played.incident.state, played.state.overflowed) == (State.RESOLVED, False)
    played.find(series(1, 91)).find(series(1, 95, status=RESOLVED)).sweep(97)
    assert played.incident.state is State.RESOLVED


def test_what_a_person_resolved_reopens_for_the_digest_too() -> None:
    played = firing().say(Verb.RESOLVE, 1)
    kinds = [condition.kind for condition in played.state.conditions]
    played.find(*(found(5, RESOLVED, kind=kind) for kind in kinds)).sweep(17)
    assert played.incident.state is State.OPEN
