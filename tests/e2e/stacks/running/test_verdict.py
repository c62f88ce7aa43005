"""What `aia demo` says of a stack where not everything happened."""

import time
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from rich.console import Console

from core.events import Tick
from infra import stage
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
    steps = settled(outcome, expected)
    assert {step.name: step.found for step in steps if not step.ok}.keys() == expected, steps
    console = Console(record=True, width=200)
    console.print(_table(steps))
    assert _verdict(console, outcome, steps, 1.0) == 1
    said = console.export_text()
    assert f"did not happen: windows scored: {stack.days} of {stack.days + 1} ticks" in said
    assert "did not happen: metrics in Prometheus: URLError" in said
    assert said.splitlines()[-1] == "demo: failed missing=5 seconds=1"


def settled(outcome: Outcome, missing: set[str], *, within: float = 150.0) -> list[Step]:
    """The steps as soon as just these are missing, or as they are at the end: some metrics take their time."""
    deadline = time.monotonic() + within
    steps = outcome.steps()
    while {step.name for step in steps if not step.ok} != missing and time.monotonic() < deadline:
        time.sleep(2)
        steps = outcome.steps()
    return steps


def taken_care_of(stack: LocalStack) -> None:
    """Acknowledge an incident, and have the time measured that it took, as the demo does."""
    finding = fresh(target="service/taken-care-of")
    stack.publish("findings", finding)
    [incident] = eventually(lambda: stack.incidents(finding.target), "incident")
    post(f"{stack.url('page')}/api/incidents/{incident['id']}/acknowledge", {"by": "ada"})
    eventually(lambda: stack.get(f"/api/incidents/{incident['id']}")["acknowledged_at"], "acknowledgement")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    at = now - timedelta(minutes=now.minute % 5)
    stack.publish("ticks", Tick(job="incident_sweep", scheduled_at=at), job="incident_sweep")


def test_every_job_is_heard_of_soon_after_the_start(stack: LocalStack) -> None:
    """What ticks every quarter of an hour would be taken for silent until then."""
    jobs = set(yaml.safe_load((stage.ROOT / "infra" / "monitoring.yaml").read_text())["jobs"])
    query = "max by (function) (last_over_time(aia_heartbeat_timestamp_seconds[1h]))"
    eventually(lambda: set(stack.prometheus(query)) >= jobs, "heartbeat of every job")
