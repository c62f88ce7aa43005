"""A night as it may be, in the store of the pages."""

from datetime import datetime, timedelta

from core.actions.plan import Plan, Step
from core.events import Change, Severity, Status
from core.incidents.model import Evidence, Impact, IncidentReason, State, TimelineEntry
from core.incidents.notified import EscalationState, NotificationState
from core.incidents.routing import Silence
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture


def fill(office: ApiFixture, now: datetime) -> None:
    """A night as it may be: two open incidents, one mitigated, two over; an action that waits, and one planned."""

    def ago(*, minutes: int = 0, hours: int = 0) -> datetime:
        return now - timedelta(minutes=minutes, hours=hours)

    asked = pages.request("endpoint-churn-20261123-aaaa0001", "rollback_model", "model/churn", ago(minutes=12))
    trained = pages.request(
        "model-flight-delay-20261123-aaaa0002", "retrain_model", "model/flight-delay", ago(minutes=40)
    )
    plan = Plan(
        summary="endpoint churn: 100% of the traffic from model 7 back to model 6",
        steps=(
            Step(what="traffic to model 6", before="0%", after="100%"),
            Step(what="traffic to model 7", before="100%", after="0%"),
        ),
        touched=1,
        state={"secret": "only the action understands this"},
    )
    again = Plan(
        summary="train flight-delay on 60 days with 81,204 labels",
        steps=(Step(what="version", before="3", after="4"),),
        touched=1,
    )
    office.case(pages.awaiting(asked, plan, ago(minutes=12)))
    office.case(pages.dry(trained, again, ago(minutes=40)))
    office.keep(
        pages.incident(
            asked.incident_id,
            [
                pages.condition(
                    "model/churn",
                    "accuracy",
                    Severity.CRITICAL,
                    ago(minutes=2),
                    "churn is right in 71% of its answers, 85% are agreed on",
                    value=0.71,
                    threshold=0.85,
                    unit="ratio",
                    runbook="models.md#accuracy",
                    evidence=(
                        Evidence(name="labels", text="2,114 arrived in the last day"),
                        Evidence(name="segment", text="plan = trial is right in 48%"),
                    ),
                ),
                pages.condition(
                    "endpoint/churn",
                    "p95_latency",
                    Severity.ERROR,
                    ago(minutes=1),
                    "p95 of endpoint churn is 2.4 s",
                    value=2.4,
                    threshold=0.5,
                    unit="seconds",
                    source="Cloud Monitoring",
                ),
                pages.condition(
                    "table/telemetry.churn",
                    "data_quality",
                    Severity.WARNING,
                    ago(minutes=5),
                    "tenure: 6.4% of the rows are missing",
                    value=0.064,
                    threshold=0.025,
                    unit="ratio",
                    status=Status.RESOLVED,
                ),
            ],
            ago(minutes=14),
            category="model_quality",
            classification="its kind is accuracy; raised to critical by the impact",
            impact=Impact(
                dollars_per_hour=4200.0,
                low=3100.0,
                high=5300.0,
                targets=("model/churn", "stream/retention"),
                reason="stream/retention: half of $6,000 an hour; model/churn: $1,200",
            ),
            notified=NotificationState(
                firing=True,
                severity=Severity.CRITICAL,
                at=ago(minutes=14),
                count=2,
                channels=("technical", "log", "ada"),
                escalations=(EscalationState(stakeholder="technical", tier=1, since=ago(minutes=8)),),
            ),
            timeline=(
                TimelineEntry(
                    sequence=1,
                    at=ago(minutes=14),
                    change=Change.OPENED,
                    reason=IncidentReason.FIRST_FIRING,
                    summary="p95 of endpoint churn is 2.4 s",
                ),
                TimelineEntry(
                    sequence=2,
                    at=ago(minutes=12),
                    change=Change.ESCALATED,
                    reason=IncidentReason.WORSENED,
                    summary="churn is right in 71% of its answers, 85% are agreed on",
                ),
                TimelineEntry(
                    sequence=3,
                    at=ago(minutes=12),
                    change=Change.UPDATED,
                    reason=IncidentReason.ACTION,
                    summary="rollback_model on model/churn awaiting approval: needs approval",
                    finding_id=f"{asked.id}:2",
                ),
                TimelineEntry(
                    sequence=4,
                    at=ago(minutes=8),
                    change=Change.UPDATED,
                    reason=IncidentReason.NOT_ACKNOWLEDGED,
                    summary="technical: tier 2 is notified",
                ),
            ),
        )
    )
    office.keep(
        pages.incident(
            trained.incident_id,
            [
                pages.condition(
                    "model/flight-delay",
                    "drift",
                    Severity.ERROR,
                    ago(minutes=10),
                    "flight-delay: 3 features drifted; first, departure_delay: PSI 0.61",
                    value=0.61,
                    threshold=0.2,
                    runbook="models.md#drift",
                )
            ],
            ago(minutes=44),
            state=State.ACKNOWLEDGED,
            acknowledged_at=ago(minutes=31),
            acknowledged_by="Grace",
            classification="its kind is drift",
            impact=Impact(
                dollars_per_hour=600.0,
                low=450.0,
                high=750.0,
                targets=("model/flight-delay",),
                reason="model/flight-delay: half of $1,200 an hour",
            ),
            notified=NotificationState(
                firing=True, severity=Severity.ERROR, at=ago(minutes=44), count=1, channels=("technical", "log")
            ),
            timeline=(
                TimelineEntry(
                    sequence=1,
                    at=ago(minutes=44),
                    change=Change.OPENED,
                    reason=IncidentReason.FIRST_FIRING,
                    summary="flight-delay: 3 features drifted; first, departure_delay: PSI 0.61",
                ),
                TimelineEntry(
                    sequence=2,
                    at=ago(minutes=40),
                    change=Change.UPDATED,
                    reason=IncidentReason.ACTION,
                    summary="retrain_model on model/flight-delay planned (dry run)",
                    finding_id=f"{trained.id}:1",
                ),
                TimelineEntry(
                    sequence=3,
                    at=ago(minutes=31),
                    change=Change.ACKNOWLEDGED,
                    reason=IncidentReason.COMMAND,
                    summary="Grace: looking at the carriers",
                ),
            ),
        )
    )
    for number, (hours, cancelled) in enumerate([(5, False), (30, True)]):
        ended = ago(hours=hours)
        office.keep(
            pages.incident(
                f"probe-db-2026112{number}-aaaa000{number + 3}",
                [
                    pages.condition(
                        "probe/db",
                        "down",
                        Severity.ERROR,
                        ended,
                        "db does not accept connections",
                        status=Status.RESOLVED,
                    )
                ],
                ended - timedelta(minutes=17),
                category="availability",
                state=State.RESOLVED,
                resolved_at=ended,
                cancelled=cancelled,
                acknowledged_by="Ada",
            )
        )
    office.silence(
        Silence(
            pattern="table/staging.*",
            by="Grace",
            at=ago(hours=1),
            until=now + timedelta(hours=3),
            note="it is being rebuilt",
        )
    )
