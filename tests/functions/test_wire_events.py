"""Events on the wire: in a push body and out again, ours and those of others."""

import base64
import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import functions_framework
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PoisonError, UnknownVersionError
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
from functions.adapters import events
from functions.runtime.endpoint import read_tick
from functions.runtime.push import Message, read_push

if TYPE_CHECKING:
    from collections.abc import Callable

    import flask

PAYLOADS = Path(__file__).parents[1] / "payloads"
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
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = ("message", "messageId", "publishTime", "data", "attributes", "orderingKey", "subscription", "deliveryAttempt")
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


def altered(event: Event, **values: object) -> bytes:
    body: dict[str, Any] = json.loads(events.encode(event))
    return json.dumps(body | values).encode()


@given(EVENTS)
def test_an_event_comes_out_of_a_push_as_it_went_in(event: Event) -> None:
    message = read_push(push(events.encode(event)))
    assert events.decode(message.data, type(event)) == event


@given(EVENTS)
def test_the_same_event_is_always_the_same_bytes(event: Event) -> None:
    again = events.decode(events.encode(event), type(event))
    assert events.encode(again) == events.encode(event)
    assert json.loads(events.encode(event))["id"] == event.id


@given(EVENTS)
def test_no_field_of_an_event_hides_what_the_wire_says_of_it(event: Event) -> None:
    body = json.loads(events.encode(event))
    assert (body["type"], body["version"], body["id"]) == (event.TYPE, event.VERSION, event.id)


@pytest.mark.parametrize("name", GOLDEN)
def test_what_was_sent_by_this_version_is_read_for_ever(name: str) -> None:
    data = (PAYLOADS / name).read_bytes()
    event = GOLDEN[name]
    assert events.decode(data, type(event)) == event
    sent, then = json.loads(events.encode(event)), json.loads(data)
    assert sent | then == sent
    made = [field for field in fields(event) if field.default is not MISSING or field.default_factory is not MISSING]
    defaults = {field.name for field in made}
    assert sent.keys() - then.keys() <= defaults, "a field may only be added with a default"


@pytest.mark.parametrize("event", GOLDEN.values(), ids=lambda event: event.TYPE)
@pytest.mark.parametrize("version", [0, 2, 10**9])
def test_an_unknown_version_is_told_apart_and_never_guessed(event: Event, version: int) -> None:
    with pytest.raises(UnknownVersionError, match=rf"version: {event.TYPE} must be version 1, got {version}"):
        events.decode(altered(event, version=version), type(event))


def test_an_unknown_version_is_found_before_what_else_it_changed() -> None:
    with pytest.raises(UnknownVersionError):
        events.decode(b'{"type": "finding", "version": 2, "observations": []}', Finding)


