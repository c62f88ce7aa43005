"""What people are told, and when: flaps, tiers, acknowledgements, maintenance and silences."""

from dataclasses import replace
from datetime import time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.events import Severity, Verb
from core.incidents.model import IncidentReason, State
from core.incidents.policy import Graph, IncidentPolicy
from core.incidents.routing import Silence
from core.settings.people import Hours, People, Person, Rotation, Route, Stakeholder, Tier, When
from core.settings.response import Maintenance, Policy
from core.settings.types import Dependency
from tests.support.fakes.played import FIRING, MODEL, PEOPLE, POLICY, RESOLVED, START, TECHNICAL, Played, at, found

SECOND = 1 / 60
WINDOW = Maintenance(name="upgrade", targets=("model/*",), start=START, duration=timedelta(minutes=60))
QUIET = replace(POLICY, maintenance=(WINDOW,))


def with_people(people: People) -> IncidentPolicy:
    return replace(POLICY, people=people)


def with_technical(**fields: object) -> IncidentPolicy:
    group = replace(TECHNICAL, **fields)  # type: ignore[arg-type]  # the test names its fields
    return with_people(replace(PEOPLE, stakeholders={"technical": group}))


@settings(deadline=None)
@given(ends_firing=st.booleans(), spread=st.floats(0.5, 2.0))
def test_fifteen_flaps_in_half_a_minute_are_two_messages_at_most_and_the_page_is_not_delayed(
    *, ends_firing: bool, spread: float
) -> None:
    played = Played().find(found(0))
    assert (played.told, played.notifications[0].at) == (["opened"], START)
    for n in range(1, 30 + ends_firing):
        played.find(found(n * spread * SECOND, RESOLVED if n % 2 else FIRING))
    played.sweep(*[n for n in range(1, 5) if n > spread * 0.5])
    assert played.told == (["opened"] if ends_firing else ["opened", "resolved"])
    assert not played.deferred


def test_what_flaps_on_is_told_ever_more_rarely_and_what_it_comes_to_is_told() -> None:
    played = Played()
    for minute in range(120):
        played.find(found(minute), found(minute + 0.5, RESOLVED)).sweep(minute + 0.9)
    assert len(played.told) <= 16
    played.sweep(*range(120, 200))
    assert played.told[-1] == "resolved"
    assert played.incident.notified.flaps > 0


def test_after_an_hour_of_rest_flaps_are_forgotten() -> None:
    policy = replace(POLICY, timing=Policy(reopen_within=timedelta(hours=9)))
    played = Played(policy).find(found(0), found(5, RESOLVED), found(10), found(30, RESOLVED))
    assert played.incident.notified.flaps == 1
    played.find(found(100))
    assert (played.incident.notified.flaps, played.told[-1]) == (1, "reopened")
    played.find(found(200, RESOLVED))
    assert played.incident.notified.flaps == 0


def test_nothing_is_held_back_for_longer_than_the_hour_after_which_flaps_are_forgotten() -> None:
    policy = replace(POLICY, timing=Policy(settle=timedelta(minutes=20), reopen_within=timedelta(hours=9)))
    played = Played(policy)
    for n in range(12):
        played.find(found(100 * n), found(100 * n + 1, RESOLVED)).sweep(100 * n + 62)
        assert played.told[-1] == "resolved"


def test_an_old_observation_does_not_shorten_the_wait() -> None:
    played = Played().find(found(0)).sweep(9).find(found(10, kind="accuracy", severity=Severity.CRITICAL))
    played.find(found(2, kind="label", severity=Severity.CRITICAL), now=at(10.1))
    assert played.incident.notified.at == at(10)


def test_a_clock_of_the_future_holds_nothing_back() -> None:
    played = Played().find(found(0)).find(found(4, RESOLVED), now=at(3))
    assert played.told == ["opened", "resolved"]
    assert played.incident.notified.at == at(3)


def test_a_worse_severity_is_told_at_once_and_only_the_worst_counts() -> None:
    played = Played().find(found(0), found(SECOND, severity=Severity.CRITICAL))
    played.find(found(2 * SECOND), found(3 * SECOND, severity=Severity.CRITICAL))
    assert played.told == ["opened", "escalated"]
    assert played.receivers[1] == ("inbox",)


