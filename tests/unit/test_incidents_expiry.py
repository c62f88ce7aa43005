"""What time alone does: what a source does not repeat is over, and so is what nobody has heard of for long."""

from dataclasses import replace
from datetime import timedelta

from core.events import Change, Severity, Verb
from core.incidents.capacity import digest, still_fires
from core.incidents.due import due_at, worst
from core.incidents.expiry import expire
from core.incidents.lifecycle import new_incident
from core.incidents.model import GroupState, HiddenCondition, IncidentReason, State
from core.incidents.policy import IncidentPolicy
from core.incidents.routing import Silence
from core.settings.response import Policy
from tests.support.fakes.played import POLICY, RESOLVED, START, Played, at, found

SILENT = IncidentPolicy(timing=Policy(resolve_after=timedelta(days=14)))
TOLD = replace(POLICY, timing=SILENT.timing)
DAY = 24 * 60


def test_what_its_source_does_not_repeat_is_over_when_it_said() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(5))).sweep(4.9)
    assert (played.incident.state, played.decisions[-1].reason) == (State.OPEN, IncidentReason.UNCHANGED)
    played.sweep(8)
    assert (played.incident.state, played.incident.resolved_at) == (State.RESOLVED, at(5))
    assert played.decisions[-1].reason is IncidentReason.NOT_REPEATED
    assert played.incident.timeline[-1].summary == "model/flight-delay:drift: not repeated"


def test_what_only_went_silent_is_told_as_that_and_as_resolved_when_its_source_says_so() -> None:
    played = Played(TOLD).find(found(0, holds_until=at(5))).sweep(8)
    assert (played.told, played.incident.expired) == (["opened", "expired"], True)
    assert played.incident.timeline[-2].change is Change.EXPIRED
    assert "No longer reported" in played.messages[-1].text
    played.find(found(20, RESOLVED))
    assert (played.told, played.why[-1]) == (["opened", "expired", "resolved"], IncidentReason.ALL_RECOVERED)
    assert (played.receivers[-1], played.incident.expired) == (("inbox",), False)
    assert played.incident.resolved_at == at(5)
    assert "Resolved: model/flight-delay" in played.messages[-1].text
    assert played.find(found(20, RESOLVED), found(30, RESOLVED)).sweep(40).told[3:] == []


def test_a_recovery_that_arrives_after_the_expiry_and_was_before_it_is_the_end() -> None:
    late = Played(TOLD).find(found(0, holds_until=at(5))).sweep(8).find(found(3, RESOLVED), now=at(9))
    assert (late.told, late.incident.expired, late.incident.resolved_at) == (
        ["opened", "expired", "resolved"],
        False,
        at(3),
    )
    assert late.state.conditions == Played(TOLD).find(found(0, holds_until=at(5)), found(3, RESOLVED)).state.conditions


def test_a_recovery_of_before_the_last_firing_does_not_end_what_went_silent() -> None:
    played = Played(TOLD).find(found(0), found(4, holds_until=at(9))).sweep(10).find(found(2, RESOLVED), now=at(11))
    assert (played.told[:2], played.incident.expired) == (["opened", "expired"], True)
    assert "resolved" not in played.told


def test_an_incident_is_expired_as_long_as_one_of_its_conditions_only_went_silent() -> None:
    played = Played(TOLD).find(found(0, holds_until=at(3)), found(1, kind="accuracy")).sweep(4)
    played.find(found(8, RESOLVED, kind="accuracy"))
    assert (played.told, played.incident.expired) == (["opened", "expired"], True)
    assert played.find(found(9, RESOLVED)).told == ["opened", "expired", "resolved"]


def test_what_went_silent_and_is_heard_again_is_reopened_and_ends_as_usual() -> None:
    played = Played(TOLD).find(found(0, holds_until=at(5))).sweep(8).find(found(20), found(30, RESOLVED)).sweep(90)
    assert (played.told, played.incident.expired) == (["opened", "expired", "reopened", "resolved"], False)


def test_a_person_may_resolve_or_cancel_what_only_went_silent() -> None:
    for verb in (Verb.RESOLVE, Verb.CANCEL):
        played = Played(TOLD).find(found(0, holds_until=at(5))).sweep(8).say(verb, 20)
        assert (played.told, played.incident.expired) == (["opened", "expired", "resolved"], False)
        assert played.incident.cancelled is (verb is Verb.CANCEL)
        assert played.say(verb, 21).decisions[-1].reason is IncidentReason.UNCHANGED


