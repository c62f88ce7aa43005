"""People merge incidents of any groups and take them out again; killed anywhere, nothing ends that still fires."""

from dataclasses import replace
from datetime import timedelta

import pytest

from core.errors import BusyError, PoisonError, RefusedError, UnavailableError
from core.events import Command, Severity, Verb
from core.incidents.merging import Whole, absorb
from core.incidents.model import State
from core.incidents.policy import Graph
from core.settings import Dependency
from functions.adapters.events import encode
from functions.incident_router.router import read
from functions.runtime.push import Message
from functions.services.incidents.attempt import LEASE
from functions.services.incidents.records import about
from tests.support.fakes.merging import RESOLVED, A, B, C, Place
from tests.support.fakes.outside import FINDING, POLICY, set_up


def pair(one: Severity = Severity.ERROR, other: Severity = Severity.ERROR) -> tuple[Place, str, str]:
    place = Place()
    return place, place.find(A, severity=one), place.find(B, severity=other)


def test_a_part_is_told_as_merged_and_the_whole_is_over_when_both_are() -> None:
    place, a, b = pair()
    place.say(Verb.MERGE, a, b)
    part = place.incident(a)
    assert (part.state, part.merged_into, part.lasts) == (State.RESOLVED, b, True)
    assert place.told(a) == ["opened", "merged"]
    text = next(m for m in place.setup.world.told if m.change == "merged").text
    assert text.startswith(f"Merged into another incident at {B}, which continues: {b}.\nNote: ada merged it into {b}")
    assert place.setup.world.incidents()[a]["lasting_part"] is True
    place.find(B, RESOLVED)
    assert place.incident(b).state is State.OPEN
    place.find(A, RESOLVED)
    place.sweep(minutes=10)
    assert place.incident(b).state is State.RESOLVED
    assert (place.told(a), place.told(b)[-1]) == (["opened", "merged"], "resolved")
    assert place.incident(a).lasts is False


def test_what_becomes_worse_in_a_part_makes_the_whole_worse_and_escalation_goes_on_for_that_alone() -> None:
    place, a, b = pair(Severity.WARNING, Severity.WARNING)
    place.say(Verb.MERGE, a, b)
    place.find(A, severity=Severity.CRITICAL)
    assert (place.incident(b).severity, place.told(b)[-1]) == (Severity.CRITICAL, "escalated")
    place.sweep(minutes=6)
    place.sweep(minutes=20)
    late = {m.incident_id for m in place.setup.world.told if m.channel == "pager"}
    assert late == {b}
    assert len(place.incidents()) == 2, "what fires in a part opens nothing"


@pytest.mark.parametrize(("whose", "owner"), [("b", "bob"), ("a", "ann"), ("both", "bob"), ("none", "")])
def test_the_owner_of_the_whole_stays_and_one_of_the_part_gets_a_whole_that_nobody_has(whose: str, owner: str) -> None:
    place, a, b = pair()
    if whose in ("a", "both"):
        place.say(Verb.ACKNOWLEDGE, a, by="ann")
    if whose in ("b", "both"):
        place.say(Verb.ACKNOWLEDGE, b, by="bob")
    place.say(Verb.MERGE, a, b)
    assert place.incident(b).acknowledged_by == owner
    assert place.incident(b).state is (State.ACKNOWLEDGED if owner else State.OPEN)


def test_whoever_acknowledges_a_part_has_the_whole_in_whatever_group() -> None:
    place, a, b = pair()
    place.say(Verb.MERGE, a, b)
    place.say(Verb.ACKNOWLEDGE, a, by="cleo")
    assert place.incident(b).acknowledged_by == "cleo"


def test_taken_out_it_is_reopened_and_says_why_and_the_whole_goes_by_its_own_conditions() -> None:
    place, a, b = pair(one=Severity.CRITICAL)
    place.say(Verb.MERGE, a, b)
    place.find(B, RESOLVED)
    place.say(Verb.SPLIT, a)
    place.sweep(minutes=10)
    assert (place.incident(a).state, place.incident(b).state) == (State.OPEN, State.RESOLVED)
    assert place.told(a) == ["opened", "merged", "reopened"]
    text = next(m.text for m in place.setup.world.told if m.change == "reopened").splitlines()[0]
    assert f"ada took it out of {b}" in text
    place.find(A, RESOLVED)
    place.sweep(minutes=10)
    assert place.told(a)[-1] == "resolved"


def test_what_was_taken_out_has_not_recovered() -> None:
    place, a, b = pair()
    place.say(Verb.MERGE, a, b)
    place.say(Verb.SPLIT, a)
    [kept] = [one for one in place.setup.world.group(B).state.conditions if one.kind == f"part:{a}"]
    assert (kept.status, {one.name: one.text for one in kept.evidence}["part"]) == (RESOLVED, "taken out")
    place.say(Verb.MERGE, a, b)
    place.find(A, RESOLVED)
    [kept] = [one for one in place.setup.world.group(B).state.conditions if one.kind == f"part:{a}"]
    assert (kept.status, [one.name for one in kept.evidence]) == (RESOLVED, ["incident", "target"])


