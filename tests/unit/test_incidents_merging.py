"""Incidents that become a part of another one: what people are told, and that a pager gives one up for the other only."""

from dataclasses import replace
from datetime import timedelta

from core.events import Change, Finding, Severity, Verb
from core.incidents.audience import with_channels
from core.incidents.merging import UNCONFIRMED, Whole, announce, release
from core.incidents.model import GroupState, Incident, IncidentReason, State
from core.incidents.outbox import IncidentGroup, delivery_queues, next_effects, remove_effects
from core.incidents.policy import Graph
from core.settings.people import Category, People, Route, Stakeholder, Tier, When
from core.settings.response import Policy, Revenue, Rule
from core.settings.types import Dependency
from tests.support.fakes.played import FIRING, MODEL, POLICY, RESOLVED, Played, at, found

PAIR = Graph([Dependency(target=one, needs="table/t") for one in ("a", "b")])
APART = People(
    stakeholders={name: Stakeholder(name=name, tiers=(Tier(to=(f"{name}-pager",)),)) for name in ("one", "two")},
    routes=(
        Route(when=When(targets=("a", "table/*")), to=("one",)),
        Route(when=When(targets=("b",)), to=("two",)),
    ),
)
"""Of two incidents each has its own pager."""


def pair(**fields: object) -> Played:
    played = Played(replace(POLICY, graph=PAIR, people=APART), **fields)  # type: ignore[arg-type] # of Played
    return played.find(found(0, target="a"), found(1, target="b"))


def test_whoever_was_notified_of_a_part_is_notified_of_the_whole_before_the_part_is_given_up() -> None:
    played = pair().find(found(2, target="table/t"))
    heard = {(one.change, one.channels, one.reason) for one in played.notifications[2:]}
    assert heard == {
        (Change.UPDATED, ("two-pager",), IncidentReason.MERGED),
        (Change.MERGED, ("two-pager",), IncidentReason.MERGED),
    }
    assert played.incident.joining == ()
    texts = [message.text.splitlines()[0] for message in played.messages[2:]]
    assert any(
        text.startswith("An incident that you were notified of is a part of this one now: table/t") for text in texts
    )
    entry = next(one for one in reversed(played.incident.timeline) if one.reason is IncidentReason.NOTIFIED)
    assert entry.summary == "updated: notified everybody notified of what is a part of it now (two-pager)"
    played.say(Verb.RESOLVE, 3)
    assert played.notifications[-1].channels == ("one-pager", "two-pager")


def test_in_one_queue_the_whole_comes_first_however_severe_the_part_is() -> None:
    played = Played(replace(POLICY, graph=PAIR, people=APART), delivers=False)
    played.find(found(0, target="a"))
    played.find(found(1, target="b", severity=Severity.CRITICAL))
    done = {one.key for one in played.group.pending}
    played.group = remove_effects(played.group, done)
    played.find(found(2, target="table/t"))
    sent = []
    while queue := next((q for q in delivery_queues(played.group.pending) if q[0].queue == "notify:two-pager"), None):
        effects = next_effects(queue)
        sent.append(effects[-1].message.change if effects[-1].message else None)
        played.group = remove_effects(played.group, {one.key for one in effects})
    assert sent[-1] is Change.MERGED
    assert len(sent) > 1, "the whole was told as well"


def test_where_somebody_has_the_whole_a_new_receiver_misses_nothing() -> None:
    played = pair()
    played.say(Verb.ACKNOWLEDGE, 1.5, about=played.state.incidents[0].id)
    played.find(found(2, target="table/t"))
    introduced = next(
        one for one in played.messages if one.channel == "two-pager" and one.change is Change.ACKNOWLEDGED
    )
    assert (introduced.incident_id, introduced.missed) == (played.incident.id, True)


def test_a_whole_that_is_acknowledged_and_not_told_yet_is_triggered_with_the_acknowledgement() -> None:
    unrouted = replace(APART, routes=APART.routes[1:])
    played = Played(replace(POLICY, graph=PAIR, people=unrouted)).find(found(0, target="a"))
    played.say(Verb.ACKNOWLEDGE, 0.5).find(found(1, target="b"), found(2, target="table/t"))
    (told,) = [one for one in played.messages if one.change is Change.ACKNOWLEDGED]
    assert (told.channel, told.missed, told.incident_id) == ("two-pager", True, played.incident.id)


def wholes() -> Played:
    """Another group, in which an incident is open."""
    group = IncidentGroup(state=GroupState(name="service/shop"))
    return Played(group=group).find(found(0, severity=Severity.WARNING, target="service/shop", kind="down"))


def deliver(part: Played, whole: Played, minute: float) -> None:
    whole.find(*part.reported, now=at(minute))
    part.reported.clear()


