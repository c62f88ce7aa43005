"""What holds of every function that takes push requests: one suite, so that none of it is repeated for each of them."""

import json
import logging
from datetime import timedelta
from typing import Any

import pytest

from functions.runtime.endpoint import HEARTBEAT
from functions.runtime.ports import Ports
from infra import stage
from tests.support.builders.budget import boundaries
from tests.support.fakes.deployed import Case, Deployed
from tests.support.fakes.functions import CASES
from tests.support.fakes.ports import push

TAKEN = [
    pytest.param(case, data, id=f"{case.name}-{number}") for case in CASES for number, data in enumerate(case.takes)
]
BROKEN = [
    b"{}",
    push(b""),
    push(b"\xff"),
    push(b"[" * 5000),
    push(b'{"type": "tick", "version": 9, "job": "x", "scheduled_at": "2026-01-02T03:04:00Z"}'),
    push(b"{}", publishTime="then"),
]
LEASE = timedelta(minutes=6)
"""Longer than any claim lasts."""
every = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def is_tick(data: bytes) -> bool:
    return b'"type":"tick"' in data


def is_part_of_sweep(data: bytes) -> bool:
    return b'"type":"sweep_batch"' in data


JOBS = [case for case in CASES if is_tick(case.takes[-1])]


def heartbeat(deployed: Deployed) -> float | None:
    return deployed.outside.gauges.get((HEARTBEAT, deployed.case.name))


def undisturbed(case: Case, data: bytes) -> Deployed:
    """The function after one delivery of a message that it takes."""
    deployed = Deployed(case)
    assert deployed.deliver(data) == 204
    return deployed


def test_no_function_is_left_out() -> None:
    assert {case.name for case in CASES} == {
        name for name, deployed in stage.deployment()["functions"].items() if deployed["triggers"]
    }


def test_the_twin_has_every_port_and_no_other() -> None:
    deployed, twin = Ports("api"), Deployed(CASES[0]).ports("api")
    assert {name for name in dir(twin) if name[0] != "_"} == {name for name in dir(deployed) if name[0] != "_"}


@pytest.mark.parametrize(("case", "data"), TAKEN)
def test_a_message_is_acted_on_counted_and_acknowledged(case: Case, data: bytes) -> None:
    deployed = undisturbed(case, data)
    assert deployed.outcomes() == {"done": 1}
    assert deployed.outside.flushes == 1
    assert deployed.outside.gauges["aia_function_seconds", case.name] > 0
    assert deployed.outside.parked == []
    assert heartbeat(deployed) == (case.now.timestamp() if is_tick(data) else None)
    assert deployed.outside.effects() != Deployed(case).outside.effects()


@pytest.mark.parametrize(("case", "data"), TAKEN)
def test_a_message_that_is_delivered_again_has_the_effect_of_once(case: Case, data: bytes) -> None:
    deployed = undisturbed(case, data)
    effects = deployed.outside.effects()
    assert [deployed.deliver(data) for _ in range(3)] == [204] * 3
    assert deployed.outside.effects() == effects
    assert deployed.outcomes() == {"done": 4}


@pytest.mark.parametrize(("case", "data"), TAKEN)
def test_while_nothing_outside_answers_it_comes_again_and_is_done_then(case: Case, data: bytes) -> None:
    deployed = Deployed(case)
    deployed.outside.fail()
    assert deployed.deliver(data) == 503
    assert deployed.outcomes() == {"unavailable": 1}
    assert deployed.outside.flushes == 1
    assert deployed.outside.parked == []
    assert heartbeat(deployed) is None
    deployed.outside.answer()
    assert deployed.deliver(data) == 204
    assert deployed.outside.effects() == undisturbed(case, data).outside.effects()


@pytest.mark.parametrize(("case", "data"), TAKEN)
def test_whichever_call_is_not_answered_nothing_is_lost(case: Case, data: bytes) -> None:
    """A call that changes something may be carried out though its answer is lost, and a claim stays until its lease ends."""
    whole = Deployed(case)
    before = whole.outside.boundaries
    assert whole.deliver(data) == 204
    for boundary in boundaries(whole.outside.boundaries - before):
        deployed = Deployed(case)
        deployed.outside.fail(boundary)
        assert deployed.deliver(data) in (204, 503)
        deployed.outside.answer()
        deliver_until_told(deployed, data, whole.outside.told())
        assert deployed.outside.parked == []


def deliver_until_told(deployed: Deployed, data: bytes, wanted: set[tuple[str, str]]) -> None:
    """As Pub/Sub does what was not acknowledged; a tick is followed by the next one in any case, a sweep as well."""
    for _ in range(4):
        status = deployed.deliver(data)
        if deployed.outside.told() >= wanted:
            return
        assert status != 204 or is_tick(data) or is_part_of_sweep(data)
        deployed.outside.now += LEASE
    pytest.fail(f"never detected: {wanted - deployed.outside.told()}")


def changed_by_parking(deployed: Deployed) -> dict[str, Any]:
    """What was done, but for the one finding about what was parked, where the function publishes one."""
    effects = deployed.outside.effects()
    if deployed.case.tells:
        [(topic, data)] = effects["published"]
        assert (topic, json.loads(data)["kind"].partition(".")[0]) == ("findings", deployed.case.tells)
        effects["published"] = set()
    return effects


@every
def test_what_carries_nothing_that_it_takes_is_parked_with_its_reason(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    data, reason = case.refuses
    deployed = Deployed(case)
    effects = deployed.outside.effects()
    assert deployed.deliver(data) == 204
    [row] = deployed.outside.parked
    assert reason in row["reason"]
    assert (row["function"], row["message_id"], row["subscription"]) == (case.name, "7", "s")
    assert changed_by_parking(deployed) == effects
    assert deployed.outcomes()["parked"] == 1
    assert deployed.outside.flushes == 1
    [line] = [record for record in caplog.records if record.getMessage().startswith("parked: ")]
    assert line.fields == {"function": case.name, "message_id": "7"}
    assert line.levelno == logging.WARNING


@every
@pytest.mark.parametrize("body", BROKEN, ids=range(len(BROKEN)))
def test_a_broken_body_is_parked_and_changes_nothing(case: Case, body: bytes) -> None:
    deployed = Deployed(case)
    effects = deployed.outside.effects()
    assert deployed.post(body) in (200, 204)  # a webhook is answered with 200
    assert len(deployed.outside.parked) == 1
    assert changed_by_parking(deployed) == effects
    assert heartbeat(deployed) is None


@every
def test_what_cannot_be_parked_comes_again(case: Case) -> None:
    deployed = Deployed(case)
    deployed.outside.fail()
    assert deployed.deliver(case.refuses[0]) == 503
    deployed.outside.answer()
    assert deployed.deliver(case.refuses[0]) == 204
    assert len(deployed.outside.parked) == 1


@every
def test_only_posts_are_taken(case: Case) -> None:
    deployed = Deployed(case)
    assert deployed.post(b"", method="GET") == 405
    assert (deployed.outside.parked, deployed.outcomes()) == ([], {})


@pytest.mark.parametrize("case", JOBS, ids=lambda case: case.name)
def test_the_scheduler_says_no_instant_and_the_tick_is_for_the_newest_that_was_due(case: Case) -> None:
    deployed = Deployed(case)
    body = json.dumps({"type": "tick", "version": 1, "job": case.name}).encode()
    assert deployed.deliver(body) == 204
    assert heartbeat(deployed) == case.now.timestamp()
    assert deployed.outside.effects() == undisturbed(case, case.takes[-1]).outside.effects()