def test_a_recovery_a_moment_after_the_page_waits_and_one_later_does_not() -> None:
    played = Played().find(found(0), found(0.5, RESOLVED))
    assert (played.told, played.deferred, played.group.active) == (["opened"], True, True)
    played.sweep(1)
    assert (played.told, played.deferred) == (["opened", "resolved"], False)
    assert Played().find(found(0), found(1, RESOLVED)).told == ["opened", "resolved"]


@pytest.mark.parametrize(("policy", "reason"), [(POLICY, IncidentReason.NOTIFIED), (QUIET, IncidentReason.MUTED)])
def test_the_timeline_dates_a_notification_by_when_people_got_it_and_not_by_the_finding(
    policy: IncidentPolicy, reason: IncidentReason
) -> None:
    late = Played(policy).find(found(0), now=at(17))
    assert [(entry.reason, entry.at) for entry in late.incident.timeline] == [
        (IncidentReason.FIRST_FIRING, at(0)),
        (reason, at(17)),
    ]
    hour = POLICY.timing.summary_every.total_seconds() / 60
    late.find(found(hour), now=at(hour + 17))
    assert IncidentReason.STILL_FIRING in [entry.reason for entry in late.incident.timeline]


def test_what_comes_back_worse_than_people_heard_is_not_held_back() -> None:
    played = Played().find(found(0), found(5, RESOLVED), found(5.5, severity=Severity.CRITICAL))
    assert played.told == ["opened", "resolved", "reopened"]


def test_the_next_tier_is_told_when_nobody_acknowledges_and_the_last_one_again_and_again() -> None:
    played = Played().find(found(0)).sweep(*range(1, 131))
    assert list(zip(played.told, played.receivers, strict=True)) == [
        ("opened", ("inbox",)),
        ("escalated", ("pager",)),
        ("updated", ("pager",)),
        ("updated", ("pager",)),
    ]
    assert [notification.at for notification in played.notifications] == [at(0), at(5), at(65), at(125)]
    reasons = [entry.reason for entry in played.incident.timeline]
    assert reasons == [
        IncidentReason.FIRST_FIRING,
        IncidentReason.NOTIFIED,
        IncidentReason.NOT_ACKNOWLEDGED,
        IncidentReason.REMINDER,
        IncidentReason.REMINDER,
    ]


@pytest.mark.parametrize("minute", [0.1, 4.9, 5.1, 64.9, 70])
def test_an_acknowledgement_stops_tiers_and_reminders_whenever_it_comes(minute: float) -> None:
    played = Played().find(found(0)).sweep(*[n for n in range(1, 130) if n < minute]).say(Verb.ACKNOWLEDGE, minute)
    before = len(played.told)
    assert played.told[-1] == "acknowledged"
    played.sweep(*[n for n in range(1, 600) if n > minute])
    assert len(played.told) == before


def test_those_who_were_told_hear_that_somebody_takes_care() -> None:
    played = Played().find(found(0)).sweep(5).say(Verb.ACKNOWLEDGE, 6)
    assert played.receivers[-1] == ("inbox", "pager")


def test_acknowledged_twice_is_told_once() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1).say(Verb.ACKNOWLEDGE, 1).say(Verb.ACKNOWLEDGE, 2)
    assert played.told == ["opened", "acknowledged"]


def test_an_acknowledged_incident_that_gets_worse_is_told_and_pages_nobody_further() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1).find(found(2, severity=Severity.CRITICAL))
    played.sweep(*range(3, 100))
    assert played.told == ["opened", "acknowledged", "escalated"]


def test_after_it_came_back_it_needs_another_acknowledgement() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1).find(found(5, RESOLVED), found(15))
    ident = played.incident.id
    played.say(Verb.ACKNOWLEDGE, 1, about=ident).sweep(20)
    assert played.told == ["opened", "acknowledged", "resolved", "reopened", "escalated"]
    played.say(Verb.ACKNOWLEDGE, 21).sweep(*range(22, 300))
    assert played.told[-1] == "acknowledged"


def test_an_acknowledgement_holds_through_a_flap_that_people_did_not_hear_of() -> None:
    played = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1)
    played.find(found(1.2, RESOLVED), found(1.4)).sweep(*range(2, 100))
    assert played.told == ["opened", "acknowledged"]
    assert (played.incident.state, played.incident.acknowledged_by) == (State.ACKNOWLEDGED, "Ada")