def test_taken_out_after_its_end_it_stays_over() -> None:
    place, a, b = pair()
    place.say(Verb.MERGE, a, b)
    place.find(A, RESOLVED)
    place.say(Verb.SPLIT, a)
    assert (place.incident(a).state, place.incident(a).merged_into) == (State.RESOLVED, "")
    assert (place.incident(b).state, place.told(a)) == (State.OPEN, ["opened", "merged"])


def test_what_is_only_no_longer_reported_in_a_part_is_no_recovery_of_the_whole() -> None:
    place, a, b = pair()
    until = place.setup.world.now + timedelta(minutes=30)
    held = replace(FINDING, target=A, severity=Severity.ERROR, observed_at=place.setup.world.now, holds_until=until)
    place.setup.give(held)
    place.say(Verb.MERGE, a, b)
    place.find(B, RESOLVED)
    for _ in range(40):
        place.sweep(minutes=1)
    assert (place.incident(b).state, place.incident(b).expired) == (State.RESOLVED, True)
    assert place.told(b)[-1] == "expired"


def test_a_part_that_fires_for_weeks_is_repeated_so_that_the_whole_does_not_expire() -> None:
    place, a, b = pair()
    place.say(Verb.MERGE, a, b)
    place.find(B, RESOLVED)
    for _ in range(30):
        place.find(A, hours=23)
        place.sweep(hours=1)
    assert (place.incident(b).state, place.incident(b).expired) == (State.OPEN, False)
    assert place.incident(a).lasts


def test_a_chain_ends_when_all_of_it_does() -> None:
    place, a, b = pair()
    c = place.find(C)
    place.say(Verb.MERGE, a, b)
    place.say(Verb.MERGE, b, c)
    for target in (B, C):
        place.find(target, RESOLVED)
    assert place.incident(c).state is State.OPEN
    place.find(A, RESOLVED)
    assert place.incident(c).state is State.RESOLVED
    assert [place.incident(one).lasts for one in (a, b)] == [False, False]


def test_an_incident_that_is_a_part_stands_for_the_one_that_it_is_a_part_of() -> None:
    place, a, b = pair()
    c = place.find(C)
    place.say(Verb.MERGE, b, c)
    place.say(Verb.MERGE, a, b)
    assert (place.incident(a).merged_into, place.incident(b).merged_into) == (c, c)


def test_merged_into_another_one_it_leaves_the_first() -> None:
    place, a, b = pair()
    c = place.find(C)
    place.say(Verb.MERGE, a, b)
    place.say(Verb.MERGE, a, c)
    place.find(B, RESOLVED)
    assert place.incident(b).state is State.RESOLVED
    place.find(C, RESOLVED)
    assert place.incident(c).state is State.OPEN


def test_two_incidents_of_one_group_are_merged_as_well() -> None:
    graph = Graph([Dependency(target=one, needs=C) for one in (A, B)])
    place = Place(set_up(policy=replace(POLICY, graph=graph)))
    a, b = place.find(A), place.find(B)
    place.say(Verb.MERGE, a, b)
    place.find(B, RESOLVED)
    assert (place.incident(a).merged_into, place.incident(b).state) == (b, State.OPEN)
    place.find(A, RESOLVED)
    assert place.incident(b).state is State.RESOLVED


def test_what_cannot_be_meant_is_refused_with_the_reason_and_changes_nothing() -> None:
    place, a, b = pair()
    place.say(Verb.MERGE, a, b)
    with pytest.raises(RefusedError, match=f"to: must not be a part of {b}, {a} is"):
        place.say(Verb.MERGE, b, a)
    over = place.find(C)
    place.find(C, RESOLVED)
    with pytest.raises(RefusedError, match="to: must not be over"):
        place.say(Verb.MERGE, b, over)
    for to in ("", "__x", b):
        command = Command(verb=Verb.MERGE, subject=b, by="ada", at=place.setup.world.now, to=to)
        with pytest.raises(PoisonError, match="to: must be"):
            read(Message(data=encode(command), attributes={}, id="1", published_at=place.setup.world.now))
    assert place.incident(b).state is State.OPEN
    place.setup.give(
        Command(verb=Verb.MERGE, subject=b, by="ada", at=place.setup.world.now - timedelta(hours=1), to="no")
    )
    assert place.incident(b).merged_into == ""


def test_what_is_not_muted_is_not_merged_into_what_is() -> None:
    place, a, b = pair()
    place.setup.give(
        Command(
            verb=Verb.SILENCE, subject=B, by="x", at=place.setup.world.now, until=place.setup.world.now + LEASE * 99
        )
    )
    with pytest.raises(RefusedError, match="to: must not be muted unless"):
        place.say(Verb.MERGE, a, b)
    assert place.incident(a).state is State.OPEN


def silence(place: Place, pattern: str) -> None:
    now = place.setup.world.now
    place.setup.give(Command(verb=Verb.SILENCE, subject=pattern, by="x", at=now, until=now + LEASE * 999))


