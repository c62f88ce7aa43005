"""What is still to be done about what is decided: in which order, what is said in one, and what makes room."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import ActionRequest, Change, Mode, Severity, Verb
from core.incidents.messages import Fact, Message
from core.incidents.model import State
from core.incidents.outbox import (
    BACKLOG_LIMIT,
    CHANGES_LIMIT,
    CHANGES_SIZE,
    MESSAGES_SIZE,
    Effect,
    IncidentGroup,
    apply_decision,
    coalesce,
    next_effects,
    remove_effects,
)
from core.incidents.policy import Graph
from core.incidents.routing import Silence
from core.settings.types import Dependency
from tests.support.fakes.played import MODEL, POLICY, RESOLVED, START, Played, at, found

SIBLINGS = replace(POLICY, graph=Graph([Dependency(target=one, needs="table/t") for one in "abcdefghijklmn"]))


REQUEST = ActionRequest(
    incident_id="i",
    sequence=1,
    action="retrain_model",
    target=MODEL,
    requested_at=START,
    mode=Mode.ACT,
    playbook="p",
    reason="r",
    severity=Severity.ERROR,
)


def waiting(policy: object = POLICY) -> Played:
    return Played(policy, delivers=False)  # type: ignore[arg-type]  # a policy


def sent(played: Played, channel: str = "inbox") -> list[tuple[str, str, bool]]:
    """What the channel gets when it answers at last."""
    lane = [effect for effect in played.group.pending if effect.queue == f"notify:{channel}"]
    last = [group[-1].message for group in coalesce(lane)]
    return [(one.incident_id, one.change.value, one.missed) for one in last if one]


def message(incident: str, change: Change = Change.OPENED, *, n: int = 0, **fields: object) -> Message:
    said = Message(
        key=f"{incident}:notify:{n}:inbox",
        channel="inbox",
        incident_id=incident,
        change=change,
        severity=Severity.ERROR,
        category="drift",
        target=MODEL,
        title="drifted",
        text="New",
        facts=(Fact(name="What", text="New"),),
        url="",
        runbook="",
        at=START,
    )
    return replace(said, **fields)  # type: ignore[arg-type]  # fields of a message


def told(group: IncidentGroup, *messages: Message) -> tuple[IncidentGroup, tuple[Effect, ...]]:
    reopen = POLICY.timing.reopen_within
    return apply_decision(group, group.state, changes=(), messages=messages, now=START, reopen_within=reopen)


def test_a_decision_leaves_its_changes_its_requests_its_messages_and_a_copy() -> None:
    played = waiting().find(found(0))
    request = replace(REQUEST, incident_id=played.incident.id)
    group, _ = apply_decision(
        played.group,
        played.state,
        changes=(),
        requests=(request,),
        now=START,
        reopen_within=POLICY.timing.reopen_within,
    )
    assert [effect.queue for effect in group.pending] == ["publish", "publish", "notify:inbox", "copy", "act"]
    assert len({effect.key for effect in group.pending}) == 5
    assert group.revision == 2


def test_what_is_done_leaves_the_outbox() -> None:
    group = waiting().find(found(0)).group
    first = group.pending[0]
    left = remove_effects(group, {first.key})
    assert left.pending == group.pending[1:]
    assert remove_effects(left, {"unknown"}) is left
    assert remove_effects(left, {effect.key for effect in left.pending}).pending == ()


def test_only_the_newest_copy_of_an_incident_is_made() -> None:
    played = waiting().find(found(0), found(1, severity=Severity.CRITICAL))
    assert [effect.key for effect in played.group.pending if effect.queue == "copy"] == [f"{played.incident.id}:copy:2"]


def test_a_group_is_looked_at_while_time_alone_may_change_something() -> None:
    assert not Played().group.active
    assert Played().find(found(0)).group.active
    over = Played().find(found(0), found(5, RESOLVED))
    assert not over.group.active
    assert replace(over.group, deferred=True).active
    assert waiting().find(found(5, RESOLVED), found(0)).group.active
    assert Played().find(found(0)).say(Verb.RESOLVE, 1).group.active


def test_what_fired_and_was_over_while_it_waited_is_one_message() -> None:
    played = waiting().find(found(0), found(5, RESOLVED))
    assert sent(played) == [(played.incident.id, "resolved", True)]


def test_what_was_told_before_is_not_missed() -> None:
    played = Played().find(found(0))
    played.delivers = False
    played.find(found(1, severity=Severity.CRITICAL), found(5, RESOLVED))
    assert sent(played) == [(played.incident.id, "resolved", False)]


def test_a_withdrawal_that_waited_is_missed_where_a_later_message_is_sent_for_it() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1)
    played.delivers = False
    played.say(Verb.GIVE_BACK, 2).find(found(3, severity=Severity.CRITICAL))
    assert sent(played) == [(played.incident.id, "escalated", True)]


def test_a_tier_that_would_have_heard_of_it_for_the_first_time_missed_it() -> None:
    played = Played().find(found(0))
    played.delivers = False
    played.sweep(5).find(found(6, RESOLVED))
    assert sent(played, "pager") == [(played.incident.id, "resolved", True)]
    assert sent(played, "inbox") == [(played.incident.id, "resolved", False)]


def test_messages_of_several_incidents_that_wait_are_one_each_the_oldest_first() -> None:
    played = waiting(SIBLINGS)
    for minute, status in ((0, None), (5, RESOLVED)):
        for target in "abc":
            played.find(found(minute, status or found(0).status, target=target))
    ids = [incident.id for incident in played.state.incidents]
    assert sent(played) == [(ident, "resolved", True) for ident in ids]
    changes = [effect for effect in played.group.pending if effect.queue == "publish"]
    assert [len(group) for group in coalesce(changes)] == [1] * len(changes)


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(Change)), min_size=1, max_size=9))
def test_whatever_waits_the_newest_of_each_incident_is_what_is_sent(said: list[tuple[str, Change]]) -> None:
    messages = [message(name, change, n=n) for n, (name, change) in enumerate(said)]
    lane = told(IncidentGroup(state=Played().state), *messages)[0].pending
    groups = coalesce(lane)
    assert [effect.key for group in groups for effect in group] == sorted(
        (effect.key for effect in lane), key=lambda key: (list(dict.fromkeys(n for n, _ in said)).index(key[0]), key)
    )
    newest = dict(said)
    assert {group[-1].incident_id: group[-1].message.change for group in groups if group[-1].message} == newest


def test_a_channel_that_never_answers_cannot_fill_the_outbox_and_takes_no_change_with_it() -> None:
    played = waiting()
    for n in range(60):
        played.find(found(100 * n, RESOLVED if n % 2 else found(0).status))
    kept = [effect for effect in played.group.pending if effect.message]
    assert len(kept) == BACKLOG_LIMIT
    assert len(played.gone) == 60 - BACKLOG_LIMIT
    assert all(change == "resolved" and missed for _, change, missed in sent(played))
    assert sum(effect.change is not None for effect in played.group.pending) == 120


def test_what_fires_is_told_however_many_incidents_wait() -> None:
    played = waiting(SIBLINGS)
    for target in "abcdefghijklmn":
        played.find(found(0, target=target), found(1, target=target, severity=Severity.CRITICAL))
    assert len(sent(played)) == 14 > BACKLOG_LIMIT
    assert all((change, missed) == ("escalated", True) for _, change, missed in sent(played))


def test_a_recovery_of_what_was_told_to_fire_is_told_however_many_incidents_wait() -> None:
    played = Played(SIBLINGS)
    for target in "abcdefghijklmn":
        played.find(found(0, target=target))
    played.delivers = False
    for target in "abcdefghijklmn":
        played.find(found(5, RESOLVED, target=target))
    assert [change for _, change, _ in sent(played)] == ["resolved"] * 14
    assert "notify:inbox" not in {effect.queue for effect in played.gone}


def test_a_bus_that_takes_nothing_cannot_fill_the_outbox_and_the_newest_changes_stay() -> None:
    played = waiting()
    for n in range(CHANGES_LIMIT):
        played.find(found(100 * n, RESOLVED if n % 2 else found(0).status))
    kept = [effect.change for effect in played.group.pending if effect.change]
    assert len(kept) == CHANGES_LIMIT
    assert kept[-1].incident_id == played.incident.id


def test_large_messages_make_room_the_least_severe_first_then_the_oldest() -> None:
    group = IncidentGroup(state=Played().state)
    large = "x" * (MESSAGES_SIZE // 20)
    ranks = {n: Severity.CRITICAL if n % 2 else Severity.WARNING for n in range(30)}
    messages = [message(f"i{n:02}", text=large, severity=rank) for n, rank in ranks.items()]
    group, gone = told(group, *messages)
    assert 10 < len(group.pending) < 20
    assert [effect.incident_id for effect in gone] == [f"i{n:02}" for n in range(0, 2 * len(gone), 2)]
    assert sum(len(effect.message.text) for effect in group.pending if effect.message) <= MESSAGES_SIZE


def test_large_changes_make_room_the_oldest_first() -> None:
    played = waiting()
    names = "n" * 290
    for n in range(140):
        played.find(found(n, kind=f"{n:03}{names}", summary="s" * 300, target="t" * 299))
    kept = [effect.change for effect in played.group.pending if effect.change]
    assert len(kept) < 140
    assert kept[-1].sequence == played.incident.sequence
    assert sum(len(one.finding_id) + len(one.summary) + len(one.title) for one in kept) <= CHANGES_SIZE


def test_requests_that_no_bus_takes_make_room_too() -> None:
    group = IncidentGroup(state=Played().state)
    for n in range(CHANGES_LIMIT - 1):
        request = replace(REQUEST, incident_id=f"i{n}", target="t" * 300, reason="r" * 600)
        group, _ = apply_decision(
            group, group.state, changes=(), requests=(request,), now=START, reopen_within=timedelta(minutes=30)
        )
    assert len(group.pending) < CHANGES_LIMIT - 1
    assert group.pending[-1].request == request
    assert sum(len(one.request.target + one.request.reason) for one in group.pending if one.request) <= CHANGES_SIZE


def test_an_incident_that_is_long_over_is_forgotten_once_it_is_copied_and_told() -> None:
    played = waiting().find(found(0), found(5, RESOLVED), found(100))
    assert len(played.state.incidents) == 2
    played.delivers = True
    assert len(played.find(found(101)).state.incidents) == 2
    assert len(played.find(found(102)).state.incidents) == 1
    dead_bus = Played().find(found(0), found(5, RESOLVED))
    changes = waiting().find(found(0)).group.pending[:1]
    dead_bus.group = replace(dead_bus.group, pending=changes)
    assert len(dead_bus.find(found(100)).state.incidents) == 1


def test_what_people_still_believe_to_fire_is_remembered() -> None:
    silence = Silence(pattern="*", by="Ada", at=at(0.2), until=at(150))
    played = Played(silences=(silence,)).find(found(0), found(0.5, RESOLVED), found(100))
    assert [one.notified.firing for one in played.state.incidents] == [True, False]
    played.sweep(150)
    assert played.told == ["opened", "resolved", "opened"]
    assert len(played.sweep(155).state.incidents) == 1


def test_what_a_person_resolved_is_remembered_as_long_as_it_fires() -> None:
    played = Played(SIBLINGS).find(found(0, target="a")).say(Verb.RESOLVE, 1)
    played.find(found(50, severity=Severity.WARNING, target="b"))
    for minute in range(51, 200, 20):
        played.find(found(minute, target="a"), found(minute, severity=Severity.WARNING, target="b", kind="x"))
    assert [one.state for one in played.state.incidents] == [State.RESOLVED, State.OPEN]
    assert played.told == ["opened", "resolved", "opened"]
    played.find(found(300, RESOLVED, target="a"), found(301, severity=Severity.WARNING, target="b", kind="y"))
    assert len(played.state.incidents) == 1


def test_the_timeline_of_an_incident_that_goes_on_for_months_stays_bounded() -> None:
    played = Played().find(found(0)).sweep(*range(5, 300 * 60, 60))
    assert len(played.incident.timeline) == 120
    assert played.incident.sequence > 290
    assert played.incident.timeline[-1].at == at(299 * 60 + 5)


def test_nothing_remembered_is_nothing_to_forget() -> None:
    group = IncidentGroup(state=Played().state)
    assert told(group)[0].state is group.state


def test_of_messages_the_most_urgent_is_next_and_of_what_is_published_everything() -> None:
    def effect(name: str, severity: Severity) -> Effect:
        said = replace(message(name), severity=severity)
        return Effect(key=said.key, incident_id=name, since=START, message=said)

    mild, worst, other = (
        effect("mild", Severity.WARNING),
        effect("worst", Severity.CRITICAL),
        effect("other", Severity.CRITICAL),
    )
    assert next_effects((mild, worst, other)) == (worst,)
    copies = tuple(Effect(key=f"{name}:copy:1", incident_id=name, since=START) for name in "ab")
    assert next_effects(copies) == copies
