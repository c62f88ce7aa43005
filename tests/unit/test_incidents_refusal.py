"""A channel that refuses for good hands on to the next tier, once; who is not called is not called sooner."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.events import Severity
from core.incidents.lifecycle import record_refusal
from core.incidents.model import GroupState, Incident, IncidentReason, State
from core.incidents.notification import NotificationPlan, plan_notifications
from core.incidents.notified import EscalationState, NotificationState
from core.incidents.policy import IncidentPolicy
from core.incidents.refusal import hand_on
from core.incidents.routing import Silence
from core.settings import People, Person, Rotation, Route, Stakeholder, Tier

NOW = datetime(2026, 1, 5, 9, 1, tzinfo=UTC)
WAIT = timedelta(minutes=15)
ADA = Person(name="Ada", channels=("ada", "chat"))
PEOPLE = People(
    rotations={"on-call": Rotation(name="on-call", start=NOW, every=timedelta(days=7), people=(ADA,))},
    stakeholders={
        "technical": Stakeholder(
            name="technical",
            tiers=(
                Tier(to=("chat", "log"), wait=WAIT),
                Tier(to=("on-call",), wait=WAIT),
                Tier(to=("boss",), wait=WAIT),
            ),
        ),
        "operations": Stakeholder(
            name="operations", tiers=(Tier(to=("log",), wait=WAIT), Tier(to=("boss",), wait=WAIT))
        ),
    },
    routes=(Route(to=("technical", "operations")),),
)
POLICY = IncidentPolicy(people=PEOPLE)


def told(tier: int = 0, **fields: object) -> GroupState:
    """An incident of which the tiers were notified a minute ago."""
    at = NOW - timedelta(minutes=1)
    escalations = (
        EscalationState(stakeholder="technical", tier=tier, since=at),
        EscalationState(stakeholder="operations", tier=0, since=at),
    )
    notified = NotificationState(
        firing=True, severity=Severity.ERROR, at=at, count=1, channels=("chat", "log"), escalations=escalations
    )
    incident = Incident(
        id="i", target="model/m", title="x", state=State.OPEN, severity=Severity.ERROR, category="drift", opened_at=at
    )
    incident = replace(incident, notified=notified, **fields)  # type: ignore[arg-type]
    return GroupState(name="model/m", incidents=(incident,))


def refused(state: GroupState, channel: str = "chat", silences: tuple[Silence, ...] = ()) -> NotificationPlan:
    recorded = record_refusal(state, "i", channel=channel, detail="invalid_auth", at=NOW).state
    after = hand_on(recorded, "i", channel, people=PEOPLE, now=NOW)
    return plan_notifications(after, at=NOW, now=NOW, policy=POLICY, silences=silences)


def tiers(plan: NotificationPlan) -> list[int]:
    return [one.tier for one in plan.state.incidents[0].notified.escalations]


def test_a_refusal_notifies_the_next_tier_of_that_stakeholder_at_once() -> None:
    plan = refused(told())
    (notification,) = plan.notifications
    assert (notification.reason, notification.channels) == (IncidentReason.HANDED_ON, ("ada", "chat"))
    assert tiers(plan) == [1, 0]
    assert [entry.summary for entry in plan.state.incidents[0].timeline] == [
        "chat refused the message: invalid_auth",
        "refused: notified technical tier 2 (ada, chat)",
    ]


def test_the_tier_that_was_handed_on_to_has_its_own_time_to_acknowledge() -> None:
    state = refused(told()).state
    for minutes, due in ((14, []), (15, [("boss",)])):
        now = NOW + timedelta(minutes=minutes)
        plan = plan_notifications(state, at=now, now=now, policy=replace(POLICY, people=of_technical()))
        assert [one.channels for one in plan.notifications] == due


def of_technical() -> People:
    """The same, without the other stakeholder, whose own time is up a minute earlier."""
    return replace(PEOPLE, stakeholders={"technical": PEOPLE.stakeholders["technical"]})


def test_a_channel_of_several_stakeholders_hands_on_for_each() -> None:
    plan = refused(told(), "log")
    assert tiers(plan) == [1, 1]
    (notification,) = plan.notifications
    assert notification.channels == ("ada", "chat", "boss")


def test_a_channel_that_refuses_again_at_a_later_tier_has_handed_on_already() -> None:
    state = told(tier=1)
    recorded = record_refusal(state, "i", channel="chat", detail="invalid_auth", at=NOW).state
    assert hand_on(recorded, "i", "chat", people=PEOPLE, now=NOW) is recorded


def test_another_channel_of_the_later_tier_hands_on() -> None:
    assert tiers(refused(told(tier=1), "ada")) == [2, 0]


def test_the_last_tier_has_nobody_to_hand_on_to() -> None:
    """Or it would remind itself of what it refuses, for ever."""
    assert refused(told(tier=2), "boss").notifications == ()


@pytest.mark.parametrize("channel", ["boss", "none", ""])
def test_a_channel_of_no_tier_that_was_notified_hands_on_nothing(channel: str) -> None:
    assert refused(told(), channel).notifications == ()


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.ACKNOWLEDGED, "acknowledged_at": NOW, "acknowledged_by": "ada"},
        {"state": State.MITIGATED, "mitigated_at": NOW},
        {"state": State.RESOLVED, "resolved_at": NOW},
        {"severity": Severity.WARNING},
    ],
)
def test_what_somebody_has_or_calls_nobody_is_not_handed_on(fields: dict[str, object]) -> None:
    state = told(**fields)
    assert hand_on(state, "i", "chat", people=PEOPLE, now=NOW) is state


def test_an_incident_that_is_gone_changes_nothing() -> None:
    state = GroupState(name="model/m")
    assert hand_on(state, "i", "chat", people=PEOPLE, now=NOW) is state


def test_a_silence_holds_what_is_handed_on_until_it_ends() -> None:
    until = NOW + timedelta(minutes=5)
    silence = Silence(pattern="model/*", by="ada", at=NOW - timedelta(minutes=2), until=until)
    plan = refused(told(), silences=(silence,))
    assert plan.notifications == ()
    later = plan_notifications(plan.state, at=until, now=until, policy=POLICY)
    assert [one.channels for one in later.notifications] == [("ada", "chat")]