@pytest.mark.parametrize(
    ("patterns", "told"),
    [([B], True), ([A], True), ([A, B], False), (["*"], False)],
)
def test_a_silence_mutes_the_whole_only_where_it_names_what_fires_in_its_parts_too(
    patterns: list[str],
    told: bool,  # noqa: FBT001 - a parameter
) -> None:
    place, a, b = pair(Severity.WARNING, Severity.WARNING)
    place.say(Verb.MERGE, a, b)
    for pattern in patterns:
        silence(place, pattern)
    place.find(A, severity=Severity.CRITICAL)
    assert (place.told(b)[-1] == "escalated") is told


def test_targets_for_which_a_report_has_no_room_count_as_not_muted_unless_everything_is() -> None:
    graph = Graph([Dependency(target=one, needs=C) for one in (A, "model/x")])
    place = Place(set_up(policy=replace(POLICY, graph=graph)))
    for target in (A, "model/x", C):
        a = place.find(target, severity=Severity.WARNING)
    b = place.find(B, severity=Severity.WARNING)
    assert len(place.incident(a).targets) == 3
    place.say(Verb.MERGE, a, b)
    for pattern in (A, "model/x", C, B):
        silence(place, pattern)
    place.find(C, severity=Severity.ERROR)
    assert place.told(b)[-1] == "escalated"
    silence(place, "*")
    before = place.told(b)
    place.find(C, severity=Severity.CRITICAL)
    assert place.told(b) == before


def test_a_part_that_is_over_does_not_keep_the_whole_from_being_muted() -> None:
    place, a, b = pair(Severity.WARNING, Severity.WARNING)
    place.say(Verb.MERGE, a, b)
    place.find(A, RESOLVED)
    silence(place, B)
    before = place.told(b)
    place.find(B, severity=Severity.CRITICAL)
    assert place.told(b) == before


def test_a_silence_of_a_chain_names_the_targets_of_all_its_parts() -> None:
    place, a, b = pair(Severity.WARNING, Severity.WARNING)
    c = place.find(C, severity=Severity.WARNING)
    place.say(Verb.MERGE, a, b)
    place.say(Verb.MERGE, b, c)
    for pattern in (B, C):
        silence(place, pattern)
    before = place.told(c)
    place.find(B, severity=Severity.ERROR)
    assert len(place.told(c)) == len(before) + 1
    silence(place, A)
    place.find(B, severity=Severity.CRITICAL)
    assert len(place.told(c)) == len(before) + 1


def test_merged_into_each_other_at_the_same_time_the_lowest_id_goes_on() -> None:
    place, a, b = pair()
    now = place.setup.world.now
    commands = [Command(verb=Verb.MERGE, subject=one, by="ada", at=now, to=to) for one, to in ((a, b), (b, a))]
    for command, target, name in zip(commands, (B, A), (A, B), strict=True):
        whole = Whole(command.to, target)
        kept = about(command, name, now)
        place.setup.service.execute(lambda s, *_, c=command, w=whole: absorb(s, c, w), at=now, about=kept)  # type: ignore[misc]
    assert {place.incident(one).is_part for one in (a, b)} == {True}
    place.setup.give(*commands)
    place.settle()
    first, other = sorted((a, b))
    assert (place.incident(first).merged_into, place.incident(other).merged_into) == ("", first)
    assert place.incident(first).state is State.OPEN
    place.find(A, RESOLVED)
    assert place.incident(first).state is State.OPEN
    place.find(B, RESOLVED)
    place.sweep(minutes=1)
    assert [place.incident(one).lasts for one in (a, b)] == [False, False]


@pytest.mark.parametrize("first", [Verb.MERGE, Verb.SPLIT])
def test_of_merging_and_taking_out_the_newest_counts_in_whatever_order_they_arrive(first: Verb) -> None:
    place, a, b = pair()
    now = place.setup.world.now
    merge = Command(verb=Verb.MERGE, subject=a, by="ada", at=now + timedelta(seconds=1), to=b)
    split = Command(verb=Verb.SPLIT, subject=a, by="ada", at=now + timedelta(seconds=2))
    place.setup.world.now += timedelta(minutes=1)
    place.setup.give(*((merge, split) if first is Verb.MERGE else (split, merge)), merge, split)
    place.settle()
    assert (place.incident(a).state, place.incident(a).merged_into) == (State.OPEN, "")
    place.find(B, RESOLVED)
    assert place.incident(b).state is State.RESOLVED


def test_a_pager_gives_the_part_up_only_when_it_knows_the_whole() -> None:
    place, a, b = pair(one=Severity.CRITICAL, other=Severity.INFO)
    assert "inbox" not in place.incident(b).notified.channels
    place.setup.channels["inbox"].fault = UnavailableError("inbox: does not answer")
    with pytest.raises((UnavailableError, BusyError)):
        place.say(Verb.MERGE, a, b)
    assert place.incident(a).state is State.OPEN
    place.setup.channels["inbox"].fault = None
    place.say(Verb.MERGE, a, b, minutes=2)
    sent = [(m.incident_id, m.change.value) for m in place.setup.world.told if m.channel == "inbox"]
    assert sent.index((a, "merged")) > min(n for n, (name, _) in enumerate(sent) if name == b)
    assert place.incident(b).severity is Severity.CRITICAL
