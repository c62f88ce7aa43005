"""What `aia demo` says of a stack where not everything happened."""

import time
import urllib.error
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from rich.console import Console

from core.events import Tick
from infra import stage
from infra.local import session_token
from infra.local.demo import _table, _verdict
from infra.local.outcome import Outcome, Step, post
from infra.local.ports import Ports
from tests.support.servers.stack import LocalStack, eventually, free_ports, fresh, midnight


@pytest.mark.timeout(480)
def test_a_step_that_did_not_happen_is_named_and_fails_the_demo(stack: LocalStack) -> None:
    ticks = tuple(midnight(days) for days in range(stack.days))
    never = midnight() + timedelta(seconds=1)
    unreachable = free_ports(("prometheus",))
    outcome = Outcome(Ports(stack.ports | unreachable), stack.warehouse, (*ticks, never))
    taken_care_of(stack)
    without = {"metrics in Prometheus", "business", "what visitors see", "pipelines"}

    expected = {"windows scored", *without}

    steps: list[Step] = []

    def missing() -> set[str]:
        steps[:] = outcome.steps(steps)
        return {step.name for step in steps if not step.ok}

    assert settled(missing, expected) == expected, steps
    console = Console(record=True, width=200)
    console.print(_table(steps))
    assert _verdict(console, outcome, steps, 1.0) == 1
    said = console.export_text()
    assert f"did not happen: windows scored: {stack.days} of {stack.days + 1} ticks" in said
    assert "did not happen: metrics in Prometheus: URLError" in said
    assert said.splitlines()[-1] == "demo: failed missing=5 seconds=1"


def settled(missing: Callable[[], Iterable[str]], expected: set[str], *, within: float = 150.0) -> set[str]:
    """What is missing as soon as it is just what is expected, or at the end of the time: some metrics take theirs."""
    deadline = time.monotonic() + within
    while (found := set(missing())) != expected and time.monotonic() < deadline:
        time.sleep(2)
    return found


def taken_care_of(stack: LocalStack) -> None:
    """Acknowledge an incident, and have the time measured that it took, as the demo does."""
    finding = fresh(target="service/taken-care-of")
    stack.publish("findings", finding)
    [incident] = eventually(lambda: stack.incidents(finding.target), "incident")
    acknowledge = f"{stack.url('page')}/v1/incidents/{incident['id']}/acknowledge"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        post(acknowledge, {"by": "ada"})
    post(acknowledge, {}, token=session_token.read(stack.folder))
    eventually(lambda: stack.get(f"/v1/incidents/{incident['id']}")["acknowledged_at"], "acknowledgement")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    at = now - timedelta(minutes=now.minute % 5)
    stack.publish("ticks", Tick(job="incident_sweep", scheduled_at=at), job="incident_sweep")


def test_every_job_is_heard_of_soon_after_the_start(stack: LocalStack) -> None:
    """What ticks every quarter of an hour would be taken for silent until then."""
    jobs = set(yaml.load((stage.ROOT / "infra" / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)["jobs"])
    query = "max by (function) (last_over_time(aia_heartbeat_timestamp_seconds[1h]))"
    silent = settled(lambda: jobs - stack.prometheus(query).keys(), set(), within=60.0)
    assert not silent, f"no heartbeat of {sorted(silent)}"


def test_the_first_tick_of_a_model_is_measured_before_its_next_one(stack: LocalStack) -> None:
    """What a shard measures is sent with the shard: the next request of the function may be a quarter of an hour away."""
    query = "max by (model) (last_over_time(aia_drift_scored_timestamp_seconds[1h]))"
    recent = (datetime.now(UTC) - timedelta(minutes=40)).timestamp()
    eventually(lambda: max(stack.prometheus(query).values(), default=0) > recent, "live drift of the model")
