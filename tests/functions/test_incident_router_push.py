"""The incident router as Pub/Sub sees it."""

from dataclasses import replace
from functools import partial

import pytest

from core.errors import UnavailableError
from core.events import Command, Severity, Verb
from functions.adapters.events import encode
from functions.incident_router.router import handle, read
from functions.runtime.endpoint import on_push
from tests.support.fakes.outside import (
    FINDING,
    Setup,
    changes,
    found,
    set_up,
)
from tests.support.fakes.ports import MemoryPorts, Parked, posted, push

ACKNOWLEDGE = Command(verb=Verb.ACKNOWLEDGE, subject="some-incident", by="ada", at=FINDING.observed_at)


@pytest.fixture
def setup() -> Setup:
    return set_up()


def respond(setup: Setup, data: bytes, park: Parked) -> tuple[str, int]:
    """Deliver a message."""
    ports = MemoryPorts(function="incident_router", metrics=setup.service.metrics, park=park)
    endpoint = on_push(ports, read=read, handle=partial(handle, setup.service))
    return endpoint(posted(push(data, "2026-01-02T09:00:01Z")))


def test_a_push_request_is_answered_when_all_is_done(setup: Setup) -> None:
    parked = Parked()
    assert respond(setup, encode(FINDING), parked) == ("", 204)
    assert changes(setup.world) == ["opened", "updated"]
    setup.channels["log"].fault = UnavailableError("channel log: down")
    assert respond(setup, encode(found(1, severity=Severity.CRITICAL)), parked)[1] == 503
    setup.channels["log"].fault = None
    assert respond(setup, encode(found(1, severity=Severity.CRITICAL)), parked)[1] == 204
    assert parked.reasons == []
    assert setup.world.counts["aia_function_requests_total", "incident_router", "done"] == 2


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "event: Input data was truncated"),
        (b'{"type": "tick", "version": 1}', "type: must be 'finding' or 'command' or 'action_decision', got 'tick'"),
        (encode(replace(ACKNOWLEDGE, verb=Verb.HALT)), "verb: must be one of acknowledge, "),
        (encode(replace(ACKNOWLEDGE, verb=Verb.SILENCE)), "until: must be after at"),
        (encode(replace(FINDING, target=" ")), "target: must be 1 to 300 bytes"),
        (encode(replace(FINDING, kind="k" * 301)), "kind: must be 1 to 300 bytes"),
        (encode(replace(FINDING, target="a\0b")), "target: must be 1 to 300 bytes of printable text"),
        (encode(replace(FINDING, target="__a__")), "not starting with '__'"),
        (encode(FINDING).replace(b"2026-", b"0001-"), "observed_at: must be a year 1971 to 9998"),
        (encode(FINDING).replace(b'"value":0.6', b'"value":1e999'), "finding"),
    ],
    ids=["empty", "other", "verb", "endless", "blank", "long", "control", "reserved", "ancient", "infinite"],
)
def test_what_no_retry_can_help_is_parked_with_its_reason(setup: Setup, data: bytes, says: str) -> None:
    parked = Parked()
    assert respond(setup, data, parked) == ("", 204)
    assert len(parked.reasons) == 1
    assert says in parked.reasons[0]
    assert setup.world.documents == {}