def test_a_whole_is_called_after_a_part_only_when_nothing_of_its_own_fires() -> None:
    part, whole = Played().find(found(0, severity=Severity.CRITICAL, summary="the part")), wholes()
    part.merge(whole, 1)
    deliver(part, whole, 1)
    assert (whole.incident.title, whole.incident.severity) == ("departure_delay drifted", Severity.CRITICAL)
    whole.find(found(2, RESOLVED, target="service/shop", kind="down"))
    assert (whole.incident.title, whole.incident.state) == (f"{MODEL}: the part", State.OPEN)


def test_no_rule_of_the_settings_changes_what_a_part_reports() -> None:
    rule = Rule(target="service/*", becomes=Severity.INFO, category=Category.COST)
    part, whole = Played().find(found(0, severity=Severity.CRITICAL)), wholes()
    whole.policy = replace(POLICY, rules=(rule,))
    part.merge(whole, 1)
    deliver(part, whole, 1)
    assert whole.incident.severity is Severity.CRITICAL


def test_a_part_costs_by_itself_and_adds_nothing_to_the_cost_of_the_whole() -> None:
    revenue = {"service/shop": Revenue(dollars_per_hour=1000.0), MODEL: Revenue(dollars_per_hour=500.0)}
    part, whole = Played(replace(POLICY, revenue=revenue)), wholes()
    whole.policy = part.policy
    whole.find(found(0.5, severity=Severity.WARNING, target="service/shop", kind="slow"))
    before = whole.incident.impact
    part.find(found(0, severity=Severity.CRITICAL)).merge(whole, 1)
    deliver(part, whole, 1)
    assert before is not None
    assert whole.incident.impact == before
    merged = part.state.incidents[0]
    assert merged.impact is not None
    assert (merged.lasts, merged.impact.dollars_per_hour) == (True, 500.0)


def test_what_a_person_kept_open_and_does_not_fire_adds_nothing_to_the_whole() -> None:
    part, whole = Played().find(found(0), found(1, RESOLVED)).say(Verb.REOPEN, 2), wholes()
    part.merge(whole, 3)
    deliver(part, whole, 3)
    assert (part.state.incidents[0].lasts, whole.incident.severity) == (False, Severity.WARNING)
    assert whole.find(found(4, RESOLVED, target="service/shop", kind="down")).incident.state is State.RESOLVED


def test_reports_have_rising_instants_whatever_clocks_say() -> None:
    part, whole = Played().find(found(0)), wholes()
    part.merge(whole, 10)
    for minute, status in ((5, RESOLVED), (6, FIRING), (7, RESOLVED)):
        part.find(found(minute, status), now=at(minute))
    instants = [one.observed_at for one in part.reported]
    assert instants == sorted(set(instants))
    assert [one.status for one in part.reported] == [FIRING, RESOLVED, FIRING, RESOLVED]


def test_of_a_part_one_report_waits_however_long_the_bus_takes_nothing() -> None:
    part, whole = Played(delivers=False).find(found(0)), wholes()
    part.merge(whole, 1)
    for n in range(30):
        part.find(found(2 + n, RESOLVED if n % 2 == 0 else FIRING))
    (report,) = [one for one in part.group.pending if one.finding]
    assert report.finding == part.reported[-1]
    assert (report.queue, len(part.reported)) == ("report", 31)


def test_a_part_is_not_merged_automatically_and_what_is_beside_it_is_no_part_of_it() -> None:
    played, whole = Played(replace(POLICY, graph=PAIR)).find(found(0, target="a"), found(0, target="b")), wholes()
    first = played.state.incidents[0].id
    played.merge(whole, 1, about=first)
    played.find(found(2, target="table/t"), found(3, target="a", severity=Severity.CRITICAL))
    merged = {one.id: one.merged_into for one in played.state.incidents}
    assert merged[first] == whole.incident.id
    deliver(played, whole, 3)
    assert whole.incident.severity is Severity.CRITICAL
    assert [one.targets for one in played.state.incidents if not one.merged_into] == [("b", "table/t")]


def test_what_fires_long_after_a_part_is_over_is_another_incident() -> None:
    part, whole = Played().find(found(0)), wholes()
    part.merge(whole, 1).find(found(5, RESOLVED), found(10), found(15, RESOLVED))
    assert len(part.state.incidents) == 1
    part.find(found(15 + 31))
    assert [one.is_part for one in part.state.incidents][-1] is False
    assert part.incident.state is State.OPEN


def expires(minute: float, holds: float, target: str) -> Finding:
    return replace(found(minute, target=target), holds_until=at(minute + holds))