def test_the_end_of_what_went_silent_is_told_after_a_silence_too() -> None:
    played = Played(TOLD).find(found(0, holds_until=at(5))).sweep(8)
    played.silences = [Silence(pattern="*", by="ada", at=at(9), until=at(30))]
    played.find(found(20, RESOLVED))
    assert played.told == ["opened", "expired"]
    assert played.sweep(31).told == ["opened", "expired", "resolved"]


def test_what_went_silent_is_kept_until_its_source_says_that_it_recovered() -> None:
    played = Played(TOLD).find(found(0, holds_until=at(5))).sweep(8)
    first = played.incident.id
    for minute in range(100, 2000, 100):
        played.find(found(minute, kind="accuracy"), found(minute + 1, RESOLVED, kind="accuracy")).sweep(minute + 50)
    assert first in {incident.id for incident in played.state.incidents}
    assert played.find(found(3000, RESOLVED)).notifications[-1].incident.id == first
    assert first not in {incident.id for incident in played.find(found(3100, kind="accuracy")).state.incidents}


def test_what_is_repeated_in_time_holds_on() -> None:
    played = Played(SILENT)
    for minute in range(30):
        played.find(found(0, holds_until=at(minute + 4)), now=at(minute)).sweep(minute + 0.5)
    assert (played.incident.state, len(played.incident.timeline)) == (State.OPEN, 1)


def test_when_the_source_comes_back_with_the_same_beginning_it_fires_again() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(4))).sweep(5)
    played.find(found(0, holds_until=at(24)), now=at(20))
    assert (played.incident.state, played.state.conditions[0].status.value) == (State.OPEN, "firing")
    assert played.sweep(25).incident.resolved_at == at(24)


def test_a_late_copy_of_what_the_source_said_before_it_fell_silent_changes_nothing() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(4)), now=at(0)).find(found(0, holds_until=at(6)), now=at(2))
    played.sweep(7)
    before = played.state
    played.find(found(0, holds_until=at(4)), found(0, holds_until=at(6)), now=at(2))
    assert played.state == before


def test_what_nothing_is_heard_of_is_over_after_the_time_that_the_settings_allow() -> None:
    played = Played(SILENT).find(found(0)).sweep(14 * DAY - 1)
    assert played.incident.state is State.OPEN
    played.sweep(14 * DAY)
    assert (played.incident.state, played.decisions[-1].reason) == (State.RESOLVED, IncidentReason.STALE)


def test_each_condition_is_over_by_itself_and_the_last_one_ends_the_incident() -> None:
    played = Played(SILENT).find(found(0, holds_until=at(5)), found(1, kind="accuracy", holds_until=at(9)))
    decision = expire(played.state, at(20), policy=SILENT)
    reasons = [(change.reason, change.at) for change in decision.changes]
    assert reasons == [(IncidentReason.PARTLY_RECOVERED, at(5)), (IncidentReason.NOT_REPEATED, at(9))]
    assert decision.state.incidents[0].state is State.RESOLVED


def test_what_is_over_does_not_age() -> None:
    played = Played(SILENT).find(found(0), found(1, RESOLVED))
    decision = expire(played.state, at(900 * DAY), policy=SILENT)
    assert (decision.state, decision.changes, decision.reason) == (played.state, (), IncidentReason.UNCHANGED)


def test_an_alert_that_began_long_ago_holds_as_long_as_it_is_repeated() -> None:
    """Alertmanager and Grafana repeat an alert every few hours, with the instant at which it began."""
    began, hours = -20 * DAY, 4 * 60
    played = Played(SILENT)
    for repeat in range(6 * 20):
        played.find(found(began), now=at(repeat * hours)).sweep(repeat * hours + 1)
    assert played.incident.state is State.OPEN
    last_word = played.state.conditions[0].last_seen_at
    assert last_word is not None
    assert at((6 * 20 - 1) * hours) - last_word < SILENT.timing.resolve_after / 24
    over = 20 * DAY + 14 * DAY
    assert played.sweep(over).incident.state is State.RESOLVED
    assert played.decisions[-1].reason is IncidentReason.STALE


