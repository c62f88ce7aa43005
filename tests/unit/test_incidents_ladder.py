"""The actions of a playbook are requested one after the other, each where the one before did not help."""

from dataclasses import dataclass, field, replace

import pytest

from core.actions.plan import ActionReason
from core.events import ActionRequest, Mode, Stage
from core.incidents.due import due_at
from core.incidents.ladder import LADDERS_LIMIT, LadderState
from core.incidents.policy import IncidentPolicy
from core.incidents.response import record_decision, request_actions
from core.settings.people import When
from core.settings.response import ActionName, Deed, Maintenance, Playbook
from tests.support.builders.ladders import decided
from tests.support.fakes.played import MODEL, POLICY, RESOLVED, Played, at, found

FLUSH, RESTART, ROLLBACK = ActionName.FLUSH_CACHE, ActionName.RESTART_SERVICE, ActionName.ROLLBACK_MODEL
DIAGNOSE, RETRAIN, REVOKE = ActionName.COLLECT_DIAGNOSTICS, ActionName.RETRAIN_MODEL, ActionName.REVOKE_ACCESS


def playbook(*actions: ActionName, name: str = "p", mode: Mode = Mode.ACT) -> Playbook:
    return Playbook(name=name, when=When(), do=tuple(Deed(action=action) for action in actions), mode=mode)


LADDER = playbook(FLUSH, RESTART, ROLLBACK)


