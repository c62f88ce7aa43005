"""The explanation of an incident: each link of the chain with its reason, and what is not known of it."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from core.events import (
    ActionDecision,
    Change,
    DecisionKind,
    Delivered,
    Finding,
    Mode,
    Severity,
    Stage,
    Status,
)
from core.incidents.ladder import ActionLadder, LadderState
from core.incidents.measured import MeasuredLoss
from core.incidents.model import (
    Evidence,
    Impact,
    Incident,
    IncidentCondition,
    IncidentReason,
    OrdersAtRisk,
    State,
    TimelineEntry,
)
from core.incidents.notified import EscalationState, NotificationState
from core.incidents.policy import Graph, IncidentPolicy
from core.replay.chain import Link
from core.replay.explanation import Recorded, causes, explain
from core.replay.inputs import Input
from core.settings.people import Category, Hours, Override, People, Person, Rotation, Route, Stakeholder, Tier, When
from core.settings.response import ImpactPolicy
from core.settings.types import Dependency

AT = datetime(2026, 1, 6, 2, tzinfo=UTC)
NOW = AT + timedelta(minutes=20)
ID = "service-ml-20260106-d1dc3632"
FINDING = Finding(
    target="service/ml",
    kind="drift",
    status=Status.FIRING,
    severity=Severity.ERROR,
    observed_at=AT,
    source="drift_score",
    summary="departure_delay drifted",
    value=0.6,
    threshold=0.2,
    evidence={"departure_delay": "PSI 0.6"},
)
MEMBER = IncidentCondition(
    key="service/ml:drift",
    target="service/ml",
    kind="drift",
    status=Status.FIRING,
    severity=Severity.ERROR,
    observed_at=AT + timedelta(minutes=9),
    finding_id="service/ml:drift:2026-01-06T02:09:00Z",
    source="drift_score",
    summary="departure_delay drifted",
    value=0.7,
    threshold=0.2,
    evidence=(Evidence(name="departure_delay", text="PSI 0.7"),),
    category="drift",
    classification="kind contains drift",
)


def step(reason: IncidentReason, summary: str, *, cause: str = "", change: Change = Change.UPDATED) -> TimelineEntry:
    return TimelineEntry(sequence=1, at=AT, change=change, reason=reason, summary=summary, finding_id=cause)


OPENED = step(IncidentReason.FIRST_FIRING, FINDING.summary, cause=FINDING.id, change=Change.OPENED)
INCIDENT = Incident(
    id=ID,
    target="service/ml",
    title=FINDING.summary,
    state=State.OPEN,
    severity=Severity.ERROR,
    category="drift",
    opened_at=AT,
    targets=("service/ml",),
    conditions=(MEMBER.key,),
    timeline=(OPENED,),
)
KEPT = Input(
    kind=DecisionKind.FINDING,
    group="service/ml",
    revision=1,
    key=FINDING.id,
    event=FINDING,
    published_at=AT,
    decided_at=AT,
)
POLICY = IncidentPolicy()


def sent(waited: timedelta = timedelta(0), **fields: Any) -> Input:
    delivered = Delivered(
        **{"incident_id": ID, "outcome": "delivered", "target": "service/ml", "severity": "error"} | fields
    )
    return replace(KEPT, kind=DecisionKind.DELIVERY, event=delivered, decided_at=AT + waited)


def chapter(
    title: str,
    *,
    policy: IncidentPolicy = POLICY,
    members: Any = (MEMBER,),
    kept: Any = (),
    given: Any = None,
    **fields: Any,
) -> tuple[Link, ...]:
    """One chapter of what explains the incident with other fields."""
    recorded = Recorded(incident=replace(INCIDENT, **fields), members=members, kept=kept, **(given or {}))
    [links] = [one.links for one in explain(recorded, policy, NOW) if one.title == title]
    return links


def test_the_finding_that_opened_it_is_told_with_its_value_against_the_threshold() -> None:
    first, newest = chapter("What was found", kept=[KEPT, replace(KEPT, published_at=NOW)])
    assert first == Link(
        text="service/ml drift: firing, error, by drift_score: departure_delay drifted",
        why="Observed 0.6: 3.0 times the threshold of 0.2; departure_delay: PSI 0.6; changed the incident: opened (first firing)",
        at=AT,
    )
    assert (newest.at, newest.why) == (
        MEMBER.observed_at,
        "Observed 0.7: 3.5 times the threshold of 0.2; departure_delay: PSI 0.7",
    )


def test_a_history_that_does_not_answer_is_not_known_and_what_is_not_kept_is_told() -> None:
    *_, unknown = chapter("What was found", kept=None)
    assert (unknown.text, unknown.why) == ("1 earlier finding: not known", "the history does not answer")
    assert chapter("What was sent", kept=None)[0].text == "what became of messages: not known"
    *_, gone = chapter("What was found", kept=[])
    assert (gone.text, gone.why) == ("not kept: 1 earlier finding", FINDING.id)
    assert chapter("What was sent", kept=[]) == (Link(text="nothing"),)


def test_a_finding_that_a_route_grouped_is_found_by_what_it_was() -> None:
    people = People(routes=(Route(to=("technical",)), Route(group_by=("service",), to=())))
    pod = replace(FINDING, target="pod/a", kind="CrashLoop", labels={"service": "ml"})
    member = replace(
        MEMBER,
        key="service/ml:CrashLoop@pod/a",
        kind="CrashLoop@pod/a",
        finding_id="service/ml:CrashLoop@pod/a:2026-01-06T02:00:00Z",
    )
    entry = replace(OPENED, finding_id=member.finding_id)
    assert causes(replace(INCIDENT, timeline=(entry,)), [member]) == (pod.id,)
    given: Any = {"policy": IncidentPolicy(people=people), "members": [member], "timeline": (entry,)}
    [found] = chapter("What was found", kept=[replace(KEPT, event=pod)], **given)
    assert found.why.endswith("changed the incident: opened (first firing)")
    assert Link(text="pod/a are one target, service/ml", why="route 2 groups by service") in chapter(
        "Why it is one incident", **given
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "as the worst condition that fires"),
        (
            {
                "severity": Severity.CRITICAL,
                "impact": Impact(dollars_per_hour=500, low=1, high=2, targets=(), reason=""),
            },
            "raised from error by its impact: $500 an hour, critical is from $400 on",
        ),
        (
            {"severity": Severity.CRITICAL},
            "above error, the worst condition that fires: raised by an impact that is not known any more",
        ),
        ({"members": [replace(MEMBER, status=Status.RESOLVED)]}, "nothing of it fires; it keeps the last one"),
    ],
    ids=["condition", "impact", "unknown", "over"],
)
def test_the_severity_has_its_reason(fields: dict[str, Any], why: str) -> None:
    policy = IncidentPolicy(impact=ImpactPolicy(raises={Severity.CRITICAL: 400.0}))
    condition, incident = chapter("How it was classified", policy=policy, **fields)
    assert condition == Link(text="service/ml drift is drift, error", why="kind contains drift")
    assert incident.why == why


@pytest.mark.parametrize(
    ("dependencies", "why"),
    [
        ([Dependency(target="service/shop", needs="service/ml")], "it depends on service/ml by the settings"),
        ([Dependency(target="service/ml", needs="service/shop")], "service/ml depends on it by the settings"),
        ([], "the dependencies of the settings, as they are now, do not say"),
    ],
    ids=["downstream", "upstream", "unknown"],
)
def test_each_target_says_why_it_is_in_the_incident(dependencies: list[Dependency], why: str) -> None:
    joined = step(IncidentReason.JOINED, "p95 is 2.4 s")
    policy = IncidentPolicy(graph=Graph(dependencies))
    fields: Any = {"targets": ("service/ml", "service/shop"), "merged_into": "other-1", "timeline": (joined,)}
    root, shop, part, entry = chapter("Why it is one incident", policy=policy, **fields)
    assert (root.why, shop.text) == ("the others depend on it, as far as is known", "service/shop is in it")
    assert shop.why.startswith(why)
    assert (part.text, entry) == ("it is a part of other-1", Link(text="joined: p95 is 2.4 s", at=AT))


def test_costs_have_their_arithmetic_or_are_not_known() -> None:
    [unknown] = chapter("What it costs")
    assert unknown.text == "at risk: not known"
    orders = OrdersAtRisk(orders="shop", share=0.25, dollars=500)
    impact = Impact(dollars_per_hour=500, low=375, high=625, targets=(), reason="shop: 25% of $2,000", orders=(orders,))
    loss = MeasuredLoss(
        dollars=90,
        low=80,
        high=100,
        usual=100,
        actual=10,
        since=AT,
        until=NOW,
        orders=("shop",),
        shared=False,
        final=False,
    )
    risk, shop, lost = chapter("What it costs", impact=impact, given={"loss": loss})
    assert risk == Link(text="at risk: $500 an hour, 90% interval $375 to $625", why="shop: 25% of $2,000")
    assert shop == Link(text="orders of shop: $500 an hour", why="25% of what is usual")
    assert lost.text.startswith("lost by orders: $90")


ADA, BOB = Person(name="Ada", channels=("ada-phone",)), Person(name="Bob", channels=("bob-phone",))
ROTATION = Rotation(
    name="on-call",
    start=datetime(2026, 1, 1, tzinfo=UTC),
    every=timedelta(days=7),
    people=(ADA, BOB),
    overrides=(Override(start=AT, until=AT + timedelta(hours=1), person="Bob"),),
)
TECHNICAL = Stakeholder(
    name="technical",
    tiers=(Tier(to=("inbox",), wait=timedelta(minutes=5)), Tier(to=("on-call",), wait=timedelta(minutes=15))),
)
OTHER = When(
    severity=frozenset({Severity.CRITICAL}),
    category=frozenset({Category.COST}),
    targets=("model/*",),
    dollars_per_hour=1000.0,
    hours=Hours(since=time(9), until=time(17)),
)
PEOPLE = People(
    rotations={"on-call": ROTATION},
    stakeholders={"technical": TECHNICAL},
    routes=(Route(to=("technical",)), Route(when=OTHER, to=())),
)
TOLD = NotificationState(
    firing=True,
    escalations=(
        EscalationState(stakeholder="technical", tier=1, since=AT),
        EscalationState(stakeholder="executive", tier=0, since=AT),
    ),
)


def test_who_was_to_be_told_has_the_steps_the_tiers_and_every_route() -> None:
    steps = (
        step(IncidentReason.NOTIFIED, "opened: notified technical (inbox)"),
        step(IncidentReason.NOT_ACKNOWLEDGED, "not acknowledged: notified technical tier 2 (bob-phone)"),
    )
    policy = IncidentPolicy(people=PEOPLE)
    told, escalated, technical, executive, one, two = chapter(
        "Who was to be notified", policy=policy, timeline=steps, notified=TOLD
    )
    assert (told, escalated.why) == (Link(text=steps[0].summary, at=AT), "nobody acknowledged the tier before in time")
    assert technical == Link(
        text="technical has reached tier 2 of 2: on-call (now Bob: bob-phone, instead of Ada)",
        why="next at 2026-01-06 03:00 UTC, unless somebody acknowledges",
        at=AT,
    )
    assert executive.text == "executive has reached tier 1 (no longer in the settings)"
    assert one == Link(text="route 1 of the settings now, to technical", why="matches: every incident")
    assert two == Link(
        text="route 2 of the settings now, to nobody: only the page shows it",
        why="does not match severity critical, category cost, target model/*, from $1,000 an hour, 09:00 to 17:00 UTC: "
        "it is error; it is drift; its root is service/ml; its impact is not known; it is 2026-01-06 02:20 UTC",
    )


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": State.ACKNOWLEDGED, "acknowledged_by": "Ada", "notified": replace(TOLD, acknowledged=True)}, "Ada owns it"),
        ({"severity": Severity.WARNING}, "no further tier is notified: warning does not escalate"),
        ({"state": State.RESOLVED, "notified": replace(TOLD, firing=False)}, "it is over, answered or muted"),
    ],
    ids=["owned", "severity", "over"],
)  # fmt: skip
def test_where_nobody_else_is_notified_it_says_why(fields: dict[str, Any], why: str) -> None:
    links = chapter("Who was to be notified", policy=IncidentPolicy(people=PEOPLE), **{"notified": TOLD} | fields)
    assert why in next(link.why for link in links if link.text.startswith("technical"))


def test_a_mute_and_settings_without_routes_are_reasons() -> None:
    muted = replace(TOLD, mute_reason="silenced by Ada: rebuilt", escalations=())
    mute, routes = chapter("Who was to be notified", notified=muted)
    assert (mute.text, mute.why) == ("nobody is notified at the moment", "silenced by Ada: rebuilt")
    assert routes.text == "no route is in the settings: only the page shows incidents"


def test_messages_say_what_came_of_them_and_how_long_they_waited() -> None:
    page: Any = {"channel": "pager", "change": "opened", "title": FINDING.summary}
    kept = [
        KEPT,
        sent(**page),
        sent(timedelta(minutes=3), **page | {"outcome": "refused", "detail": "invalid key", "title": "now worse"}),
        sent(**page | {"incident_id": "other"}),
        sent(action="retrain_model", mode="dry_run"),
    ]
    first, second = chapter("What was sent", kept=kept)
    assert first == Link(text="pager: opened error, delivered", at=AT)
    assert (second.text, second.why) == (
        "pager: opened error, refused 3 min after the decision: now worse",
        "the channel answered: invalid key",
    )


def test_actions_have_their_guard_rails() -> None:
    ladder = ActionLadder(playbook="retrain", sequence=1, at=AT, rung=1, state=LadderState.WAITING)
    decided = ActionDecision(
        request_id="r",
        sequence=1,
        incident_id=ID,
        action="retrain_model",
        target="model/m",
        mode=Mode.ACT,
        stage=Stage.AWAITING,
        reason="needs_approval",
        at=AT,
        plan="train m",
        rung="1 of 2",
        by="Ada",
    )
    kept = [sent(action="retrain_model", target="model/m", mode="act")]
    playbook, asked, decision = chapter("What was done", kept=kept, ladders=(ladder,), given={"actions": [decided]})
    assert playbook == Link(text="playbook retrain: 1 action so far, waiting", at=AT)
    assert asked.text == "retrain_model on model/m asked for (act): delivered"
    assert decision == Link(
        text="retrain_model on model/m (1 of 2), act: awaiting approval by Ada", why="needs approval; train m", at=AT
    )
