"""Events of every kind as they go over the wire: any, and one of each as it was sent by this version."""

import base64
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import strategies as st

from core.events import (
    ActionDecision,
    ActionRequest,
    Change,
    Command,
    DecisionKind,
    Event,
    Finding,
    IncidentChange,
    IncidentDecision,
    Mode,
    PipelineRun,
    RegistryChange,
    RetrainingRequest,
    RunStatus,
    Severity,
    Stage,
    Status,
    Tick,
    Verb,
)

PAYLOADS = Path(__file__).parents[2] / "payloads"


OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


INSTANTS = st.datetimes(min_value=datetime(1971, 1, 3), max_value=datetime(2100, 1, 1), timezones=OFFSETS)  # noqa: DTZ001 - the zone is drawn apart


NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)


TICKS = st.builds(Tick, job=st.text(), scheduled_at=INSTANTS)


FINDINGS = st.builds(
    Finding,
    target=st.text(),
    kind=st.text(),
    status=st.sampled_from(Status),
    severity=st.sampled_from(Severity),
    observed_at=INSTANTS,
    source=st.text(),
    summary=st.text(),
    value=NUMBERS,
    threshold=NUMBERS,
    unit=st.text(),
    evidence=st.dictionaries(st.text(), st.text(), max_size=3),
    runbook=st.text(),
    holds_until=st.none() | INSTANTS,
)


CHANGES = st.builds(
    IncidentChange,
    incident_id=st.text(),
    sequence=st.integers(1, 2**53),
    at=INSTANTS,
    change=st.sampled_from(Change),
    state=st.text(),
    severity=st.sampled_from(Severity),
    target=st.text(),
    title=st.text(),
    reason=st.text(),
    finding_id=st.text(),
    summary=st.text(),
)


REQUESTS = st.builds(
    lambda window, **values: RetrainingRequest(window_start=window[0], window_end=window[1], **values),
    window=st.lists(INSTANTS, min_size=2, max_size=2, unique=True).map(sorted),
    model=st.text(),
    model_version=st.text(),
    requested_at=INSTANTS,
    reason=st.text(),
    n_labels=st.integers(0, 2**53),
    features=st.lists(st.text(), max_size=3).map(tuple),
    accuracy=NUMBERS,
    floor=NUMBERS,
)


COMMANDS = st.builds(
    Command,
    verb=st.sampled_from(Verb),
    subject=st.text(),
    by=st.text(),
    at=INSTANTS,
    note=st.text(),
    until=st.none() | INSTANTS,
)


ACTION_REQUESTS = st.builds(
    ActionRequest,
    incident_id=st.text(),
    sequence=st.integers(1, 2**53),
    action=st.text(),
    target=st.text(),
    requested_at=INSTANTS,
    mode=st.sampled_from(Mode),
    playbook=st.text(),
    reason=st.text(),
    severity=st.sampled_from(Severity),
)


DECISIONS = st.builds(
    ActionDecision,
    request_id=st.text(),
    sequence=st.integers(1, 2**53),
    incident_id=st.text(),
    action=st.text(),
    target=st.text(),
    mode=st.sampled_from(Mode),
    stage=st.sampled_from(Stage),
    reason=st.text(),
    at=INSTANTS,
    plan=st.text(),
    detail=st.text(),
    by=st.text(),
)


RUNS = st.builds(
    PipelineRun,
    pipeline=st.text(),
    run_id=st.text(),
    status=st.sampled_from(RunStatus),
    observed_at=INSTANTS,
    stage=st.text(),
    error=st.text(),
)


RECORDS = st.builds(
    IncidentDecision,
    kind=st.sampled_from(DecisionKind),
    incident_group=st.text(),
    revision=st.integers(0, 2**53),
    event_id=st.text(),
    target=st.text(),
    event=st.text(),
    published_at=INSTANTS,
    decided_at=INSTANTS,
)


EVENTS: st.SearchStrategy[Event] = (
    TICKS | FINDINGS | CHANGES | REQUESTS | COMMANDS | ACTION_REQUESTS | DECISIONS | RUNS | RECORDS
)


AT = datetime(2026, 1, 2, 3, 15, tzinfo=UTC)