@pytest.mark.parametrize("verb", [Verb.ACKNOWLEDGE, Verb.MITIGATE])
def test_what_comes_back_is_with_whoever_is_known_to_have_it_or_is_told(verb: Verb) -> None:
    """An incident that nobody has, of which everybody believes that somebody has it, would page nobody ever again."""
    timing = Policy(acknowledgement_timeout=timedelta(hours=1))
    for again in (1.4, 2.5, 20):
        played = Played(replace(POLICY, timing=timing)).find(found(0)).say(verb, 1)
        played.find(found(1.2, RESOLVED)).sweep(*[n for n in (2,) if n < again]).find(found(again))
        has = played.incident.state in (State.ACKNOWLEDGED, State.MITIGATED)
        assert has is (again < 2)
        played.sweep(*range(21, 100))
        assert played.incident.notified.acknowledged is (played.incident.state is not State.OPEN)
        if verb is Verb.ACKNOWLEDGE:
            assert "escalated" in played.told


def test_who_acknowledges_before_anybody_was_told_need_not_be_told_but_others_are_when_it_gets_worse() -> None:
    played = Played(QUIET).find(found(1)).say(Verb.ACKNOWLEDGE, 2).sweep(59, 60, 61)
    assert played.told == []
    played.find(found(62, severity=Severity.CRITICAL)).sweep(63, 70)
    assert played.told == ["escalated"]
    assert Played(QUIET).find(found(1)).say(Verb.ACKNOWLEDGE, 2).find(found(70, RESOLVED)).told == []


def test_mitigated_is_told_once_and_stops_the_tiers() -> None:
    played = Played().find(found(0)).say(Verb.MITIGATE, 2).sweep(*range(3, 200))
    assert (played.told, played.why[-1]) == (["opened", "mitigated"], IncidentReason.COMMAND)
    played.say(Verb.RESOLVE, 201)
    assert played.told[-1] == "resolved"
    acknowledged = Played().find(found(0)).say(Verb.ACKNOWLEDGE, 1).say(Verb.MITIGATE, 2)
    assert acknowledged.told == ["opened", "acknowledged"]


def test_what_an_action_did_stops_no_tier() -> None:
    """The cloud confirmed a restart, and the service is down: whoever is on call must hear of it."""
    acted = Played().find(found(0)).act(2).sweep(*range(3, 30))
    left_alone = Played().find(found(0)).sweep(*range(3, 30))
    assert acted.incident.state is State.OPEN
    assert (acted.told, acted.receivers) == (left_alone.told, left_alone.receivers)
    assert len(acted.told) > 1


def test_what_a_person_resolves_is_quiet_for_a_while_and_told_when_it_recovers_and_fires_again() -> None:
    played = Played().find(found(0)).say(Verb.RESOLVE, 2).find(*[found(n) for n in range(3, 16)]).sweep(16)
    assert (played.told, played.incident.state) == (["opened", "resolved"], State.RESOLVED)
    played.find(found(17, RESOLVED), found(18))
    assert played.told == ["opened", "resolved", "reopened"]


def test_what_a_person_resolves_is_told_when_it_gets_worse_or_something_new_fires() -> None:
    for later in (found(3, severity=Severity.CRITICAL), found(4, kind="accuracy")):
        played = Played().find(found(0)).say(Verb.CANCEL, 2).find(later)
        assert played.told == ["opened", "resolved", "reopened"]


def test_what_is_no_page_stays_with_the_first_tier() -> None:
    played = Played().find(found(0, severity=Severity.WARNING)).sweep(*range(1, 100))
    assert played.told == ["opened"]


def test_without_reminders_the_last_tier_is_told_once() -> None:
    assert Played(with_technical(remind_every=None)).find(found(0)).sweep(*range(1, 300)).told == [
        "opened",
        "escalated",
    ]


def test_who_is_on_call_is_told_and_after_the_handover_the_next_one() -> None:
    people = tuple(Person(name=name, channels=(f"{name}-phone",)) for name in ("ada", "bob"))
    rotation = Rotation(name="on-call", start=START, every=timedelta(minutes=30), people=people)
    group = replace(
        TECHNICAL, tiers=(Tier(to=("on-call",), wait=timedelta(minutes=40)), Tier(to=("on-call",), wait=timedelta()))
    )
    routed = replace(PEOPLE, stakeholders={"technical": group}, rotations={"on-call": rotation})
    played = Played(with_people(routed)).find(found(0)).sweep(40, 100)
    assert played.receivers == [("ada-phone",), ("bob-phone",), ("bob-phone",)]