def test_what_is_heard_again_after_it_was_taken_for_over_fires_again() -> None:
    played = Played(SILENT).find(found(0), now=at(0)).sweep(14 * DAY)
    assert played.incident.state is State.RESOLVED
    played.find(found(0), now=at(14 * DAY + 10))
    assert (played.incident.state, played.state.conditions[0].status.value) == (State.OPEN, "firing")
    assert played.sweep(14 * DAY + 20).incident.state is State.OPEN
    assert played.incident.timeline[-1].reason is IncidentReason.FIRED_AGAIN


def test_a_delivery_of_long_ago_does_not_make_what_was_taken_for_over_fire_again() -> None:
    played = Played(SILENT).find(found(0), now=at(0)).sweep(14 * DAY)
    before = played.state
    played.find(found(0), now=at(0))
    assert played.state == before


def test_what_its_source_resolved_is_not_opened_by_a_repetition_of_its_beginning() -> None:
    played = Played(SILENT).find(found(0), now=at(0)).find(found(5, RESOLVED), now=at(5))
    played.find(found(0), now=at(20))
    assert played.incident.state is State.RESOLVED


def test_repetitions_are_saved_a_few_times_until_the_expiry_only() -> None:
    played, states = Played(SILENT), set()
    for minute in range(0, 14 * DAY, 10):
        played.find(found(0), now=at(minute))
        states.add(played.state.conditions[0].last_seen_at)
    assert len(states) <= 24


def test_what_a_person_resolved_reopens_once_while_it_still_fires() -> None:
    played = Played().find(found(0)).say(Verb.RESOLVE, 2, words="restarted").sweep(16.9)
    assert (played.told, played.incident.state) == (["opened", "resolved"], State.RESOLVED)
    played.sweep(17, 18)
    assert (played.told, played.incident.state) == (["opened", "resolved", "reopened"], State.OPEN)
    said = played.messages[-1].text
    assert "firing since 2026-01-02 09:00 UTC: still firing; resolved at 2026-01-02 09:02 UTC by Ada: restarted" in said


def test_a_person_who_resolves_it_again_is_believed_until_its_source_speaks_again() -> None:
    played = Played().find(found(0)).say(Verb.RESOLVE, 2).sweep(17).say(Verb.RESOLVE, 20).sweep(36, 600)
    assert played.incident.state is State.RESOLVED
    played.find(found(601)).sweep(602)
    assert played.incident.state is State.OPEN
    assert played.told == ["opened", "resolved", "reopened", "resolved", "reopened"]


def test_a_false_alarm_and_what_was_over_when_it_was_resolved_stay_closed() -> None:
    for played in (Played().find(found(0)).say(Verb.CANCEL, 2), Played().find(found(0), found(1, RESOLVED))):
        assert played.sweep(17, 60).incident.state is State.RESOLVED
    late = Played().find(found(0)).say(Verb.RESOLVE, 2).find(found(3, RESOLVED)).sweep(17, 60)
    assert late.incident.state is State.RESOLVED


def test_a_person_reopens_what_is_not_over() -> None:
    played = (
        Played().find(found(0), found(5, RESOLVED)).sweep(10).say(Verb.REOPEN, 12, words="it is slow again").sweep(13)
    )
    assert (played.incident.state, played.incident.resolved_at) == (State.OPEN, None)
    assert played.told[-1] == "reopened"
    assert "reopened by Ada: it is slow again" in played.messages[-1].text
    assert played.say(Verb.REOPEN, 14).decisions[-1].reason is IncidentReason.UNCHANGED, "it is open"
    assert played.say(Verb.RESOLVE, 15).sweep(40).incident.state is State.RESOLVED


def test_a_false_alarm_that_was_none_is_counted_again_when_it_is_reopened() -> None:
    played = Played().find(found(0)).say(Verb.CANCEL, 2).say(Verb.REOPEN, 3)
    assert (played.incident.state, played.incident.cancelled, played.incident.closed_at) == (State.OPEN, False, None)


def test_an_incident_fires_as_long_as_something_of_it_does_in_the_digest() -> None:
    state = GroupState(
        name="model/m",
        conditions=(),
        hidden=(HiddenCondition(key="#k", target=digest("model/m"), severity=Severity.ERROR, observed_at=START),),
    )
    incident = replace(new_incident("model/m", START, "model/m"), targets=("model/m",), expired=True)
    assert still_fires(state, incident)
    assert not still_fires(replace(state, hidden=()), incident)
    assert still_fires(replace(state, hidden=(), overflowed=True), incident)