@dataclass
class Story:
    """An incident whose playbooks act, minute after minute."""

    played: Played
    minute: float = 1
    sequences: dict[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> list[tuple[str, str]]:
        return [(request.action, request.rung) for request in self.played.requests]

    def decide(self, stage: Stage, *, of: ActionRequest | None = None, reason: str = "no_recovery") -> "Story":
        """What the action runner decides about a request: the newest, where none is given."""
        request = of or self.played.requests[-1]
        self.minute += 1
        number = self.sequences[request.id] = self.sequences.get(request.id, 0) + 1
        one = decided(request, stage, sequence=number, reason=reason, at=at(self.minute))
        self.played._take(record_decision(self.played.state, one), at(self.minute), at(self.minute))
        return self


def story(*playbooks: Playbook, policy: IncidentPolicy = POLICY) -> Story:
    return Story(Played(replace(policy, playbooks=playbooks)).find(found(0)))


@pytest.mark.parametrize("stage", [Stage.REFUSED, Stage.EXPIRED, Stage.FAILED, Stage.UNDONE])
def test_the_next_is_requested_where_the_one_before_did_not_help(stage: Stage) -> None:
    told = story(LADDER)
    assert told.asked == [("flush_cache", "1 of 3")]
    told.decide(Stage.PLANNED).decide(Stage.APPROVED).decide(Stage.APPLIED)
    assert len(told.asked) == 1
    told.decide(stage)
    assert told.asked[1:] == [("restart_service", "2 of 3")]
    told.decide(stage)
    assert told.asked[2:] == [("rollback_model", "3 of 3")]
    told.decide(stage)
    assert len(told.asked) == 3
    assert told.played.incident.ladders[0].state is LadderState.OVER


def test_what_helped_is_the_end() -> None:
    told = story(LADDER).decide(Stage.VERIFIED, reason="recovered")
    told.played.sweep(60)
    assert told.asked == [("flush_cache", "1 of 3")]
    assert told.played.incident.ladders[0].state is LadderState.OVER


def test_what_a_person_rejects_is_the_end() -> None:
    assert len(story(LADDER).decide(Stage.REJECTED).asked) == 1


@pytest.mark.parametrize("action", [RETRAIN, REVOKE])
def test_what_is_not_to_end_the_conditions_is_followed_by_the_next_once_it_is_in_place(action: ActionName) -> None:
    told = story(playbook(action, RESTART)).decide(Stage.APPLIED)
    assert told.asked == [(action, "1 of 2")]
    told.decide(Stage.VERIFIED, reason="healthy")
    assert told.asked[1:] == [("restart_service", "2 of 2")]


def test_what_only_reads_holds_nobody_up() -> None:
    told = story(playbook(DIAGNOSE, FLUSH, RESTART))
    assert told.asked == [("collect_diagnostics", "1 of 3"), ("flush_cache", "2 of 3")]
    told.decide(Stage.FAILED, of=told.played.requests[0])
    assert len(told.asked) == 2, "the diagnostics are not waited for"
    told.decide(Stage.FAILED, of=told.played.requests[1])
    assert told.asked[2:] == [("restart_service", "3 of 3")]


def test_a_dry_run_shows_every_action_at_once() -> None:
    told = story(replace(LADDER, mode=Mode.DRY_RUN))
    assert [rung for _, rung in told.asked] == ["1 of 3", "2 of 3", "3 of 3"]


def test_a_decision_that_is_delivered_again_or_late_requests_nothing_twice() -> None:
    told = story(LADDER)
    first = told.played.requests[0]
    told.decide(Stage.FAILED)
    late = decided(first, Stage.APPLIED, sequence=3, at=at(1))
    for one in (
        decided(first, Stage.FAILED, sequence=1, at=at(2)),
        late,
        late,
        decided(first, Stage.FAILED, sequence=9),
    ):
        told.played._take(record_decision(told.played.state, one), at(9), at(9))
    assert len(told.asked) == 2


def test_nothing_more_is_requested_for_what_is_over_and_the_next_when_it_is_back() -> None:
    told = story(LADDER)
    told.played.find(found(1, RESOLVED))
    told.minute = 0.2
    told.decide(Stage.FAILED)
    assert len(told.asked) == 1
    told.played.find(found(1.5))
    assert told.asked[1:] == [("restart_service", "2 of 3")], "it flapped: nobody was told that it is over"


def test_what_is_reopened_begins_again() -> None:
    told = story(LADDER).decide(Stage.FAILED)
    told.played.find(found(5, RESOLVED), found(20))
    assert told.played.told == ["opened", "updated", "resolved", "reopened"]
    assert told.asked[2:] == [("flush_cache", "1 of 3")]
    assert len({request.id for request in told.played.requests}) == 3


def test_while_it_is_muted_the_next_waits() -> None:
    window = Maintenance(name="m", targets=(MODEL,), start=at(1), duration=at(60) - at(1))
    told = story(LADDER, policy=replace(POLICY, maintenance=(window,)))
    told.decide(Stage.FAILED)
    assert len(told.asked) == 1
    assert due_at(replace(told.played.group, pending=(), deferred=False), at(3), told.played.policy) == at(3)
    told.played.sweep(61)
    assert told.asked[1:] == [("restart_service", "2 of 3")]


def test_a_request_that_came_too_late_is_made_again_and_not_passed_over() -> None:
    told = story(LADDER).decide(Stage.REFUSED, reason=ActionReason.OUT_OF_TIME)
    first, second = told.played.requests
    assert (second.action, second.rung) == (first.action, first.rung)
    assert second.id != first.id
    assert second.requested_at > first.requested_at
    told.decide(Stage.FAILED)
    assert told.asked[2:] == [("restart_service", "2 of 3")]


def test_a_request_of_which_nothing_was_ever_heard_is_made_again_after_two_hours() -> None:
    told = story(LADDER)
    told.played.sweep(119)
    assert told.asked == [("flush_cache", "1 of 3")]
    told.played.sweep(120)
    first, second = told.played.requests
    assert (first.rung, second.rung) == ("1 of 3", "1 of 3")
    assert first.id != second.id
    told.played.sweep(121, 200)
    assert len(told.asked) == 2


def test_a_request_that_waits_for_a_person_is_not_made_again() -> None:
    told = story(LADDER).decide(Stage.PLANNED).decide(Stage.AWAITING)
    told.played.sweep(120, 300, 600)
    assert told.asked == [("flush_cache", "1 of 3")]


def test_two_playbooks_climb_by_themselves_and_share_what_both_name() -> None:
    told = story(playbook(FLUSH, RESTART, name="a"), playbook(FLUSH, ROLLBACK, name="b"))
    assert told.asked == [("flush_cache", "1 of 2")], "requested once"
    told.decide(Stage.FAILED)
    assert told.asked[1:] == [("restart_service", "2 of 2"), ("rollback_model", "2 of 2")]


def test_what_another_playbook_requested_before_is_passed_over() -> None:
    told = story(playbook(FLUSH, RESTART, ROLLBACK, name="a"), playbook(RESTART, name="b"))
    flush, restart = told.played.requests
    told.decide(Stage.FAILED, of=restart).decide(Stage.FAILED, of=flush)
    assert told.asked[2:] == [("rollback_model", "3 of 3")]


def test_a_playbook_that_is_gone_or_shorter_ends() -> None:
    for left in ((), (playbook(FLUSH),)):
        told = story(LADDER)
        told.played.policy = replace(told.played.policy, playbooks=(*left, playbook(RETRAIN, name="other")))
        told.decide(Stage.FAILED)
        assert told.asked == [("flush_cache", "1 of 3")]
        assert told.played.incident.ladders[0].state is LadderState.OVER


def test_timeline_and_messages_name_the_rung() -> None:
    told = story(LADDER).decide(Stage.APPLIED)
    assert told.played.incident.timeline[-2].summary.startswith(f"flush_cache (1 of 3) on {MODEL} applied")
    assert any("flush_cache (1 of 3)" in message.text for message in told.played.messages)


def test_the_only_action_of_a_playbook_has_no_place() -> None:
    assert story(playbook(FLUSH)).asked == [("flush_cache", "")]


def test_a_playbook_that_finds_no_room_is_requested_when_there_is_some() -> None:
    many = [playbook(RETRAIN, name=f"p{number}") for number in range(LADDERS_LIMIT + 1)]
    state = Played(POLICY).find(found(0)).state
    full, none = request_actions(state, many, now=at(1), is_muted=lambda _: False)
    assert (full.incidents[0].ladders, none) == ((), ())
    held, asked = request_actions(full, many[1:], now=at(2), is_muted=lambda _: False)
    assert len(held.incidents[0].ladders) == LADDERS_LIMIT
    assert len(asked) == 1


def test_a_decision_of_an_older_router_is_recorded_without_a_ladder() -> None:
    played = Played(POLICY).find(found(0))
    played.act(1, stage=Stage.FAILED)
    assert played.incident.ladders == ()
    assert played.incident.timeline[-2].summary.startswith("restart_service on ")
