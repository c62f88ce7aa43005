"""Who has an incident: taking it over, handing it on, giving it back, and how long an acknowledgement counts; comments."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Change, Command, Severity, Verb
from core.incidents.commands import VERBS, apply_command
from core.incidents.model import IncidentReason, State
from core.incidents.response_times import ResponseRecord, response_times
from core.incidents.routing import Silence
from tests.support.fakes.played import POLICY, RESOLVED, START, Played, at, found

TIMEOUT = replace(POLICY, timing=replace(POLICY.timing, acknowledgement_timeout=timedelta(hours=4)))
EVERYBODY = {"inbox", "pager"}


def acknowledged(policy: object = POLICY) -> Played:
    """Told to both tiers, and acknowledged by Ada at 10."""
    played = Played(policy).find(found(0)).sweep(5)  # type: ignore[arg-type] # a policy
    return played.say(Verb.ACKNOWLEDGE, 10)


def newest(played: Played) -> tuple[Change, IncidentReason, str]:
    """The newest step that is about no notification."""
    steps = [entry for entry in played.incident.timeline if entry.reason is not IncidentReason.NOTIFIED]
    return steps[-1].change, steps[-1].reason, steps[-1].summary


def test_another_person_takes_an_incident_over_and_everybody_is_told() -> None:
    played = acknowledged().say(Verb.TAKE_OVER, 20, by="Bob", words="my shift")
    incident = played.incident
    assert (incident.state, incident.acknowledged_by, incident.acknowledged_at) == (State.ACKNOWLEDGED, "Bob", at(10))
    assert incident.owned_since == at(20)
    assert newest(played) == (Change.ACKNOWLEDGED, IncidentReason.COMMAND, "Bob took it over from Ada: my shift")
    assert (played.told[-1], set(played.receivers[-1]), played.messages[-1].at) == ("acknowledged", EVERYBODY, at(20))
    assert played.messages[-1].text.startswith("Acknowledged by Bob: model/flight-delay")
    assert "Note: Bob took it over from Ada: my shift" in played.messages[-1].text


def test_an_incident_is_handed_on_to_another_person() -> None:
    played = acknowledged().say(Verb.TAKE_OVER, 20, to=" Bob\n")
    assert played.incident.acknowledged_by == "Bob"
    assert newest(played)[2] == "Ada handed it on to Bob"
    assert played.messages[-1].text.startswith("Acknowledged by Bob")


def test_taking_over_what_nobody_has_acknowledges_it() -> None:
    played = Played().find(found(0)).say(Verb.TAKE_OVER, 3, by="Bob")
    incident = played.incident
    assert (incident.state, incident.acknowledged_by) == (State.ACKNOWLEDGED, "Bob")
    assert (incident.acknowledged_at, incident.owned_since) == (at(3), at(3))
    assert newest(played) == (Change.ACKNOWLEDGED, IncidentReason.COMMAND, "Bob")
    assert played.sweep(5, 30, 90).told == ["opened", "acknowledged"]


def test_a_mitigated_incident_that_is_taken_over_stays_mitigated() -> None:
    played = Played().find(found(0)).say(Verb.MITIGATE, 3).say(Verb.TAKE_OVER, 5, by="Bob")
    assert (played.incident.state, played.incident.acknowledged_by) == (State.MITIGATED, "Bob")
    assert played.told == ["opened", "mitigated", "acknowledged"]


def test_escalation_goes_on_from_its_tier_when_an_incident_is_given_back() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 3).say(Verb.GIVE_BACK, 20, words="I am ill")
    incident = played.incident
    assert (incident.state, incident.acknowledged_by, incident.acknowledged_at) == (State.OPEN, "", None)
    assert newest(played) == (Change.UNACKNOWLEDGED, IncidentReason.COMMAND, "Ada gave it back: I am ill")
    assert (played.told[-1], played.why[-1], played.receivers[-1]) == (
        "unacknowledged",
        IncidentReason.COMMAND,
        ("inbox",),
    )
    assert played.messages[-1].text.startswith(
        "No longer acknowledged (Ada gave it back: I am ill): model/flight-delay, severity error, firing since"
    )
    assert "Next step: acknowledge, then" in played.messages[-1].text
    assert played.sweep(24.9).told[-1] == "unacknowledged"  # the first tier has its five minutes once more
    played.sweep(25)
    assert (played.told[-1], played.why[-1], played.receivers[-1]) == (
        "escalated",
        IncidentReason.NOT_ACKNOWLEDGED,
        ("pager",),
    )


def test_the_tiers_that_were_reached_before_are_told_and_the_last_is_reminded() -> None:
    played = acknowledged().say(Verb.GIVE_BACK, 20)
    assert set(played.receivers[-1]) == EVERYBODY
    assert played.sweep(79).told[-1] == "unacknowledged"
    assert played.sweep(80).why[-1] is IncidentReason.REMINDER


def test_whoever_takes_an_incident_from_somebody_without_having_it_is_named() -> None:
    played = acknowledged().say(Verb.GIVE_BACK, 20, by="Bob")
    assert newest(played)[2] == "Bob took it back from Ada"


def test_what_was_given_back_is_acknowledged_anew() -> None:
    played = acknowledged().say(Verb.GIVE_BACK, 20).say(Verb.ACKNOWLEDGE, 30, by="Bob")
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Bob")
    assert played.told[-2:] == ["unacknowledged", "acknowledged"]
    assert played.sweep(60, 200).told[-1] == "acknowledged"


def test_what_is_given_back_under_a_silence_is_told_when_it_ends() -> None:
    played = acknowledged()
    played.silences = [Silence(pattern="*", by="Bob", at=at(15), until=at(60))]
    played.say(Verb.GIVE_BACK, 20).sweep(30, 59)
    assert played.told[-1] == "acknowledged"
    assert played.sweep(60).told[-1] == "unacknowledged"
    assert played.deferred is False


def test_what_is_given_back_before_anybody_was_told_opens_for_those_whom_the_routes_give() -> None:
    played = Played(replace(POLICY, people=replace(POLICY.people, routes=()))).find(found(0)).say(Verb.ACKNOWLEDGE, 1)
    played.policy = POLICY
    played.say(Verb.GIVE_BACK, 2)
    assert (played.told, played.receivers) == (["unacknowledged"], [("inbox",)])


def test_what_is_given_back_while_no_route_matches_is_told_when_one_does() -> None:
    unrouted = replace(POLICY, people=replace(POLICY.people, routes=()))
    played = Played(unrouted).find(found(0)).say(Verb.ACKNOWLEDGE, 1).say(Verb.GIVE_BACK, 2).sweep(3)
    assert played.told == []
    played.policy = POLICY
    assert (played.sweep(4).told, played.receivers) == (["unacknowledged"], [("inbox",)])


def test_neither_is_possible_once_it_is_mitigated_or_over() -> None:
    for first, then in [
        (Verb.MITIGATE, Verb.GIVE_BACK),
        (Verb.RESOLVE, Verb.GIVE_BACK),
        (Verb.RESOLVE, Verb.TAKE_OVER),
    ]:
        played = acknowledged().say(first, 20)
        before = played.state
        assert played.say(then, 21).decisions[-1].reason is IncidentReason.UNCHANGED
        assert played.state == before


def test_an_incident_that_comes_back_begins_with_the_first_tier_whoever_had_it() -> None:
    played = acknowledged().say(Verb.TAKE_OVER, 20, by="Bob").say(Verb.RESOLVE, 30).say(Verb.REOPEN, 40)
    assert (played.incident.state, played.incident.acknowledged_by, played.incident.owned_since) == (
        State.OPEN,
        "",
        None,
    )
    assert (played.told[-1], played.receivers[-1]) == ("reopened", ("inbox",))


def said(verb: Verb, minute: int, by: str = "Ada", to: str = "") -> Command:
    subject = Played().find(found(0)).incident.id
    return Command(verb=verb, subject=subject, by=by, at=at(minute), to=to)


STORY = (
    said(Verb.ACKNOWLEDGE, 1),
    said(Verb.TAKE_OVER, 2, by="Bob"),
    said(Verb.GIVE_BACK, 3, by="Bob"),
    said(Verb.TAKE_OVER, 4, by="Cyd", to="Dan"),
)


@pytest.mark.parametrize("length", [2, 3, 4])
def test_the_newest_word_says_who_has_it_in_whatever_order_words_arrive(length: int) -> None:
    owners = {2: "Bob", 3: "", 4: "Dan"}
    for order in permutations(STORY[:length]):
        for delivered in (order, (*order, *order)):
            state = Played().find(found(0)).state
            for command in delivered:
                state = apply_command(state, command).state
            [incident] = state.incidents
            assert incident.acknowledged_by == owners[length], delivered
            assert incident.state is (State.ACKNOWLEDGED if owners[length] else State.OPEN)


def test_an_older_withdrawal_does_not_make_room_for_what_a_newer_one_withdrew() -> None:
    played = acknowledged().say(Verb.GIVE_BACK, 30).say(Verb.GIVE_BACK, 20, by="Bob").say(Verb.TAKE_OVER, 25)
    assert (played.decisions[-1].reason, played.incident.state) == (IncidentReason.LATE, State.OPEN)


def test_an_acknowledgement_that_timed_out_is_late_though_the_timeline_has_forgotten_it() -> None:
    played = acknowledged(TIMEOUT).sweep(251)
    [incident] = played.state.incidents
    forgotten = replace(played.state, incidents=(replace(incident, timeline=incident.timeline[:1]),))
    again = Command(verb=Verb.ACKNOWLEDGE, subject=incident.id, by="Ada", at=at(10))
    assert apply_command(forgotten, again).reason is IncidentReason.LATE


def test_who_took_over_after_a_relapse_that_is_heard_of_late_keeps_it() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1).say(Verb.TAKE_OVER, 8, by="Bob")
    played.find(found(3, RESOLVED), found(5), now=at(9))
    incident = played.incident
    assert (incident.state, incident.acknowledged_by, incident.owned_since) == (State.ACKNOWLEDGED, "Bob", at(8))
    assert played.sweep(10, 60).told == ["opened", "acknowledged", "acknowledged"]


OWNING = st.builds(
    said, st.sampled_from([Verb.TAKE_OVER, Verb.GIVE_BACK]), st.integers(2, 30), by=st.sampled_from(["Ada", "Bob"])
)


@given(st.lists(OWNING, max_size=6, unique_by=lambda command: command.at), st.randoms(use_true_random=False))
def test_words_about_the_owner_mean_the_same_in_every_order(commands: list[Command], random: object) -> None:
    shuffled = [*commands, *commands]
    random.shuffle(shuffled)  # type: ignore[attr-defined] # a Random
    owners = []
    for order in (sorted(commands, key=lambda command: command.at), shuffled):
        state = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1).state
        for command in order:
            state = apply_command(state, command).state
        owners.append((state.incidents[0].acknowledged_by, state.incidents[0].state))
    assert owners[0] == owners[1]


def test_a_comment_is_kept_in_the_timeline_and_tells_nobody() -> None:
    played = acknowledged()
    before = played.incident
    played.say(Verb.COMMENT, 20, by="Bob", words="it is\nthe disk")
    change = played.decisions[-1].changes[0]
    assert (change.change, change.reason, change.summary, change.at) == (
        "updated",
        "comment",
        "Bob: it is the disk",
        at(20),
    )
    assert (change.state, change.sequence) == (State.ACKNOWLEDGED, before.sequence + 1)
    assert newest(played) == (Change.UPDATED, IncidentReason.COMMENT, "Bob: it is the disk")
    assert replace(played.incident, timeline=before.timeline, sequence=before.sequence) == before
    assert played.told == ["opened", "escalated", "acknowledged"]
    played.say(Verb.COMMENT, 20, by="Bob", words="it is\nthe disk")
    assert played.decisions[-1].reason is IncidentReason.DUPLICATE


def test_a_comment_is_kept_whatever_has_become_of_the_incident() -> None:
    played = acknowledged().say(Verb.RESOLVE, 20).say(Verb.COMMENT, 30, words="the disk was full")
    assert (played.incident.state, newest(played)[2]) == (State.RESOLVED, "Ada: the disk was full")
    played.say(Verb.REOPEN, 40).say(Verb.COMMENT, 35, words="it is still full")
    assert (played.incident.state, newest(played)[2]) == (State.OPEN, "Ada: it is still full")
    assert "Resolved by" not in played.messages[-1].text


def test_many_comments_stay_within_the_limit_of_the_timeline() -> None:
    played = acknowledged()
    for minute in range(20, 400):
        played.say(Verb.COMMENT, minute, words="\N{CAT FACE}" * 300)
    assert len(played.incident.timeline) <= 120
    assert all(len(entry.summary.encode()) <= 300 for entry in played.incident.timeline)
    assert played.incident.timeline[0].change is Change.OPENED


def test_an_acknowledgement_never_times_out_by_default() -> None:
    assert acknowledged().sweep(60 * 24 * 7).incident.state is State.ACKNOWLEDGED


def test_an_acknowledgement_that_times_out_is_told_with_the_reason_and_escalation_goes_on() -> None:
    played = acknowledged(TIMEOUT).sweep(249.9)
    assert played.incident.state is State.ACKNOWLEDGED
    played.sweep(251)
    assert (played.incident.state, played.incident.acknowledged_by) == (State.OPEN, "")
    text = "Ada has had it since 2026-01-02 09:10 UTC; not resolved within 4 h"
    assert newest(played) == (Change.UNACKNOWLEDGED, IncidentReason.ACKNOWLEDGEMENT_TIMED_OUT, text)
    assert (played.told[-1], played.why[-1]) == ("unacknowledged", IncidentReason.ACKNOWLEDGEMENT_TIMED_OUT)
    assert set(played.receivers[-1]) == EVERYBODY
    assert played.messages[-1].text.startswith(f"No longer acknowledged ({text}): ")
    assert played.sweep(252, 300).told[-1] == "unacknowledged"
    assert played.sweep(311).why[-1] is IncidentReason.REMINDER


def test_what_is_mitigated_does_not_time_out() -> None:
    assert acknowledged(TIMEOUT).say(Verb.MITIGATE, 20).sweep(1000).incident.state is State.MITIGATED


def test_the_time_runs_anew_for_whoever_takes_over() -> None:
    played = acknowledged(TIMEOUT).say(Verb.TAKE_OVER, 240, by="Bob").sweep(251, 479.9)
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Bob")
    assert played.sweep(480).incident.state is State.OPEN


def test_who_took_over_just_before_the_time_was_over_has_it_though_the_word_arrives_later() -> None:
    played = acknowledged(TIMEOUT).sweep(251).say(Verb.TAKE_OVER, 249, by="Bob")
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Bob")
    late = acknowledged(TIMEOUT).sweep(251)
    assert late.say(Verb.ACKNOWLEDGE, 9).decisions[-1].reason is IncidentReason.LATE
    assert late.say(Verb.GIVE_BACK, 245).incident.state is State.OPEN


def test_an_acknowledgement_that_was_told_before_owners_were_recorded_is_not_told_again() -> None:
    played = acknowledged()
    raw = msgspec.json.decode(msgspec.json.encode(played.group))
    del raw["state"]["incidents"][0]["notified"]["owner"]
    played.group = msgspec.convert(raw, type(played.group))
    assert played.sweep(20).told[-1] == "acknowledged"
    assert len(played.told) == 3


def test_the_time_to_acknowledge_is_that_of_the_first_who_did() -> None:
    played = acknowledged().say(Verb.TAKE_OVER, 20, by="Bob").say(Verb.GIVE_BACK, 30, by="Bob")
    played.say(Verb.ACKNOWLEDGE, 50).say(Verb.GIVE_BACK, 60).say(Verb.ACKNOWLEDGE, 70)
    incident = played.incident
    record = ResponseRecord(
        severity=Severity.ERROR,
        opened_at=incident.opened_at,
        acknowledged_at=incident.acknowledged_at,
        acknowledgements=incident.acknowledgements,
    )
    times = response_times([record], START, START + timedelta(days=1))
    assert (times.mtta, times.n_acknowledged) == (timedelta(minutes=10), 1)


def test_every_verb_about_incidents_is_one_of_the_commands() -> None:
    others = {Verb.SILENCE, Verb.UNSILENCE, Verb.APPROVE, Verb.REJECT, Verb.HALT, Verb.RESUME}
    others |= {Verb.TEST_CHANNEL, Verb.SEND_REPORT, Verb.SEND_AGAIN, Verb.PROMOTE, Verb.ROLL_BACK}
    assert set(Verb) == VERBS | others
