"""pipeline_monitor on its way through a push request: what is read, what is parked, and what hostile bodies do."""

import json
import random
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import PoisonError
from core.events import PipelineRun, RunStatus
from functions.adapters.events import encode
from functions.adapters.pipelines import fitted, pipeline_data, read_pipeline
from functions.adapters.store import normal
from functions.pipeline_monitor.main import build
from functions.pipeline_monitor.read import Logged, read
from functions.runtime.push import Message
from tests.support.builders.budget import examples
from tests.support.builders.hostile import mutated, spoilt
from tests.support.builders.runs import line_of, told, whole
from tests.support.fakes.pipelines import World
from tests.support.fakes.ports import MemoryPorts, Parked, push

if TYPE_CHECKING:
    from flask.testing import FlaskClient

pytest_plugins = ["tests.support.servers.framework"]
PAYLOADS = Path(__file__).parents[1] / "payloads"
CRON = "* * * * *"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
MUTATIONS = 3000


@dataclass
class Deployed:
    """The function behind its framework."""

    client: "FlaskClient"
    world: World = field(default_factory=World)
    park: Parked = field(default_factory=Parked)

    def post(self, body: bytes) -> int:
        monitor = self.world.monitor
        ports = MemoryPorts(
            function="pipeline_monitor",
            store=monitor.store,
            bus=monitor.bus,
            warehouse=monitor.warehouse,
            metrics=monitor.metrics,
            park=self.park,
            cron=CRON,
            project=monitor.project,
        )
        answer = {"answer": build(ports, monitor.jobs)}
        return self.client.post("/", data=body, environ_overrides=answer).status_code

    @property
    def parked(self) -> list[str]:
        return self.park.reasons


@pytest.fixture
def deployed(framework: "FlaskClient") -> Deployed:
    return Deployed(framework)


def message(data: bytes, published_at: datetime = NOON) -> Message:
    return Message(id="7", data=data, published_at=published_at)


def payload(name: str, **values: Any) -> bytes:
    body = json.loads((PAYLOADS / name).read_bytes())
    return json.dumps(body | values).encode()


# What the guide tells a runner to publish


class Publisher:
    """Google's client, which here keeps what is published."""

    def __init__(self) -> None:
        self.published: list[bytes] = []

    def publish(self, topic: str, data: bytes) -> "Publisher":
        assert topic == "projects/aia-local/topics/pipeline-runs"
        self.published.append(data)
        return self

    def result(self) -> None:
        pass


def test_the_guide_tells_of_a_run_that_failed(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "docs" / "pipelines.md").read_text(encoding="utf-8")
    [sample] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    publisher = Publisher()
    monkeypatch.setattr("google.cloud.pubsub_v1.PublisherClient", lambda: publisher)
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    exec(sample, {})
    now = datetime.now(UTC).isoformat()
    assert [deployed.post(push(data, now)) for data in publisher.published] == [204] * len(publisher.published)
    [finding] = deployed.world.outside.published
    assert finding.summary.endswith("failed in join: MemoryError: 14 GiB asked for, 8 GiB are there")
    assert {(stage, row["seconds"] > 700) for (_, _, stage), row in deployed.world.outside.rows.items()} == {
        ("", True),
        ("join", True),
    }
    assert deployed.world.gauge("running", "nightly-features") == 0


# What is read


def test_a_run_comes_in_by_its_event(deployed: Deployed) -> None:
    for event in whole(0, 10, read=3):
        assert deployed.post(push(encode(event))) == 204
    assert deployed.world.gauge("run_seconds") == 600
    assert deployed.parked == []


def test_a_job_comes_in_by_its_log(deployed: Deployed) -> None:
    for state, second in (("RUNNING", 0), ("FAILED", 90)):
        at = f"2026-01-02T03:{second // 60:02d}:{second % 60:02d}.254713912Z"
        body = json.loads(payload("vertex_pipeline_job_event.json", timestamp=at))
        body["jsonPayload"]["state"] = f"PIPELINE_STATE_{state}"
        assert deployed.post(push(json.dumps(body).encode())) == 204
    line = deployed.world.line("train-flight-delay")
    assert (line.runs[0].run_id, line.runs[0].span.seconds) == ("train-flight-delay-20260102024510", 90)
    assert deployed.world.outside.asked == [
        "projects/aia-local/locations/europe-west1/pipelineJobs/train-flight-delay-20260102024510"
    ]


def test_the_smallest_event_is_enough() -> None:
    data = {"type": "pipeline_run", "version": 1, "pipeline": "etl", "run_id": "1", "status": "failed"}
    found = read(message(json.dumps(data | {"observed_at": "2026-01-02T13:00:00+02:00"}).encode()), CRON)
    assert found == PipelineRun(
        pipeline="etl", run_id="1", status=RunStatus.FAILED, observed_at=datetime(2026, 1, 2, 11, tzinfo=UTC)
    )


def test_an_error_is_kept_in_one_line_of_bounded_length() -> None:
    found = read(message(encode(told(RunStatus.FAILED, error="a\n\x1b[31mb\u202e" + "x" * 5000))), CRON)
    assert isinstance(found, PipelineRun)
    assert found.error.startswith("a [31mb xxx")
    assert len(found.error) == 300


@pytest.mark.parametrize(
    ("state", "status"),
    [("QUEUED", None), ("PENDING", None), ("RUNNING", "running"), ("PAUSED", "running"), ("CANCELLING", "running")]
    + [(status.upper(), status) for status in ("succeeded", "failed", "cancelled")],
)
def test_every_state_of_a_job_is_known(state: str, status: str | None) -> None:
    body = json.loads(payload("vertex_pipeline_job_event.json"))
    body["jsonPayload"]["state"] = f"PIPELINE_STATE_{state}"
    found = read(message(json.dumps(body).encode()), CRON)
    assert isinstance(found, Logged)
    assert (found.event and found.event.status.value) == status
    assert (found.location, found.job_id) == ("europe-west1", "train-flight-delay-20260102024510")


