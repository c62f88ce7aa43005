"""The local server of Vertex AI's pipelines, by Google's client: it runs compiled pipelines, keeps jobs, and refuses what Vertex AI does."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.api_core import exceptions as api
from google.cloud.aiplatform_v1.services.pipeline_service import PipelineServiceClient
from google.cloud.aiplatform_v1.services.pipeline_service.transports.grpc import PipelineServiceGrpcTransport
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState
from kfp import compiler, dsl

from core.events import PipelineRun, RunStatus
from functions.adapters.events import decode
from functions.adapters.vertex_runs import job_events
from functions.pipeline_monitor.read import read_entry
from infra.local.vertex import steps
from infra.local.vertex.change import TaskChange
from infra.local.vertex.entries import entries
from infra.local.vertex.jobs import Jobs
from infra.local.vertex.runner import STOPPED, Runner
from infra.local.vertex.service import Service, handlers
from infra.local.vertex.templates import Template, Templates
from infra.training.locked import IMAGE
from infra.training.steps.template import template_of

PARENT = "projects/p/locations/europe-west1"
ADDRESS = "https://europe-west1-kfp.pkg.dev/p/pipelines/halve/v1"
LONGEST = 40


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def half(number: int, job: str, rest: dsl.Output[dsl.Artifact]) -> int:
    """Halve a number, or fail; the rest is the job that it is of."""
    from pathlib import Path  # noqa: PLC0415 - KFP takes the source of the function alone

    if number % 2:
        raise ValueError(f"number: must be even, got {number}")
    Path(rest.path).write_text(job)
    return number // 2


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def wait(number: int) -> None:
    """Last so many seconds."""
    import time  # noqa: PLC0415 - as above

    time.sleep(number)


@dsl.pipeline(name="halve")
def halve(number: int, label: str = "") -> None:
    wait(number=half(number=number, job=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER).outputs["Output"])


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    file = tmp_path_factory.mktemp("template") / "halve.yaml"
    compiler.Compiler().compile(halve, str(file))
    return Template(file, f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}")


class Running:
    """A server over a folder, which is not published anywhere: the entries stay in its file."""

    def __init__(self, folder: Path, template: Template) -> None:
        self.jobs = Jobs(folder / "jobs.sqlite", entries)
        templates = Templates(folder, {"halve": template})
        self.runner = Runner(self.jobs, templates, folder / "runs")
        self.runner.start()
        self.server = grpc.server(ThreadPoolExecutor(2))
        self.server.add_generic_rpc_handlers((handlers(Service(self.jobs, templates, self.runner)),))
        port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        self.endpoint = f"127.0.0.1:{port}"
        channel = grpc.insecure_channel(self.endpoint)
        self.client = PipelineServiceClient(transport=PipelineServiceGrpcTransport(channel=channel))

    def stop(self) -> None:
        self.server.stop(0).wait()
        self.runner.stop()
        self.jobs.close()

    def create(self, job_id: str = "one", *, number: int = 0, **fields: Any) -> PipelineJob:
        job = {
            "display_name": "halve",
            "template_uri": ADDRESS,
            "runtime_config": {"gcs_output_directory": "gs://b/f", "parameter_values": {"number": number}},
        } | fields
        return self.client.create_pipeline_job(parent=PARENT, pipeline_job=job, pipeline_job_id=job_id)

    def get(self, job_id: str = "one") -> PipelineJob:
        return self.client.get_pipeline_job(name=f"{PARENT}/pipelineJobs/{job_id}")

    def until(self, is_so: Callable[[PipelineJob], bool], job_id: str = "one") -> PipelineJob:
        deadline = time.monotonic() + LONGEST
        while not is_so(job := self.get(job_id)):
            assert time.monotonic() < deadline, job
            time.sleep(0.1)
        return job

    def ended(self, job_id: str = "one") -> PipelineJob:
        return self.until(lambda job: job.end_time is not None, job_id)

    def told(self) -> list[dict[str, Any]]:
        """The log entries, without what is said of the use of machines."""
        return [entry for _, data in self.jobs.unpublished() if "logName" in (entry := json.loads(data))]


Start = Callable[[], Running]


@pytest.fixture
def start(tmp_path: Path, template: Template) -> Iterator[Start]:
    with ExitStack() as stack:

        def started() -> Running:
            running = Running(tmp_path, template)
            stack.callback(running.stop)
            return running

        yield started


@pytest.fixture
def server(start: Start) -> Running:
    return start()


def test_a_job_runs_the_compiled_pipeline_and_says_what_became_of_its_tasks(
    server: Running, template: Template
) -> None:
    created = server.create(number=2, labels={"aia-model": "churn"})
    assert (created.state.name, created.template_metadata.version) == ("PIPELINE_STATE_PENDING", template.version)
    job = server.ended()
    assert job.state.name == "PIPELINE_STATE_SUCCEEDED", job.error
    first, second = job.job_detail.task_details
    assert [(task.task_name, task.state.name) for task in (first, second)] == [
        ("half", "SUCCEEDED"),
        ("wait", "SUCCEEDED"),
    ]
    [artifact] = first.outputs["rest"].artifacts
    assert Path(artifact.uri).read_text() == created.name
    assert (second.end_time - second.start_time).total_seconds() >= 1
    told = [(entry["logName"].rpartition("F")[2], entry["jsonPayload"]["state"]) for entry in server.told()]
    assert told == [
        ("pipeline_job_events", "PIPELINE_STATE_PENDING"),
        ("pipeline_job_events", "PIPELINE_STATE_RUNNING"),
        *[("pipeline_job_task_events", state) for state in ("RUNNING", "SUCCEEDED", "RUNNING", "SUCCEEDED")],
        ("pipeline_job_events", "PIPELINE_STATE_SUCCEEDED"),
    ]


def test_the_monitor_reads_what_is_told(server: Running) -> None:
    server.create(number=1)
    job = server.ended()
    logged = [read_entry(json.dumps(entry).encode()) for entry in server.told()]
    assert [one.event and one.event.status for one in logged if not one.of_task] == [
        None,
        RunStatus.RUNNING,
        RunStatus.FAILED,
    ]
    assert {(one.location, one.job_id) for one in logged} == {("europe-west1", "one")}
    assert logged[-1].event is not None
    whole, stage = job_events(job, logged[-1].event)
    assert (whole.pipeline, whole.status, whole.stage) == ("halve", RunStatus.FAILED, "")
    assert (stage.stage, stage.error) == ("half", "ValueError: number: must be even, got 1")
    assert whole.error == "half: ValueError: number: must be even, got 1"


def test_what_runs_is_cancelled_and_what_waits_as_well(server: Running) -> None:
    server.create("long", number=60)
    server.create("next", number=60)
    server.until(lambda job: len(job.job_detail.task_details) == 2, "long")
    for name in ("long", "next"):
        server.client.cancel_pipeline_job(name=f"{PARENT}/pipelineJobs/{name}")
    job = server.ended("long")
    assert (job.state.name, job.job_detail.task_details[1].state.name) == ("PIPELINE_STATE_CANCELLED", "CANCELLED")
    assert server.ended("next").start_time is None
    with pytest.raises(api.FailedPrecondition, match="is in state PIPELINE_STATE_CANCELLED and cannot be canceled"):
        server.client.cancel_pipeline_job(name=f"{PARENT}/pipelineJobs/long")


def test_a_restart_loses_nothing(start: Start) -> None:
    first = start()
    first.create("long", number=60)
    first.create("next", number=0)
    first.until(lambda job: job.state == PipelineState.PIPELINE_STATE_RUNNING, "long")
    first.stop()
    second = start()
    assert (second.ended("long").state.name, second.get("long").error.message) == ("PIPELINE_STATE_FAILED", STOPPED)
    assert second.ended("next").state.name == "PIPELINE_STATE_SUCCEEDED"
    assert second.told()[0]["resource"]["labels"]["pipeline_job_id"] == "long"


def test_an_id_is_given_once(server: Running) -> None:
    server.create()
    with pytest.raises(api.AlreadyExists):
        server.create()
    assert len(server.jobs.every()) == 1


@pytest.mark.parametrize(
    ("job_id", "fields", "message"),
    [
        ("Upper", {}, "pipeline_job_id: must match"),
        ("one", {"labels": {"aia-model": "Churn"}}, "labels: must be small letters, digits, dashes and underscores"),
        ("one", {"template_uri": "gs://b/pipeline.yaml"}, "template_uri: must be https://REGION-kfp.pkg.dev"),
        ("one", {"template_uri": ADDRESS.replace("halve", "other")}, r"template_uri: must name one of \['halve'\]"),
        ("one", {"template_uri": ADDRESS.replace("v1", f"sha256:{'0' * 64}")}, "halve must be sha256:"),
        ("one", {"runtime_config": {"parameter_values": {"number": 0}}}, "gcs_output_directory: must be gs://"),
        ("one", {"state": PipelineState.PIPELINE_STATE_RUNNING}, "state: must not be given"),
    ],
)
def test_what_vertex_ai_refuses_is_refused(server: Running, job_id: str, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(api.InvalidArgument, match=message):
        server.create(job_id, **fields)
    assert server.jobs.every() == []


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, r"must have \['number'\]"),
        ({"number": 1, "more": 2}, r"got \['more'\]"),
        ({"number": "two"}, "number: must be NUMBER_INTEGER, got 'two'"),
    ],
)
def test_parameters_are_those_of_the_pipeline(server: Running, values: dict[str, Any], message: str) -> None:
    config = {"gcs_output_directory": "gs://b/f", "parameter_values": values}
    with pytest.raises(api.InvalidArgument, match=message):
        server.create(runtime_config=config)


def test_lists_are_filtered_masked_paged_and_newest_first(server: Running) -> None:
    for number in range(3):
        server.create(f"job-{number}", number=1, labels={"part": str(number % 2)})

    def names(**request: Any) -> list[str]:
        found = server.client.list_pipeline_jobs(request={"parent": PARENT, **request})
        return [job.name.rpartition("/")[2] for job in found]

    newest = {"order_by": "create_time desc"}
    assert names(**newest) == ["job-2", "job-1", "job-0"]
    assert names(**newest, page_size=1) == ["job-2", "job-1", "job-0"]
    assert names(filter='labels.part="0" AND display_name="halve"', **newest) == ["job-2", "job-0"]
    assert names(filter='display_name="other"') == []
    [shown, *_] = server.client.list_pipeline_jobs(request={"parent": PARENT, "read_mask": {"paths": ["name"]}})
    assert (bool(shown.name), shown.display_name) == (True, "")
    for wrong in ({"filter": "name:x"}, {"order_by": "state"}, {"read_mask": {"paths": ["nothing"]}}):
        with pytest.raises(api.InvalidArgument):
            names(**wrong)


def test_what_is_not_there_is_not_found(server: Running) -> None:
    with pytest.raises(api.NotFound):
        server.get("nothing")


def test_a_run_learns_which_template_its_tag_was_resolved_to(
    server: Running, template: Template, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIA_VERTEX_ENDPOINT", server.endpoint)
    created = server.create(number=1)
    assert created.template_uri.endswith("/v1")
    assert template_of(created.name) == template.version
    assert template_of(f"{PARENT}/pipelineJobs/none", patience=0.3) == ""
    monkeypatch.setenv("AIA_VERTEX_ENDPOINT", "127.0.0.1:1")
    assert template_of(created.name, patience=0.3) == ""


@pytest.mark.parametrize(("state", "cpu", "told"), [("SUCCEEDED", 0.3, 1), ("SUCCEEDED", None, 0), ("FAILED", 0.3, 0)])
def test_what_a_task_used_is_told_as_an_event_about_its_stage(state: str, cpu: float | None, told: int) -> None:
    at = datetime(2026, 1, 2, 3, tzinfo=UTC)
    job: Any = PipelineJob(name=f"{PARENT}/pipelineJobs/one", pipeline_spec={"pipelineInfo": {"name": "halve"}})
    steps.apply(job, TaskChange(task="half", state="RUNNING", at=at))
    before: Any = PipelineJob(job)
    steps.apply(job, TaskChange(task="half", state=state, at=at + timedelta(minutes=1), cpu_peak=cpu, memory_peak=0.2))
    found = [decode(entry, PipelineRun) for entry in entries(before, job) if b"logName" not in entry]
    assert len(found) == told
    for one in found:
        assert (one.pipeline, one.run_id, one.stage, one.status) == ("halve", "one", "half", RunStatus.SUCCEEDED)
        assert (one.started_at, one.ended_at, one.observed_at) == (at, at + timedelta(minutes=1), one.ended_at)
        assert (one.machine, one.cpu_peak, one.memory_peak) == ("e2-standard-4", cpu, 0.2)
