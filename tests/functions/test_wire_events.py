"""Events on the wire: in a push body and out again, ours and those of others."""

import json
from dataclasses import MISSING, fields
from typing import Any

import pytest
from hypothesis import given

from core.errors import PoisonError, UnknownVersionError
from core.events import (
    Event,
    Finding,
    RetrainingRequest,
    Tick,
)
from functions.adapters import events
from functions.runtime.push import read_push
from tests.support.builders.wire_events import EVENTS, GOLDEN, PAYLOADS, push


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
        ({"type": 1}, "finding: type: must be `str`, got 1"),
        ({"version": "1"}, "finding: version: must be `int`, got '1'"),
        ({"value": "high"}, r"finding: value: must be `float \| null`, got 'high'"),
        ({"status": "open"}, "finding: status: must be one of firing, resolved, got 'open'"),
        ({"evidence": {"a": 1}}, r"finding: evidence\[...\]: must be `str`"),
        (
            {"observed_at": "yesterday"},
            "observed_at: must be an instant with its time zone, as '2026-01-02T03:04:05Z', got 'yesterday'",
        ),
        ({"observed_at": "2026-01-02T03:04:05"}, "observed_at: must carry a time zone, got 2026-01-02T03:04:05"),
        ({"target": None}, r"finding: target: must be `str`, got null"),
    ],
)
def test_what_is_wrong_with_an_event_is_told_with_its_path(values: dict[str, object], reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        events.decode(altered(GOLDEN["event_finding_v1.json"], **values), Finding)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"features": "carrier"}, r"features: must be `array`, got 'carrier'"),
        ({"features": [1]}, r"features\[0\]: must be `str`, got 1"),
        ({"n_labels": 0.5}, r"n_labels: must be `int`, got 0.5"),
        ({"window_end": "2025-11-02T15:15:00Z"}, "window_end: must be after 2025-11-02T15:15:00Z"),
    ],
)
def test_what_is_wrong_with_a_request_is_told(values: dict[str, object], reason: str) -> None:
    with pytest.raises(PoisonError, match=reason):
        events.decode(altered(GOLDEN["event_retraining_request_v1.json"], **values), RetrainingRequest)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(PoisonError, match="missing required field `scheduled_at`"):
        events.decode(b'{"type": "tick", "version": 1, "job": "x"}', Tick)