def test_a_job_without_the_name_of_its_pipeline_is_called_by_its_id_without_the_stamp() -> None:
    body = json.loads(payload("vertex_pipeline_job_event.json"))
    del body["jsonPayload"]["pipelineName"]
    found = read(message(json.dumps(body).encode()), CRON)
    assert isinstance(found, Logged)
    assert found.event is not None
    assert found.event.pipeline == "train-flight-delay"


# What is parked


def run(**values: object) -> bytes:
    return payload("event_pipeline_run_v1.json", **values)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "message: must be a JSON object"),
        (b"[]", "message: must be a JSON object"),
        (b"{}", "event: Object missing required field `type`"),
        (
            b'{"type": "finding", "version": 1}',
            "type: must be 'pipeline_run', 'registry_change' or 'tick', got 'finding'",
        ),
        (run(cpu_peak=1.2), "cpu_peak: must be 0 to 1, got 1.2"),
        (run(after=[str(number) for number in range(51)]), "after: must have at most 50 stages, got 51"),
        (run(after=["read", ""]), "after[1]: must be 1 to 128 bytes"),
        (run(machine="x" * 129), "machine: must be 1 to 128 bytes"),
        (payload("vertex_pipeline_logentry_minimal.json"), "log entry: Object missing required field `timestamp`"),
        (
            payload("vertex_pipeline_job_event.json", jsonPayload={"state": "PIPELINE_STATE_UNSPECIFIED"}),
            "log entry: jsonPayload.state must be one of PIPELINE_STATE_QUEUED, ",
        ),
        (
            payload("vertex_pipeline_job_event.json", timestamp="0001-01-01T00:00:00Z"),
            "log entry: observed_at: must be",
        ),
        (payload("vertex_pipeline_job_event.json", timestamp="2026-01-02T12:11:00Z"), "observed_at: must not be after"),
        (run(version=2), "version: pipeline_run must be version 1, got 2"),
        (run(status="done"), "status: must be one of running, succeeded, cancelled, failed, got 'done'"),
        (run(pipeline=""), "pipeline: must be 1 to 128 bytes of printable text, not starting with '__', got ''"),
        (run(pipeline="__x"), "pipeline: must be 1 to 128 bytes"),
        (run(pipeline="é" * 65), "pipeline: must be 1 to 128 bytes"),
        (run(run_id="a\nb"), "run_id: must be 1 to 256 bytes of printable text"),
        (run(stage="x" * 129), "stage: must be 1 to 128 bytes"),
        (run(observed_at="2026-01-02T12:10:01Z"), "observed_at: must not be after 2026-01-02T12:00:00Z"),
        (run(ended_at="2026-01-02T12:10:01Z"), "ended_at: must not be after 2026-01-02T12:00:00Z"),
        (run(started_at="2026-01-02T03:14:59.5Z"), "started_at: must not be after 2026-01-02T03:14:59Z"),
    ],
)
def test_what_no_retry_can_help_is_parked_with_its_reason(deployed: Deployed, data: bytes, reason: str) -> None:
    assert deployed.post(push(data)) == 204
    [parked] = deployed.parked
    assert reason in parked
    assert deployed.world.outside.documents == {}
    assert deployed.world.outside.counts["aia_function_requests_total", "pipeline_monitor", "parked"] == 1


def test_the_clock_of_a_runner_may_be_a_little_ahead() -> None:
    assert isinstance(read(message(run(observed_at="2026-01-02T12:09:59Z")), CRON), PipelineRun)


@pytest.mark.parametrize("name", ["event_pipeline_run_v1.json", "vertex_pipeline_job_event.json"])
def test_no_body_however_distorted_breaks_it(name: str) -> None:
    rng = random.Random(20261126)
    saved = (PAYLOADS / name).read_bytes()
    tree, read_well = json.loads(saved), 0
    for number in range(MUTATIONS):
        data = json.dumps(mutated(rng, tree)).encode() if number % 4 else saved
        data = spoilt(rng, data) if number % 4 == 0 else data
        try:
            found = read(message(data), CRON)
        except PoisonError:
            continue
        event = found.event if isinstance(found, Logged) else found
        if isinstance(event, PipelineRun):
            world = World()
            world.give(event)
            assert world.line(event.pipeline).runs
            read_well += 1
    assert 100 < read_well < MUTATIONS


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(max_examples=examples(200))
def test_any_bytes_are_an_event_or_poison(data: bytes) -> None:
    with pytest.raises(PoisonError):
        read(message(data), CRON)


def test_the_largest_message_is_answered(deployed: Deployed) -> None:
    assert deployed.post(push(encode(told(RunStatus.FAILED, error="x" * 9_000_000)))) == 204
    assert len(deployed.world.line().runs[0].span.error) == 300
    assert deployed.post(push(run(pipeline="x" * 9_000_000))) == 204
    assert deployed.post(push(b"[" * 5_000_000)) == 204
    assert len(deployed.parked) == 2


def test_runs_of_many_stages_that_all_fail_with_long_errors_fit_a_document() -> None:
    line = line_of(
        told(RunStatus.FAILED, 1440 * number, run=f"r{number}", stage=f"{stage:03d}" + "é" * 62, error="é" * 300)
        for number in range(50)
        for stage in range(50)
    )
    kept = read_pipeline(normal(pipeline_data(fitted(line))))
    assert kept.runs[-1] == line.runs[-1]
    assert 10 < len(kept.runs) < len(line.runs)