@pytest.mark.parametrize("event", GOLDEN.values(), ids=lambda event: event.TYPE)
def test_a_field_that_this_version_does_not_know_is_passed_over(event: Event) -> None:
    assert events.decode(altered(event, added_later={"a": [1]}), type(event)) == event


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"type": "tick"}, "type: must be 'finding', got 'tick'"),
        ({"type": 1}, r"Expected `str`, got `int` - at `\$.type`"),
        ({"version": "1"}, r"Expected `int`, got `str` - at `\$.version`"),
        ({"value": "high"}, r"Expected `float \| null`, got `str` - at `\$.value`"),
        ({"status": "open"}, r"Invalid enum value 'open' - at `\$.status`"),
        ({"evidence": {"a": 1}}, r"Expected `str`, got `int` - at `\$.evidence\[...\]`"),
        ({"observed_at": "yesterday"}, r"Invalid RFC3339 encoded datetime - at `\$.observed_at`"),
        ({"observed_at": "2026-01-02T03:04:05"}, "observed_at: must carry a time zone, got 2026-01-02T03:04:05"),
        ({"target": None}, r"Expected `str`, got `null` - at `\$.target`"),
    ],
)
def test_what_is_wrong_with_an_event_is_told_with_its_path(values: dict[str, object], reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        events.decode(altered(GOLDEN["event_finding_v1.json"], **values), Finding)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"features": "carrier"}, r"Expected `array`, got `str` - at `\$.features`"),
        ({"features": [1]}, r"Expected `str`, got `int` - at `\$.features\[0\]`"),
        ({"n_labels": 0.5}, r"Expected `int`, got `float` - at `\$.n_labels`"),
        ({"window_end": "2025-11-02T15:15:00Z"}, "window_end: must be after 2025-11-02T15:15:00Z"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(values: dict[str, object], reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        events.decode(altered(GOLDEN["event_retraining_request_v1.json"], **values), RetrainingRequest)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(PoisonError, match="missing required field `scheduled_at`"):
        events.decode(b'{"type": "tick", "version": 1, "job": "x"}', Tick)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_data_is_an_event_or_poison(data: bytes) -> None:
    for kind in (Tick, Finding, IncidentChange, RetrainingRequest, Command, ActionRequest, ActionDecision, PipelineRun):
        with pytest.raises(PoisonError):
            events.decode(data, kind)


@given(st.binary() | st.dictionaries(st.sampled_from(NAMES), JSON).map(lambda value: json.dumps(value).encode()))
def test_any_body_that_is_no_envelope_is_poison(body: bytes) -> None:
    with pytest.raises(PoisonError, match=r"^push body: "):
        read_push(body)


@given(st.dictionaries(st.sampled_from(NAMES), JSON))
def test_any_message_in_an_envelope_is_opened_or_poison(message: dict[str, object]) -> None:
    body = json.dumps({"message": message}).encode()
    try:
        found = read_push(body)
    except PoisonError:
        return
    assert found.id == message["messageId"]


def test_the_envelope_keeps_what_the_subscription_says() -> None:
    message = read_push(push(b"{}", attributes={"job": "drift_score"}, orderingKey="k"))
    assert message == Message(
        id="7",
        data=b"{}",
        published_at=datetime(2026, 1, 2, 3, 16, 30, 500_000, tzinfo=UTC),
        attributes={"job": "drift_score"},
        ordering_key="k",
        subscription="findings",
        attempt=1,
    )


def test_an_attempt_is_counted_and_data_may_be_missing() -> None:
    body = json.loads(push(b""))
    del body["message"]["data"]
    message = read_push(json.dumps(body | {"deliveryAttempt": 4}).encode())
    assert (message.attempt, message.data) == (4, b"")


@pytest.mark.parametrize(
    ("name", "data", "attributes"),
    [
        ("gcp_ce_pubsub_MessagePublishedData_text.json", b"test message 3", {"attr1": "attr1-value"}),
        ("gcp_ce_pubsub_MessagePublishedData_binary.json", b"\x01\x02\x03\x04", {}),
    ],
)
def test_push_bodies_of_google_are_opened(name: str, data: bytes, attributes: dict[str, str]) -> None:
    message = read_push((PAYLOADS / name).read_bytes())
    assert (message.id, message.subscription) == ("message-id", "my-subscription")
    assert (message.data, message.attributes) == (data, attributes)
    assert message.published_at == datetime(2021, 2, 5, 4, 6, 14, 109_000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ff_pubsub_text_legacy_input.json", "missing required field `message`"),
        ("ff_pubsub_text_cloud_event_output.json", "missing required field `message`"),
        ("gcp_ce_structured_pubsub.json", "missing required field `message`"),
        ("gcm_pubsub_push_minimal_closed.json", "missing required field `messageId`"),
        ("gcm_pubsub_bad_base64.json", "missing required field `messageId`"),
    ],
)
def test_bodies_that_are_no_push_are_poison_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        read_push((PAYLOADS / name).read_bytes())


def test_data_that_is_no_base64_is_poison() -> None:
    bad = json.loads((PAYLOADS / "gcm_pubsub_bad_base64.json").read_bytes())["message"]["data"]
    with pytest.raises(PoisonError, match=r"message\.data must be base64"):
        read_push(push(b"", data=bad))


def test_data_that_is_no_json_object_is_poison() -> None:
    bad = json.loads((PAYLOADS / "gcm_pubsub_bad_json_data.json").read_bytes())["message"]["data"]
    with pytest.raises(PoisonError, match="Expected `object`, got `str`"):
        events.decode(read_push(push(b"", data=bad)).data, Finding)


@pytest.mark.parametrize(
    ("cron", "published", "due"),
    [
        ("*/15 * * * *", "2026-01-02T03:15:00Z", "2026-01-02T03:15:00Z"),
        ("*/15 * * * *", "2026-01-02T03:15:00.000001Z", "2026-01-02T03:15:00Z"),
        ("*/15 * * * *", "2026-01-02T03:29:59.999999Z", "2026-01-02T03:15:00Z"),
        ("* * * * *", "2026-01-02T03:16:59.9Z", "2026-01-02T03:16:00Z"),
        ("0 4 * * *", "2026-01-02T03:59:59Z", "2026-01-01T04:00:00Z"),
        ("0 4 * * mon", "2026-01-02T04:00:00Z", "2025-12-29T04:00:00Z"),
    ],
)
def test_a_tick_without_an_instant_is_for_the_newest_one_of_its_schedule(cron: str, published: str, due: str) -> None:
    message = read_push(push(b'{"type": "tick", "version": 1, "job": "x"}', publishTime=published))
    assert read_tick(message, cron) == Tick(job="x", scheduled_at=datetime.fromisoformat(due))


@given(
    st.sampled_from(["* * * * *", "*/15 * * * *", "7 */2 * * *", "0 4 * * 1-5"]),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - as above
)
def test_a_tick_is_due_before_it_is_published_and_the_same_when_it_comes_again(cron: str, published: datetime) -> None:
    def due(at: datetime) -> datetime:
        return read_tick(
            read_push(push(b'{"type":"tick","version":1,"job":"x"}', publishTime=at.isoformat())), cron
        ).scheduled_at

    first = due(published)
    assert first <= published
    assert due(first) == first
    assert (first.second, first.microsecond) == (0, 0)


def test_a_tick_that_says_its_instant_is_taken_at_its_word() -> None:
    body = events.encode(Tick(job="x", scheduled_at=datetime(2013, 1, 1, 0, 7, 3, tzinfo=UTC)))
    assert read_tick(read_push(push(body)), "* * * * *").scheduled_at == datetime(2013, 1, 1, 0, 7, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b'{"type": "tick", "version": 1}', b'{"type": "x", "version": 1, "job": "x"}']
)
def test_a_tick_that_is_none_is_poison(data: bytes) -> None:
    with pytest.raises(PoisonError):
        read_tick(read_push(push(data)), "* * * * *")


