"""The body of a push: what is opened, and what is poison with its reason."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import functions_framework
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PoisonError
from core.events import (
    ActionDecision,
    ActionRequest,
    Command,
    Finding,
    IncidentChange,
    PipelineRun,
    RetrainingRequest,
    Tick,
)
from functions.adapters import events
from functions.runtime.endpoint import read_tick
from functions.runtime.push import Message, read_push
from tests.support.builders.wire_events import PAYLOADS, push

if TYPE_CHECKING:
    from collections.abc import Callable

    import flask

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


NAMES = ("message", "messageId", "publishTime", "data", "attributes", "orderingKey", "subscription", "deliveryAttempt")


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