GOLDEN: dict[str, Event] = {
    "event_tick_v1.json": Tick(job="drift_score", scheduled_at=AT),
    "event_finding_v1.json": Finding(
        target="model/flight-delay",
        kind="drift",
        status=Status.FIRING,
        severity=Severity.ERROR,
        observed_at=AT.replace(microsecond=250_000),
        source="drift_score",
        summary="3 of 12 features of flight-delay drifted",
        value=0.25,
        threshold=0.1,
        unit="ratio",
        evidence={"temperature": "psi 1.9, at most 0.1", "carrier": "chi2 p 0.0001"},
        runbook="models.md#drift",
    ),
    "event_incident_change_v1.json": IncidentChange(
        incident_id="model/flight-delay@2026-01-02T03:15:00Z",
        sequence=1,
        at=AT,
        change=Change.OPENED,
        state="open",
        severity=Severity.ERROR,
        target="model/flight-delay",
        title="flight-delay drifted",
        reason="new",
        finding_id="model/flight-delay:drift:2026-01-02T03:15:00.250000Z",
        summary="3 of 12 features of flight-delay drifted",
    ),
    "event_incident_decision_v1.json": IncidentDecision(
        kind=DecisionKind.COMMAND,
        incident_group="model/flight-delay",
        revision=4,
        event_id="acknowledge:model-flight-delay-20260102-90e2220c:2026-01-02T03:15:00Z",
        target="model-flight-delay-20260102-90e2220c",
        event='{"verb":"acknowledge","by":"anna"}',
        published_at=AT,
        decided_at=AT.replace(microsecond=250_000),
    ),
    "event_retraining_request_v1.json": RetrainingRequest(
        model="flight-delay",
        model_version="3",
        requested_at=AT,
        reason="below_floor",
        window_start=datetime(2025, 11, 2, 15, 15, tzinfo=UTC),
        window_end=datetime(2026, 1, 1, 15, 15, tzinfo=UTC),
        n_labels=48_211,
        features=("departure_delay", "carrier"),
        accuracy=0.8125,
        floor=0.85,
    ),
    "event_command_v1.json": Command(
        verb=Verb.SILENCE,
        subject="model/*",
        by="anna",
        at=AT,
        note="we train it again tonight",
        until=AT + timedelta(hours=8),
    ),
    "event_action_request_v1.json": ActionRequest(
        incident_id="model/flight-delay@2026-01-02T03:15:00Z",
        sequence=1,
        action="rollback_model",
        target="model/flight-delay",
        requested_at=AT,
        mode=Mode.ACT,
        playbook="roll back what fell",
        reason="model_quality, critical",
        severity=Severity.CRITICAL,
    ),
    "event_action_decision_v1.json": ActionDecision(
        request_id="model/flight-delay@2026-01-02T03:15:00Z:1:rollback_model:model/flight-delay",
        sequence=3,
        incident_id="model/flight-delay@2026-01-02T03:15:00Z",
        action="rollback_model",
        target="model/flight-delay",
        mode=Mode.ACT,
        stage=Stage.APPROVED,
        reason="person_approved",
        at=AT + timedelta(minutes=4),
        plan="endpoint flights: 100 % of the traffic from model 7 back to model 6",
        by="anna",
    ),
    "event_pipeline_run_v1.json": PipelineRun(
        pipeline="nightly-features",
        run_id="nightly-features-20260102-0",
        status=RunStatus.FAILED,
        observed_at=AT,
        stage="join",
        started_at=AT - timedelta(minutes=12, seconds=30),
        ended_at=AT - timedelta(seconds=1),
        error="MemoryError: 14.2 GiB asked for, 8 GiB are there",
    ),
    "event_registry_change_v1.json": RegistryChange(registry="mlflow", model="flight-delay", number="8", changed_at=AT),
}


def push(content: bytes, **extra: object) -> bytes:
    """The body of a push request, as Pub/Sub sends it: both spellings of two names."""
    message = {
        "data": base64.b64encode(content).decode(),
        "messageId": "7",
        "message_id": "7",
        "publishTime": "2026-01-02T03:16:30.5Z",
        "publish_time": "2026-01-02T03:16:30.5Z",
    }
    return json.dumps({"message": message | extra, "subscription": "projects/p/subscriptions/findings"}).encode()