HTTP = "@functions_framework.http\ndef main(request):\n    seen.append(request.get_data())\n    return '', 204\n"
CLOUD_EVENT = "@functions_framework.cloud_event\ndef main(event):\n    seen.append(event)\n"


def answers(tmp_path: Path, source: str, kind: str, body: bytes) -> tuple[int, list[Any]]:
    """What the framework answers a push for a function of that signature, and what the function sees of it."""
    seen: list[Any] = []
    (tmp_path / "main.py").write_text(f"import functions_framework\nseen = functions_framework.seen\n{source}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(functions_framework, "seen", seen, raising=False)
        # what it knows of a function by its name would hold for the functions of other tests, too
        patch.setattr(functions_framework._function_registry, "REGISTRY_MAP", {})
        create_app: Callable[[str, str, str], flask.Flask] = functions_framework.create_app
        app = create_app("main", str(tmp_path / "main.py"), kind)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    return app.test_client().post("/", data=body, content_type="application/json").status_code, seen


ATTRIBUTES_ONLY = b'{"message": {"messageId": "7", "publishTime": "2026-01-02T03:16:30Z", "attributes": {"job": "x"}}, "subscription": "projects/p/subscriptions/s"}'


@pytest.mark.parametrize(
    ("body", "status"),
    [(ATTRIBUTES_ONLY, 400), (b'{"a": 1}', 400), (b"", 400), (b"{", 400), (b"null", 400), (b"[1]", 500), (b'"x"', 500)],
)
def test_as_cloud_events_some_bodies_would_come_again_for_days(tmp_path: Path, body: bytes, status: int) -> None:
    assert answers(tmp_path, CLOUD_EVENT, "cloudevent", body) == (status, [])
    assert answers(tmp_path, HTTP, "http", body) == (204, [body])


def test_as_a_cloud_event_a_message_loses_what_its_subscription_said(tmp_path: Path) -> None:
    body = push(b"{}", orderingKey="the-key", attributes={"job": "x"})
    body = json.dumps(json.loads(body) | {"deliveryAttempt": 4}).encode()
    status, [event] = answers(tmp_path, CLOUD_EVENT, "cloudevent", body)
    assert status == 200
    told = json.dumps([dict(event.get_attributes()), event.data])
    assert '"job": "x"' in told
    for lost in ("the-key", "subscriptions/findings", "deliveryAttempt"):
        assert lost not in told
    message = read_push(body)
    assert (message.ordering_key, message.subscription, message.attempt) == ("the-key", "findings", 4)