def test_the_receivers_of_an_incident_that_expired_are_notified_of_the_one_that_it_becomes_a_part_of() -> None:
    """Its pager is on still, as nobody knows whether it recovered, and is given up only for the one that goes on."""
    played = Played(replace(POLICY, graph=PAIR, people=APART)).find(expires(0, 5, "b")).sweep(6)
    assert played.told == ["opened", "expired"]
    played.find(found(7, target="a"), found(8, target="table/t"))
    (whole,) = [one for one in played.state.incidents if not one.merged_into]
    told = {(one.incident_id == whole.id, one.change) for one in played.messages[2:] if one.channel == "two-pager"}
    assert told == {(True, Change.UPDATED), (False, Change.MERGED)}


def test_a_part_is_not_given_up_before_the_one_that_goes_on_is_told() -> None:
    """The whole has just been told as resolved: that it fires again is held back until it settles."""
    played = Played(replace(POLICY, graph=PAIR, people=APART)).find(expires(0, 10, "b"), found(7, target="a")).sweep(11)
    played.find(found(20, RESOLVED, target="a"))
    assert sorted(played.told) == ["expired", "opened", "opened", "resolved"]
    played.find(found(20.5, target="table/t"))
    assert (len(played.told), played.deferred) == (4, True)
    played.sweep(40)
    told = {one.change: one.incident_id for one in played.messages[4:] if one.channel == "two-pager"}
    assert (set(told), told[Change.REOPENED]) == ({Change.REOPENED, Change.MERGED}, played.incident.id)


def test_whoever_was_told_that_the_whole_is_over_and_not_that_it_is_back_is_notified_of_it_before_a_part_is_given_up() -> (
    None
):
    """Its reopening was told to those of its own routes only, and the receivers of its former part have no open alert of it."""
    played = (
        pair().find(found(2, target="table/t")).find(*(found(5, RESOLVED, target=one) for one in ("a", "b", "table/t")))
    )
    assert played.receivers[-1] == ("one-pager", "two-pager")
    played.find(found(10, target="a"))
    assert (played.told[-1], played.incident.notified.channels) == ("reopened", ("one-pager",))
    before = played.incident.notified
    part = replace(played.incident, id="z", notified=replace(before, channels=("two-pager",)))
    assert with_channels(played.incident, [part]).joining == ("two-pager",)


def test_the_first_report_of_a_part_ends_by_itself_where_it_never_becomes_one() -> None:
    part, whole = Played().find(found(0)), Whole("w", "service/shop")
    first = announce(part.state, part.incident.id, whole, at(5))
    assert first is not None
    assert (first.observed_at, first.holds_until) == (at(5), at(5) + UNCONFIRMED)
    over = part.find(found(6, RESOLVED))
    assert announce(over.state, part.incident.id, whole, at(7)) is None


def test_reports_of_a_part_have_rising_instants_also_where_clocks_differ() -> None:
    part, whole = (
        Played().find(found(0)),
        Played(group=IncidentGroup(state=GroupState(name="b"))).find(found(1, target="b")),
    )
    part.merge(whole, 10)
    last = part.reported[-1].observed_at
    again = announce(part.state, part.state.incidents[0].id, Whole("w", "c"), at(2))
    assert again is not None
    assert again.observed_at > last


def test_a_part_that_fires_on_without_a_word_is_reported_again_before_the_whole_would_expire() -> None:
    timing = Policy(resolve_after=timedelta(hours=2))
    part = Played(replace(POLICY, timing=timing)).find(found(0, holds_until=at(60 * 24)))
    whole = Played(replace(POLICY, timing=timing), group=IncidentGroup(state=GroupState(name="b")))
    whole.find(found(1, target="b"))
    part.merge(whole, 2)
    whole.find(found(3, RESOLVED, target="b"))
    seen = 0
    for minute in range(10, 60 * 12, 10):
        part.sweep(minute)
        whole.find(*part.reported[seen:], now=at(minute)).sweep(minute)
        seen = len(part.reported)
        assert whole.incident.state is State.OPEN, minute
    assert len(part.reported) < 20, "and not at every sweep"


def test_whoever_was_notified_of_a_part_alone_is_introduced_to_the_whole() -> None:
    part = Played(replace(POLICY, people=APART), group=IncidentGroup(state=GroupState(name="b")))
    whole = Played(replace(POLICY, people=APART), group=IncidentGroup(state=GroupState(name="a")))
    part.find(found(0, target="b"))
    whole.find(found(1, target="a"))
    assert (part.receivers, whole.receivers) == ([("two-pager",)], [("one-pager",)])
    part.merge(whole, 2)
    assert whole.receivers[-1] == ("two-pager",)
    assert whole.find(found(3, RESOLVED, target="a")).incident.state is State.OPEN


