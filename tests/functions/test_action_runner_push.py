"""The action runner as Pub/Sub sees it: one endpoint, three subscriptions."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import UnavailableError
from core.events import Event, Severity, Stage, Tick, Verb
from core.settings import Settings
from functions.action_runner.main import build
from functions.adapters.events import encode
from functions.services.actions import INCIDENTS
from tests.support.fakes.automation import (
    INCIDENT,
    PLAYBOOK,
    REQUEST,
    RISKY,
    START,
    Setup,
    commanded,
    requested,
    set_up,
)
from tests.support.fakes.ports import MemoryPorts, Parked, posted, push

Deliver = Callable[[bytes], tuple[str, int]]


@pytest.fixture
def setup() -> Setup:
    return set_up()


@pytest.fixture
def parked() -> Parked:
    return Parked()


@pytest.fixture
def deliver(setup: Setup, parked: Parked) -> Deliver:
    setup.store.create(INCIDENTS, INCIDENT, requested(REQUEST, RISKY))
    ports = MemoryPorts(
        function="action_runner",
        settings=Settings(jobs={}, playbooks=(PLAYBOOK,)),
        store=setup.store,
        bus=setup.bus,
        metrics=setup.runner.metrics,
        clock=setup.runner.clock,
        park=parked,
    )
    endpoint = build(ports, setup.runner.actions)
    return lambda data: endpoint(posted(push(data, "2026-01-02T09:02:01Z")))


def test_requests_commands_and_ticks_come_to_one_endpoint(setup: Setup, deliver: Deliver, parked: Parked) -> None:
    for event in (REQUEST, RISKY, commanded(Verb.APPROVE, RISKY.id)):
        assert deliver(encode(event)) == ("", 204)
    assert setup.action.changed == [REQUEST.id, RISKY.id]
    setup.world.now = START.replace(minute=2)
    setup.incident(Severity.ERROR, is_open=False)
    for body in (b'{"type": "tick", "version": 1, "job": "action_runner"}', encode(Tick(job="x", scheduled_at=START))):
        assert deliver(body) == ("", 204)
    assert {case.stage for case in setup.cases()} == {Stage.VERIFIED}
    assert parked.reasons == []
    assert setup.world.counts["aia_function_requests_total", "action_runner", "done"] == 5


def test_what_a_retry_may_help_is_asked_for_again(setup: Setup, deliver: Deliver, parked: Parked) -> None:
    setup.action.applying = UnavailableError("run.googleapis.com: does not answer")
    assert deliver(encode(REQUEST))[1] == 503
    setup.action.applying = KeyError("a mistake in the action")
    assert deliver(encode(REQUEST))[1] == 500
    setup.action.applying = None
    assert deliver(encode(REQUEST))[1] == 204
    assert setup.case().stage is Stage.APPLIED
    assert parked.reasons == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "event: "),
        (b"\xff", "event: "),
        (b"[" * 5000, "event: "),
        (b'{"type": "finding", "version": 1}', "type: must be one of action_request, command, tick, got 'finding'"),
        (b'{"type": "tick", "version": 1}', "missing required field"),
        (encode(REQUEST).replace(b'"version":1', b'"version":2'), "version: action_request must be version 1, got 2"),
        (encode(replace(REQUEST, target=" ")), "target: must be 1 to 700 bytes"),
        (encode(replace(REQUEST, action="")), "action: must be 1 to 700 bytes"),
        (encode(replace(REQUEST, incident_id="__i__")), "incident_id: must be .* not starting with '__'"),
        (encode(replace(REQUEST, target="a\0b")), "target: must be .* printable text"),
        (encode(replace(REQUEST, target="t" * 690)), "^id: must be 1 to 700 bytes"),
        (encode(commanded(Verb.APPROVE, "")), "subject: must be 1 to 700 bytes"),
        (encode(commanded(Verb.REJECT, "s" * 701)), "subject: must be 1 to 700 bytes"),
        (encode(commanded(Verb.HALT, "restart")), r"subject: must be one of restart_service, .*, \*, got 'restart'"),
        (encode(commanded(Verb.RESUME, "")), r"subject: must be one of .*, got ''"),
        (encode(replace(commanded(Verb.RESUME, "*"), lifts="")), "lifts: must be the id of the halt that is lifted"),
        (
            encode(commanded(Verb.RESUME, "*", at=START + timedelta(days=365))),
            "at: must be at most 0:05:00 after it was",
        ),
    ],
)
def test_what_no_retry_can_help_is_parked_with_its_reason(
    setup: Setup, deliver: Deliver, parked: Parked, data: bytes, says: str
) -> None:
    assert deliver(data) == ("", 204)
    [reason] = parked.reasons
    assert re.search(says, reason)
    assert {collection for collection, _ in setup.world.documents} == {INCIDENTS}


@pytest.mark.parametrize(
    "event",
    [commanded(Verb.ACKNOWLEDGE, ""), commanded(Verb.SILENCE, "model/*"), commanded(Verb.HALT, "*", by="")],
    ids=lambda event: event.verb,
)
def test_words_for_others_are_taken_and_a_halt_of_nobody_is_heard(
    deliver: Deliver, parked: Parked, event: Event
) -> None:
    assert deliver(encode(event)) == ("", 204)
    assert parked.reasons == []


def test_a_decision_on_the_wire_is_a_row_of_its_table(setup: Setup) -> None:
    setup.give(REQUEST)
    table = Path(__file__).parents[2] / "infra" / "tables" / "ops.action_decisions.json"
    columns = [column["name"] for column in json.loads(table.read_bytes())["schema"]]
    for decision in setup.world.published:
        assert sorted(json.loads(encode(decision))) == sorted(columns)