def test_a_tier_that_reaches_nobody_is_passed_over_and_that_is_written_down() -> None:
    nobody = Rotation(name="nobody", start=START, every=timedelta(days=1), people=(Person(name="x", channels=()),))
    group = replace(
        TECHNICAL, tiers=(TECHNICAL.tiers[0], Tier(to=("nobody",), wait=timedelta(minutes=1)), TECHNICAL.tiers[1])
    )
    routed = replace(PEOPLE, stakeholders={"technical": group}, rotations={"nobody": nobody})
    played = Played(with_people(routed)).find(found(0)).sweep(5, 6)
    assert [message.channel for message in played.messages] == ["inbox", "pager"]
    assert "technical tier 2 (no channel)" in played.incident.timeline[2].summary


def test_a_stakeholder_that_the_settings_no_longer_name_is_left_out() -> None:
    played = Played().find(found(0))
    played.policy = with_people(People(routes=PEOPLE.routes))
    played.sweep(5, 100).find(found(101, severity=Severity.CRITICAL), found(200, RESOLVED))
    assert played.receivers == [("inbox",), ("inbox",), ("inbox",)]


def test_one_stakeholder_more_hears_of_it_when_it_is_worse_and_the_others_climb_on() -> None:
    boss = Stakeholder(name="boss", tiers=(Tier(to=("boss",), wait=timedelta(minutes=5)),))
    routes = (*PEOPLE.routes, Route(when=When(severity=frozenset({Severity.CRITICAL})), to=("boss", "nobody")))
    people = replace(PEOPLE, stakeholders={"technical": TECHNICAL, "boss": boss}, routes=routes)
    played = Played(with_people(people)).find(found(0)).sweep(5).find(found(6, severity=Severity.CRITICAL))
    assert played.receivers[-1] == ("pager", "boss", "inbox")
    assert {one.stakeholder: one.tier for one in played.incident.notified.escalations} == {"technical": 1, "boss": 0}


def test_a_stakeholder_whose_route_no_longer_leads_there_goes_on_hearing_of_it() -> None:
    people = replace(PEOPLE, routes=(Route(when=When(severity=frozenset({Severity.ERROR})), to=("technical",)),))
    played = Played(with_people(people)).find(found(0), found(1, severity=Severity.CRITICAL)).sweep(5)
    assert played.receivers == [("inbox",), ("inbox",), ("pager",)]


def test_what_no_route_leads_to_anybody_is_told_as_soon_as_one_does() -> None:
    at_ten = Hours(since=time(10), until=time(11))
    people = replace(PEOPLE, routes=(Route(when=When(hours=at_ten), to=("technical",)),))
    played = Played(with_people(people)).find(found(0), found(1, severity=Severity.CRITICAL)).sweep(*range(1, 60))
    assert (played.told, played.incident.notified.firing) == ([], False)
    assert played.sweep(60).told == ["opened"]
    silent = Played(with_people(people)).find(found(0), found(10, RESOLVED)).sweep(60)
    assert silent.told == []


def test_what_is_over_when_it_is_heard_of_is_told_once_as_over() -> None:
    played = Played().find(found(10, RESOLVED), now=at(11)).find(found(0), now=at(12)).sweep(13, 14)
    assert (played.told, played.why) == (["resolved"], [IncidentReason.ALREADY_RESOLVED])
    assert played.incident.notified.escalations == ()
    nobody = Played(IncidentPolicy()).find(found(10, RESOLVED), now=at(11)).find(found(0), now=at(12)).sweep(13)
    assert (nobody.told, nobody.incident.notified.severity) == ([], Severity.ERROR)


def test_in_maintenance_nobody_is_told_and_what_still_fires_at_its_end_is_told_once() -> None:
    played = Played(QUIET).find(found(1)).sweep(*range(2, 60))
    assert (played.told, played.deferred) == ([], True)
    assert [entry.summary for entry in played.incident.timeline][1:] == ["muted (opened): maintenance upgrade"]
    played.sweep(60, 61, 62)
    assert (played.told, played.deferred) == (["opened"], False)


