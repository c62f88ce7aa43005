"""Who hears of a change, in which words, and what waits to be done."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from core.events import Change, Finding, Severity, Status
from core.incidents.fold import fold
from core.incidents.messages import Message, messages
from core.incidents.model import Decision, Policy, Watch
from core.incidents.outbox import BACKLOG_LIMIT, CHANGES_LIMIT, Desk, Effect, after, lanes, without
from core.incidents.text import comparison, duration, number
from core.settings.types import Route

START = datetime(2026, 1, 2, 9, tzinfo=UTC)
NOW = START + timedelta(days=30)


ROUTES = (
    Route(severity=frozenset({Severity.WARNING}), to=("log",)),
    Route(severity=frozenset({Severity.ERROR, Severity.CRITICAL}), to=("pager", "log")),
    Route(severity=frozenset({Severity.CRITICAL}), to=("pager",)),
)
FINDING = Finding(
    target="model/flight-delay",
    kind="drift",
    status=Status.FIRING,
    severity=Severity.WARNING,
    observed_at=START,
    source="drift_score",
    summary="departure_delay drifted",
    value=0.61,
    threshold=0.2,
    unit="ratio",
    evidence={"departure_delay": "PSI 0.61", "hour": "PSI 0.3", "wind": "PSI 0.2", "rain": "PSI 0.1"},
    runbook="models.md#drift",
)


def play(*findings: Finding) -> Decision:
    watch: Watch | None = None
    for finding in findings:
        decision = fold(watch, finding, now=NOW, policy=Policy())
        watch = decision.watch
    return decision


def later(minutes: int, **fields: Any) -> Finding:
    return replace(FINDING, observed_at=START + timedelta(minutes=minutes), **fields)


def told(decision: Decision) -> tuple[Message, ...]:
    return messages(decision.watch, decision.changes, routes=ROUTES, url="http://pages/")


def channels(decision: Decision) -> list[str]:
    return [message.channel for message in told(decision)]


def test_a_new_incident_is_told_in_words_worth_reading() -> None:
    (message,) = told(play(FINDING))
    incident = play(FINDING).watch.incident
    assert incident is not None
    assert message.text.splitlines() == [
        "New: model/flight-delay is warning since 2026-01-02 09:00 UTC.",
        "Observed 61 %: 3.0 times the threshold of 20 %.",
        "departure_delay: PSI 0.61",
        "hour: PSI 0.3",
        "wind: PSI 0.2",
        "What to do: docs/runbooks/models.md#drift",
    ]
    assert message.title == "departure_delay drifted"
    assert message.key == f"{incident.id}:1:log"
    assert message.url == f"http://pages/#incident={incident.id}"
    assert (message.change, message.severity, message.at) == (Change.OPENED, Severity.WARNING, START)


def test_a_channel_on_several_routes_is_told_once() -> None:
    assert channels(play(replace(FINDING, severity=Severity.CRITICAL))) == ["pager", "log"]


def test_a_severity_without_a_route_wakes_nobody() -> None:
    assert channels(play(replace(FINDING, severity=Severity.INFO))) == []


def test_an_update_wakes_nobody() -> None:
    assert channels(play(FINDING, later(5))) == []
    joined = play(FINDING, later(5, kind="freshness"))
    assert [change.change for change in joined.changes] == [Change.UPDATED]
    assert channels(joined) == []


def test_an_escalation_goes_to_those_of_the_new_severity_and_names_both() -> None:
    decision = play(FINDING, later(5, severity=Severity.CRITICAL, summary="worse"))
    first = told(decision)[0]
    assert channels(decision) == ["pager", "log"]
    assert first.text.startswith("Worse: model/flight-delay is critical now, was warning; affected since 2026-01-02 09")
    assert first.title == "worse"


def test_a_resolution_goes_to_everybody_who_heard_of_the_incident() -> None:
    decision = play(
        FINDING, later(5, severity=Severity.CRITICAL), later(35, status=Status.RESOLVED, summary="back in range")
    )
    assert channels(decision) == ["log", "pager"]
    assert told(decision)[0].severity is Severity.CRITICAL
    assert told(decision)[0].text.splitlines() == [
        "Over: model/flight-delay was affected for 35 min, from 2026-01-02 09:00 to 09:35 UTC.",
        "back in range",
    ]


def test_what_is_over_when_it_is_heard_of_is_told_in_one_message() -> None:
    decision = play(later(35, status=Status.RESOLVED), FINDING)
    assert [change.change for change in decision.changes] == [Change.OPENED, Change.RESOLVED]
    assert [message.change for message in told(decision)] == [Change.RESOLVED]


def test_a_reopened_incident_says_since_when() -> None:
    decision = play(FINDING, later(5, status=Status.RESOLVED), later(10))
    assert told(decision)[0].text.splitlines()[0] == (
        "Back again: model/flight-delay is warning, 2026-01-02 09:10 UTC; first seen 2026-01-02 09:00 UTC."
    )


def test_a_reopened_and_then_worse_incident_names_what_it_was_before() -> None:
    decision = play(FINDING, later(5, status=Status.RESOLVED), later(10), later(11, severity=Severity.ERROR))
    assert "is error now, was warning" in told(decision)[0].text


def test_several_conditions_are_named_and_counted() -> None:
    kinds = [later(n, kind=f"kind-{n}", summary=f"no. {n}") for n in range(1, 9)]
    decision = play(FINDING, *kinds, later(20, severity=Severity.CRITICAL, runbook="", summary="all bad"))
    lines = told(decision)[0].text.splitlines()
    assert [line for line in lines if line.startswith("Also")] == [f"Also warning: no. {n}" for n in range(1, 6)]
    assert "And 3 more." in lines
    assert lines[-1] == "What to do: no runbook is named for drift; start with the timeline of the incident."


def test_an_incident_that_nobody_hears_of_has_no_message() -> None:
    assert messages(Watch(target="a"), (), routes=ROUTES, url="") == ()


def test_numbers_are_put_in_words() -> None:
    assert comparison(0.2, 0.2) == "Observed 0.2: about the threshold of 0.2."
    assert comparison(float("inf"), 1.0) == ""
    assert comparison(1.0, float("nan")) == "Observed 1."
    assert comparison(-1.0, 2.0, "days") == "Observed -1 days; the threshold is 2 days."
    assert number(0.5, "dollars") == "$0.5"
    assert comparison(1.5, 1.0) == "Observed 1.5: 50 % above the threshold of 1."
    assert duration(timedelta()) == "0 s"
    assert duration(timedelta(days=1, minutes=3)) == "1 d"


def desk_of(*findings: Finding) -> Desk:
    desk = Desk(watch=Watch(target=FINDING.target))
    for finding in findings:
        decision = fold(desk.watch, finding, now=NOW, policy=Policy())
        desk, _ = after(desk, decision.watch, decision.changes, told(decision))
    return desk


def test_a_decision_leaves_its_changes_to_publish_and_its_messages_to_send() -> None:
    desk = desk_of(FINDING, later(5, severity=Severity.CRITICAL))
    assert [[effect.lane for effect in lane] for lane in lanes(desk.pending)] == [
        ["publish", "publish"],
        ["notify:log", "notify:log"],
        ["notify:pager"],
    ]
    assert len({effect.key for effect in desk.pending}) == len(desk.pending)
    assert desk.revision == 2


def test_what_is_done_leaves_the_desk() -> None:
    desk = desk_of(FINDING)
    first = desk.pending[0]
    left = without(desk, {first.key})
    assert left.pending == desk.pending[1:]
    assert without(left, {effect.key for effect in left.pending}).pending == ()
    assert left.watch == desk.watch


def flap(times: int) -> tuple[Desk, list[Effect]]:
    """A condition that fires and recovers while nothing that is pending is done; and what made room."""
    desk = Desk(watch=Watch(target=FINDING.target))
    given_up: list[Effect] = []
    for n in range(times):
        status = Status.RESOLVED if n % 2 else Status.FIRING
        decision = fold(desk.watch, later(n, status=status), now=NOW, policy=Policy())
        desk, gone = after(desk, decision.watch, decision.changes, told(decision))
        given_up += gone
    return desk, given_up


def test_a_channel_that_never_answers_cannot_fill_the_desk_and_takes_no_change_with_it() -> None:
    desk, given_up = flap(60)
    kept = [effect.message for effect in desk.pending if effect.message]
    assert len(kept) == BACKLOG_LIMIT
    assert kept[-1].change is Change.RESOLVED
    assert len(given_up) == 60 - BACKLOG_LIMIT
    assert sum(effect.message is None for effect in desk.pending) == 60


def test_a_bus_that_takes_nothing_cannot_fill_the_desk_and_the_newest_changes_stay() -> None:
    desk, given_up = flap(CHANGES_LIMIT + 40)
    kept = [effect.change.sequence for effect in desk.pending if effect.message is None]
    assert kept == list(range(41, CHANGES_LIMIT + 41))
    assert [effect.change.sequence for effect in given_up if effect.message is None] == list(range(1, 41))