EXPIRES = replace(POLICY, timing=Policy(resolve_after=timedelta(minutes=4)))


def expired(severity: Severity = Severity.CRITICAL) -> Played:
    """What nobody acknowledged went silent four minutes after it was told."""
    return Played(EXPIRES).find(found(0, severity=severity)).sweep(4)


def test_what_only_went_silent_and_nobody_has_is_escalated_on() -> None:
    played = expired().sweep(4.5)
    assert played.told == ["opened", "expired"]
    assert played.incident.escalates
    assert due_at(played.group, at(4.5), EXPIRES) == at(5)
    played.sweep(5)
    assert (played.told[-1], played.receivers[-1], played.incident.state) == ("escalated", ("pager",), State.RESOLVED)
    text = played.messages[-1].text.splitlines()[0]
    assert text.startswith(
        "Not acknowledged for 5 min: model/flight-delay, severity critical, no longer reported since "
    )
    assert text.endswith("whether it recovered is not known.")
    assert worst(played.group) is Severity.CRITICAL
    played.sweep(30, 66, 127)
    assert played.why[3:] == [IncidentReason.REMINDER] * 2


def test_what_somebody_had_before_it_went_silent_is_not_escalated() -> None:
    played = Played(EXPIRES).find(found(0)).say(Verb.ACKNOWLEDGE, 1).sweep(4, 5, 60, 200)
    assert played.told == ["opened", "acknowledged", "expired"]
    assert not played.incident.escalates
    assert due_at(played.group, at(200), EXPIRES) is None


def test_who_acknowledges_what_went_silent_ends_its_escalation_and_it_stays_expired() -> None:
    played = expired().sweep(5).say(Verb.ACKNOWLEDGE, 6, by="Ada").sweep(7, 60, 200)
    assert played.told == ["opened", "expired", "escalated", "acknowledged"]
    assert played.messages[-1].text.startswith("Acknowledged by Ada")
    assert (played.incident.state, played.incident.expired, played.incident.acknowledged_by) == (
        State.RESOLVED,
        True,
        "Ada",
    )
    assert played.say(Verb.ACKNOWLEDGE, 201, by="Bob").decisions[-1].reason is IncidentReason.UNCHANGED
    assert played.find(found(300, RESOLVED)).told[-1] == "resolved"
    assert not played.incident.expired


def test_its_source_or_a_person_ends_the_escalation_of_what_went_silent() -> None:
    for ends in (
        lambda played: played.find(found(6, RESOLVED)),
        lambda played: played.say(Verb.RESOLVE, 6),
        lambda played: played.say(Verb.CANCEL, 6),
    ):
        played = ends(expired().sweep(5)).sweep(10, 100, 300)
        assert played.told == ["opened", "expired", "escalated", "resolved"]
        assert not played.incident.escalates


def test_what_fires_again_after_it_went_silent_begins_at_the_first_tier() -> None:
    played = expired().sweep(5).find(found(10, severity=Severity.CRITICAL))
    assert (played.told[-1], played.receivers[-1]) == ("reopened", ("inbox",))
    assert [one.tier for one in played.incident.notified.escalations] == [0]


def test_what_is_no_page_and_went_silent_is_not_escalated() -> None:
    played = expired(Severity.WARNING).sweep(5, 60, 200)
    assert played.told == ["opened", "expired"]
    assert due_at(played.group, at(200), EXPIRES) is None


def test_what_went_silent_is_not_escalated_in_a_silence() -> None:
    played = expired()
    played.silences = [Silence(pattern="*", by="ada", at=at(4), until=at(30))]
    assert played.sweep(10, 20).told == ["opened", "expired"]
    assert played.sweep(31).told[-1] == "escalated"


def test_what_fires_in_a_newer_incident_reopens_none_that_a_person_resolved() -> None:
    timing = Policy(resolve_after=timedelta(hours=6), reopen_resolved=timedelta(minutes=15))
    played = Played(replace(POLICY, timing=timing)).find(found(0)).sweep(400).say(Verb.RESOLVE, 400)
    played.find(found(435)).sweep(436).sweep(500)
    assert [one.state for one in played.state.incidents] == [State.RESOLVED, State.OPEN]
    assert "reopened" not in played.told
