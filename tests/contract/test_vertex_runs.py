"""What Vertex AI knows of a job, asked by Google's client over the wire, against a server of its API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineTaskDetail

from core.errors import ActionError, UnavailableError
from core.events import PipelineRun, RunStatus
from core.pipelines.execution import Execution
from core.pipelines.run import Run, fold
from functions.adapters.vertex_runs import VertexJobs
from tests.support.servers.vertex import FAILED, LOCATION, RUNNING, SUCCEEDED, VertexPipelines

START = datetime(2026, 1, 2, 3, tzinfo=UTC)
NAME = f"{LOCATION}/pipelineJobs/train-1"
TASK = PipelineTaskDetail.State
LOGGED = PipelineRun(
    pipeline="train", run_id="train-1", status=RunStatus.SUCCEEDED, observed_at=START + timedelta(minutes=61)
)


def at(minute: float) -> datetime:
    return START + timedelta(minutes=minute)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[VertexPipelines]:
    running = VertexPipelines()
    monkeypatch.setenv("AIA_VERTEX_ENDPOINT", running.endpoint)
    yield running
    running.stop()


def ended(server: VertexPipelines, state: int = SUCCEEDED) -> PipelineJob:
    """A job that ran for an hour: a task that runs two others, one that was skipped, and one that never began."""
    job = server.add("train-1", state, pipeline="train")
    job.start_time, job.end_time = at(0), at(60)
    job.job_detail.task_details = [
        {"task_id": 1, "task_name": "train-1", "state": TASK.SUCCEEDED, "start_time": at(0), "end_time": at(60)},
        {
            "task_id": 2,
            "parent_task_id": 1,
            "task_name": "read",
            "state": TASK.SUCCEEDED,
            "start_time": at(1),
            "end_time": at(11),
        },
        {
            "task_id": 3,
            "parent_task_id": 1,
            "task_name": "fit",
            "state": TASK.FAILED,
            "start_time": at(12),
            "end_time": at(57),
        },
        {"task_id": 4, "parent_task_id": 1, "task_name": "cached", "state": TASK.SKIPPED, "start_time": at(1)},
        {"task_id": 5, "parent_task_id": 1, "task_name": "deploy", "state": TASK.NOT_TRIGGERED},
    ]
    job.job_detail.task_details[2].error = {"code": 9, "message": "out of\nmemory"}
    return job


def folded(events: list[PipelineRun]) -> Run:
    run = fold(None, LOGGED)
    for event in events:
        run = fold(run, event)
    return run


def test_a_job_is_told_with_its_own_instants_and_its_tasks(server: VertexPipelines) -> None:
    ended(server)
    run = folded(VertexJobs()(NAME, LOGGED))
    assert (run.span.start, run.span.end, run.span.seconds) == (at(0), at(60), 3600)
    taken = {stage.name: (stage.span.status.value, stage.span.seconds, stage.span.error) for stage in run.executed}
    assert taken == {"read": ("succeeded", 600, ""), "fit": ("failed", 2700, "out of memory")}


@pytest.mark.parametrize("turned", [1, -1])
def test_tasks_of_one_name_are_one_stage_whose_failure_no_later_success_hides(
    server: VertexPipelines, turned: int
) -> None:
    job = ended(server)
    tasks = [
        (TASK.FAILED, 12, 17, {"code": 9, "message": "out of memory"}),
        (TASK.CANCELLED, 13, 18, {"code": 1, "message": "stopped"}),
        (TASK.SUCCEEDED, 11, 31, {}),
    ]
    job.job_detail.task_details = [
        {"task_id": n, "task_name": "fit", "state": state, "start_time": at(start), "end_time": at(end), "error": error}
        for n, (state, start, end, error) in enumerate(tasks[::turned], start=2)
    ]
    [stage] = folded(VertexJobs()(NAME, LOGGED)).stages
    assert (stage.span.status, stage.span.error) == (RunStatus.FAILED, "out of memory")
    assert (stage.span.start, stage.span.end) == (at(11), at(31))


def test_a_job_that_vertex_ai_says_something_else_of_is_left_as_it_was_logged(server: VertexPipelines) -> None:
    ended(server, RUNNING)
    assert VertexJobs()(NAME, LOGGED) == []
    server.jobs[NAME].state = FAILED
    assert VertexJobs()(NAME, LOGGED) == []


def test_a_job_that_was_cancelled_before_it_began_has_no_instants(server: VertexPipelines) -> None:
    server.add("train-1", SUCCEEDED, pipeline="train")
    run = folded(VertexJobs()(NAME, LOGGED))
    assert (run.span.start, run.span.end, run.stages) == (None, LOGGED.observed_at, ())


def test_the_same_job_gives_the_same_events(server: VertexPipelines) -> None:
    ended(server)
    jobs = VertexJobs()
    assert jobs(NAME, LOGGED) == jobs(NAME, LOGGED)


def test_clocks_that_contradict_each_other_give_no_duration(server: VertexPipelines) -> None:
    job = ended(server)
    job.start_time = at(61)
    assert folded(VertexJobs()(NAME, LOGGED)).span.started_at is None


def test_what_is_not_there_is_refused_and_what_does_not_answer_is_told_apart(server: VertexPipelines) -> None:
    jobs = VertexJobs()
    with pytest.raises(ActionError, match="train-1"):
        jobs(NAME, LOGGED)
    server.stop()
    with pytest.raises(UnavailableError, match="does not answer"):
        jobs(NAME, LOGGED)


def task(component: str, *after: str, **inputs: object) -> dict[str, object]:
    return {"componentRef": {"name": component}, "dependentTasks": [*after], "inputs": {"parameters": inputs}}


def constant(value: object) -> dict[str, object]:
    return {"runtimeValue": {"constant": value}}


def specified(job: PipelineJob, *, since: str = "2026-01-01", image: str = "fit:1") -> PipelineJob:
    """The specification as KFP compiles it: `read` has a parameter of the run, `fit` its output, `deploy` the name of the job."""
    made = {"taskOutputArtifact": {"producerTask": "read", "outputArtifactKey": "rows"}}
    fit = task("comp-fit", "read", depth=constant(3))
    fit["inputs"] = {**fit["inputs"], "artifacts": {"rows": made}}  # type: ignore[dict-item] # of `task`
    job.pipeline_spec = {
        "root": {
            "inputDefinitions": {"parameters": {"since": {"parameterType": "STRING"}}},
            "dag": {
                "tasks": {
                    "read": task("comp-read", since={"componentInputParameter": "since"}),
                    "fit": fit,
                    "deploy": task("comp-read", "fit", since=constant("{{$.pipeline_job_name}}")),
                }
            },
        },
        "components": {"comp-read": {"executorLabel": "exec-read"}, "comp-fit": {"executorLabel": "exec-fit"}},
        "deploymentSpec": {
            "executors": {
                "exec-read": {"container": {"image": "read:1"}},
                "exec-fit": {"container": {"image": image, "resources": {"cpuLimit": 8.0}}},
            }
        },
    }
    job.runtime_config = {"gcs_output_directory": "gs://b/f", "parameter_values": {"since": since}}
    for index in range(1, len(job.job_detail.task_details)):
        job.job_detail.task_details[index].executor_detail = {
            "container_detail": {"main_job": f"{LOCATION}/customJobs/7"}
        }
    return job


def executions(server: VertexPipelines) -> dict[str, Execution]:
    return {stage.name: stage.execution or Execution() for stage in folded(VertexJobs()(NAME, LOGGED)).stages}


def test_the_specification_says_what_a_task_depends_on_read_and_ran_on(server: VertexPipelines) -> None:
    job = specified(ended(server))
    job.job_detail.task_details[4] = PipelineTaskDetail(
        task_id=5, task_name="deploy", state=TASK.SUCCEEDED, start_time=at(57), end_time=at(60)
    )
    found = executions(server)
    assert {name: one.after for name, one in found.items()} == {
        "cached": None,
        "read": (),
        "fit": ("read",),
        "deploy": ("fit",),
    }
    assert {name: one.machine for name, one in found.items() if one.machine} == {"read": "e2-standard-4"}
    assert {name: one.job for name, one in found.items() if one.job} == {"read": "7", "fit": "7"}
    assert (bool(found["read"].inputs), bool(found["fit"].inputs), found["deploy"].inputs) == (True, True, "")


@pytest.mark.parametrize(
    ("change", "differ"),
    [({}, set()), ({"since": "2026-01-02"}, {"read", "fit"}), ({"image": "fit:2"}, {"fit"})],
)
def test_inputs_differ_with_a_parameter_the_image_and_what_made_an_artifact(
    server: VertexPipelines, change: dict[str, str], differ: set[str]
) -> None:
    job = specified(ended(server))
    before = executions(server)
    specified(job, **change)
    after = executions(server)
    assert {name for name in after if after[name].inputs != before[name].inputs} == differ


def test_a_task_that_was_cached_is_a_stage_that_took_no_time(server: VertexPipelines) -> None:
    ended(server)
    run = folded(VertexJobs()(NAME, LOGGED))
    assert [(stage.name, stage.cached, stage.span.seconds) for stage in run.stages if stage.cached] == [
        ("cached", True, 0)
    ]


@pytest.mark.parametrize("spec", [{"root": "none"}, {"root": {"dag": {"tasks": {"read": 1}}}}, {"root": {"dag": []}}])
def test_a_specification_that_cannot_be_read_costs_what_it_says_alone(
    server: VertexPipelines, spec: dict[str, object]
) -> None:
    ended(server).pipeline_spec = spec
    assert {one for one in executions(server).values() if not one.cached} == {Execution()}


def test_tasks_that_depend_on_each_other_in_a_circle_have_no_known_inputs(server: VertexPipelines) -> None:
    job = specified(ended(server))
    tasks = job.pipeline_spec["root"]["dag"]["tasks"]
    tasks["read"]["inputs"]["parameters"]["since"] = {
        "taskOutputParameter": {"producerTask": "fit", "outputParameterKey": "score"}
    }
    found = executions(server)
    assert (found["read"].inputs, found["fit"].inputs) == ("", "")
