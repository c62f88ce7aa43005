"""Single targets of an incident are acknowledged: who has which, and when escalation goes on, stops and begins again."""

from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest

from core.events import Change, Finding, Severity, Status, Verb
from core.incidents.model import CONDITIONS_LIMIT, IncidentReason, State
from core.incidents.policy import IncidentPolicy
from core.incidents.target_owners import owner_of, target_of
from core.settings.response import Policy
from functions.services.incidents.documents import incident_data
from tests.support.fakes.played import FIRING, POLICY, RESOLVED, Played, at, found

GROUP = "service/shop"
ACK = Verb.ACKNOWLEDGE


def pod(name: str, minute: float, status: Status = FIRING, severity: Severity = Severity.CRITICAL) -> Finding:
    return found(minute, status, severity, target=GROUP, kind=f"CrashLoop@pod/{name}", summary=f"{name} restarts")


def storm(*names: str, policy: IncidentPolicy = POLICY) -> Played:
    played = Played(policy)
    return played.find(*(pod(name, number / 10) for number, name in enumerate(names)))


def owners(played: Played) -> dict[str, str]:
    members = played.state.members(played.incident)
    return {target_of(one): owner.by for one in members if (owner := owner_of(played.incident, one))}


def test_one_target_has_an_owner_and_escalation_goes_on_for_the_others() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a", by="Ada").sweep(2, 7)
    assert owners(played) == {"pod/a": "Ada"}
    assert (played.incident.state, played.incident.acknowledged_at) == (State.OPEN, None)
    assert played.told == ["opened", "escalated"]
    assert played.why[-1] is IncidentReason.NOT_ACKNOWLEDGED
    assert [entry.summary for entry in played.incident.timeline if entry.reason is IncidentReason.COMMAND] == [
        "Ada has pod/a"
    ]


def test_it_is_acknowledged_once_every_target_that_fires_is_and_escalation_stops() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a", by="Ada").say(ACK, 2, target="pod/b", by="Bob")
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Ada, Bob")
    played.sweep(7, 30, 90, 200)
    assert played.told == ["opened", "acknowledged"]
    assert played.incident.acknowledged_at == at(2)


def test_a_target_that_fires_after_that_is_told_and_escalates_with_its_time_to_acknowledge() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a").say(ACK, 2, target="pod/b").find(pod("c", 60))
    assert played.incident.state is State.OPEN
    assert played.told[-1] == "unacknowledged"
    assert "pod/c fires, and nobody has it" in played.messages[-1].text
    assert owners(played) == {"pod/a": "Ada", "pod/b": "Ada"}
    played.sweep(64)
    assert played.told[-1] == "unacknowledged"
    played.sweep(65)
    assert played.told[-1] == "escalated"
    played.say(ACK, 66, target="pod/c", by="Bob").sweep(90, 200)
    assert played.told[-1] == "acknowledged"
    assert played.incident.acknowledged_by == "Ada, Bob"


def test_a_worse_target_after_that_has_its_time_to_acknowledge_as_well() -> None:
    played = Played().find(pod("a", 0, severity=Severity.ERROR)).say(ACK, 1, target="pod/a")
    played.find(pod("b", 60)).sweep(61)
    assert played.told == ["opened", "acknowledged", "escalated"]
    assert played.why[-1] is IncidentReason.WORSENED
    played.sweep(65)
    assert played.why[-1] is IncidentReason.NOT_ACKNOWLEDGED


def test_what_nobody_had_recovers_and_the_rest_is_acknowledged() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a").find(pod("b", 3, RESOLVED))
    assert (played.incident.state, played.told[-1]) == (State.ACKNOWLEDGED, "acknowledged")


@pytest.mark.parametrize(
    ("pause", "state", "left"),
    [(10, State.ACKNOWLEDGED, {"pod/a": "Ada", "pod/b": "Bob"}), (120, State.OPEN, {"pod/b": "Bob"})],
)
def test_an_acknowledgement_holds_through_a_short_pause_of_its_target(
    pause: int, state: State, left: dict[str, str]
) -> None:
    policy = replace(POLICY, timing=Policy(reopen_within=timedelta(minutes=30)))
    played = storm("a", "b", policy=policy).say(ACK, 1, target="pod/a").say(ACK, 1, target="pod/b", by="Bob")
    played.find(pod("a", 5, RESOLVED), pod("a", 5 + pause))
    assert (played.incident.state, owners(played)) == (state, left)