def test_in_maintenance_what_is_over_before_its_end_is_never_told() -> None:
    played = Played(QUIET).find(found(1), found(20, RESOLVED)).sweep(*range(21, 70))
    assert played.told == []
    late = Played(QUIET).find(found(20, RESOLVED), now=at(21)).find(found(1), now=at(22)).sweep(59, 60, 61)
    assert (late.told, late.deferred) == ([], False)
    assert late.incident.timeline[-1].reason is IncidentReason.MUTED


def test_what_was_known_before_a_maintenance_stays_quiet_in_it_and_climbs_on_after_it() -> None:
    later = replace(WINDOW, start=at(3))
    played = Played(replace(POLICY, maintenance=(later,))).find(found(0)).sweep(*range(1, 63))
    assert played.told == ["opened"]
    played.sweep(63, 64)
    assert played.told == ["opened", "escalated"]
    acknowledged = Played(replace(POLICY, maintenance=(later,))).find(found(0)).say(Verb.ACKNOWLEDGE, 1)
    assert acknowledged.sweep(*range(2, 200)).told == ["opened", "acknowledged"]


def test_a_recovery_in_maintenance_of_what_was_known_is_told_when_it_ends() -> None:
    played = Played(replace(POLICY, maintenance=(replace(WINDOW, start=at(3)),)))
    played.find(found(0), found(10, RESOLVED)).sweep(*range(11, 63))
    assert (played.told, played.deferred) == (["opened"], True)
    assert played.sweep(63, 64).told == ["opened", "resolved"]


def test_a_silence_is_quiet_until_it_ends_and_says_who_made_it() -> None:
    silence = Silence(pattern="model/*", by="Ada", at=START, until=at(30), note="load test")
    played = Played(silences=(silence,)).find(found(1)).sweep(29)
    assert played.incident.timeline[-1].summary == "muted (opened): silenced by Ada: load test"
    assert played.sweep(30).told == ["opened"]


def test_one_window_after_the_other_is_written_down_each() -> None:
    silence = Silence(pattern="*", by="Ada", at=at(50), until=at(90))
    played = Played(QUIET, silences=(silence,)).find(found(1)).sweep(40, 55, 70, 80)
    muted = [entry.summary for entry in played.incident.timeline if entry.reason is IncidentReason.MUTED]
    assert muted == ["muted (opened): maintenance upgrade", "muted (opened): silenced by Ada"]


def test_an_incident_is_muted_only_when_all_its_targets_are() -> None:
    graph = Graph([Dependency(target=MODEL, needs="table/t")])
    played = Played(replace(QUIET, graph=graph)).find(found(1))
    assert played.told == []
    assert played.find(found(2, target="table/t")).told == ["opened"]


def test_a_part_of_another_incident_is_told_as_merged_where_it_was_heard_of() -> None:
    graph = Graph([Dependency(target=one, needs="table/t") for one in ("a", "b")])
    played = Played(replace(POLICY, graph=graph))
    played.find(found(0, target="a"), found(0.1, target="b"), found(0.2, target="table/t"))
    assert (played.told, played.why[-1]) == (["opened", "opened", "merged"], IncidentReason.MERGED)
    assert played.notifications[-1].incident.merged_into == played.incident.id
    assert played.incident.target == "table/t"
    played.sweep(5)
    assert played.told[3:] == ["escalated"]


def test_every_step_carries_its_reason_and_the_sequence_has_no_gap() -> None:
    played = Played().find(found(0)).sweep(5, 70).say(Verb.ACKNOWLEDGE, 71).find(found(80, RESOLVED))
    timeline = played.incident.timeline
    assert [entry.sequence for entry in timeline] == list(range(1, len(timeline) + 1))
    assert all(entry.reason for entry in timeline)
    assert [entry.summary for entry in timeline if entry.reason is IncidentReason.NOTIFIED] == [
        "opened: notified technical (inbox)",
        "acknowledged: notified everybody notified before (inbox, pager)",
        "resolved: notified everybody notified before (inbox, pager)",
    ]


def test_looking_again_changes_nothing() -> None:
    played = Played().find(found(0))
    assert played.sweep(1).state is played.sweep(2).state