def test_only_the_incident_that_it_was_merged_into_gives_a_part_back() -> None:
    part, whole = Played().find(found(0)), Played(group=IncidentGroup(state=GroupState(name="b")))
    part.merge(whole.find(found(1, target="b")), 2)
    name = part.state.incidents[0].id
    assert release(part.state, name, "another").reason is IncidentReason.UNCHANGED
    out = release(part.state, name, whole.incident.id).state.incidents[0]
    assert (out.state, out.merged_into) == (State.OPEN, "")


def taken_out(*later: Finding) -> Incident:
    """A part that its source holds until 09:06, after more was heard of it, and after it was taken out."""
    part, whole = Played().find(found(0, holds_until=at(6))), Played(group=IncidentGroup(state=GroupState(name="b")))
    part.merge(whole.find(found(1, target="b")), 2)
    name = part.state.incidents[0].id
    part.find(*later).sweep(9).say(Verb.SPLIT, 10, about=name)
    return part.state.incidents[0]


def test_a_part_that_went_silent_is_taken_out_as_expired_and_one_that_recovered_as_resolved() -> None:
    silent, recovered = taken_out(), taken_out(found(5, RESOLVED))
    assert (silent.merged_into, silent.state, silent.expired) == ("", State.RESOLVED, True)
    assert (recovered.merged_into, recovered.state, recovered.expired) == ("", State.RESOLVED, False)


def test_a_part_whose_source_repeats_itself_is_reported_again_in_time_for_the_whole_and_not_each_time() -> None:
    timing = Policy(resolve_after=timedelta(hours=2))
    part = Played(replace(POLICY, timing=timing)).find(found(0))
    whole = Played(replace(POLICY, timing=timing), group=IncidentGroup(state=GroupState(name="b")))
    part.merge(whole.find(found(1, target="b")), 2)
    before = len(part.reported)
    for minute in range(5, 125, 5):
        part.find(found(minute))
    assert len(part.reported) - before == 5, "every twenty minutes: a sixth of the time after which it would expire"


def test_the_owner_of_a_part_has_the_whole_unless_that_was_given_back_since() -> None:
    for given_back, owner in ((None, "Ada"), (4, ""), (1.5, "Ada")):
        part, whole = Played().find(found(0)), Played(group=IncidentGroup(state=GroupState(name="b")))
        whole.find(found(1, target="b"))
        if given_back:
            whole.say(Verb.ACKNOWLEDGE, 1.2, by="Bob").say(Verb.GIVE_BACK, given_back, by="Bob")
        part.say(Verb.ACKNOWLEDGE, 1).merge(whole, 3)
        assert whole.incident.acknowledged_by == owner, given_back


def test_a_merge_that_is_delivered_twice_is_recorded_once() -> None:
    part, whole = Played().find(found(0)), Played(group=IncidentGroup(state=GroupState(name="b")))
    whole.find(found(1, target="b"))
    name = part.incident.id
    part.merge(whole, 2).merge(whole, 2, about=name)
    assert len([entry for entry in whole.incident.timeline if "into it" in entry.summary]) == 1
    assert whole.decisions[-1].reason is IncidentReason.DUPLICATE


def test_a_command_of_before_a_reopening_or_of_the_instant_of_the_last_one_is_late() -> None:
    part, whole = Played().find(found(0)), Played(group=IncidentGroup(state=GroupState(name="b")))
    whole.find(found(1, target="b"))
    name = part.incident.id
    part.say(Verb.RESOLVE, 2).say(Verb.REOPEN, 5).merge(whole, 4)
    assert (part.decisions[-1].reason, part.incident.merged_into) == (IncidentReason.LATE, "")
    part.merge(whole, 6).say(Verb.SPLIT, 6, about=name)
    assert (part.decisions[-1].reason, part.state.incidents[0].merged_into) == (IncidentReason.LATE, whole.incident.id)


def test_a_part_in_which_something_was_lost_makes_the_whole_expired() -> None:
    part, whole = Played().find(found(0)), Played(group=IncidentGroup(state=GroupState(name="b")))
    part.merge(whole.find(found(1, target="b")), 2)
    lost = tuple(replace(one, lost=True) for one in part.state.incidents)
    part.group = replace(part.group, state=replace(part.state, incidents=lost))
    part.find(found(5, RESOLVED))
    report = part.reported[-1]
    assert (report.status, report.holds_until) == (FIRING, report.observed_at)
    whole.find(report).sweep(6).find(found(7, RESOLVED, target="b"))
    assert (whole.incident.state, whole.incident.expired) == (State.RESOLVED, True)