def test_whoever_has_the_whole_incident_has_its_new_targets_too() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a").say(ACK, 2, by="Bob").find(pod("c", 60)).sweep(90)
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Bob")
    assert played.told == ["opened", "acknowledged"]


def test_one_person_may_take_over_what_was_acknowledged_target_by_target() -> None:
    played = storm("a").say(ACK, 1, target="pod/a").say(Verb.TAKE_OVER, 2, by="Bob").find(pod("b", 60))
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Bob")


def test_what_is_given_back_is_given_back_with_every_target() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a").say(ACK, 2, target="pod/b").say(Verb.GIVE_BACK, 10)
    assert (played.incident.state, owners(played)) == (State.OPEN, {})
    late = played.say(ACK, 5, target="pod/a")
    assert (late.decisions[-1].reason, owners(late)) == (IncidentReason.LATE, {})
    assert owners(played.say(ACK, 11, target="pod/a")) == {"pod/a": "Ada"}


def test_targets_are_given_back_with_the_acknowledgement_that_times_out() -> None:
    policy = replace(POLICY, timing=Policy(acknowledgement_timeout=timedelta(hours=1)))
    played = storm("a", policy=policy).say(ACK, 1, target="pod/a").sweep(60, 61)
    assert (played.incident.state, owners(played), played.told[-1]) == (State.OPEN, {}, "unacknowledged")


def test_a_reopened_incident_is_nobodys_and_so_are_its_targets() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a").say(Verb.RESOLVE, 2).say(Verb.REOPEN, 3)
    assert (played.incident.state, owners(played)) == (State.OPEN, {})


def test_the_same_command_again_or_about_no_target_of_it_changes_nothing() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a")
    state = played.state
    assert played.say(ACK, 1, target="pod/a").decisions[-1].reason is IncidentReason.DUPLICATE
    assert played.say(ACK, 2, target="pod/zzz").decisions[-1].reason is IncidentReason.UNCHANGED
    assert played.say(Verb.MITIGATE, 2, target="pod/a").decisions[-1].reason is IncidentReason.UNCHANGED
    assert played.state == state
    other = played.say(ACK, 1, target="pod/b", by="Ada")
    assert owners(other) == {"pod/a": "Ada", "pod/b": "Ada"}, "two targets at one instant are two commands"


def test_in_whatever_order_acknowledgements_arrive_the_last_word_on_a_target_counts() -> None:
    said = [(1, "pod/a", "Ada"), (2, "pod/a", "Bob"), (3, "pod/b", "Cleo")]
    for order in permutations(said):
        played = storm("a", "b", "c")
        for minute, target, by in order:
            played.say(ACK, minute, target=target, by=by)
        assert owners(played) == {"pod/a": "Bob", "pod/b": "Cleo"}


def test_targets_beyond_those_that_are_kept_in_detail_are_acknowledged_with_the_whole_only() -> None:
    names = [f"p{number:03}" for number in range(CONDITIONS_LIMIT + 1)]
    played = storm(*names)
    for member in played.state.members(played.incident):
        played.say(ACK, 20, target=target_of(member))
    assert len(owners(played)) == CONDITIONS_LIMIT
    assert played.incident.state is State.OPEN
    assert played.say(ACK, 21).incident.state is State.ACKNOWLEDGED


def test_the_copy_for_readers_says_who_has_which_target_and_an_incident_of_one_target_is_acknowledged_with_it() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a", by="Ada")
    copy = incident_data(played.group, played.incident.id)
    assert copy is not None
    assert {one["kind"]: (one["acknowledged_by"], one["acknowledged_at"]) for one in copy["conditions"]} == {
        "CrashLoop@pod/a": ("Ada", at(1)),
        "CrashLoop@pod/b": ("", None),
    }
    single = Played().find(found(0)).say(ACK, 1, target="model/flight-delay")
    assert (single.incident.state, single.told) == (State.ACKNOWLEDGED, ["opened", "acknowledged"])


def test_the_changes_are_published_in_order() -> None:
    played = storm("a", "b").say(ACK, 1, target="pod/a").say(ACK, 2, target="pod/b").find(pod("c", 60))
    changes = [entry.change for entry in played.incident.timeline if entry.reason is not IncidentReason.NOTIFIED]
    assert changes == [
        Change.OPENED,
        Change.UPDATED,
        Change.UPDATED,
        Change.UPDATED,
        Change.ACKNOWLEDGED,
        Change.UPDATED,
        Change.UNACKNOWLEDGED,
    ]
    sequence = [entry.sequence for entry in played.incident.timeline]
    assert sequence == list(range(1, len(sequence) + 1))
