"""What Vertex AI knows of a job, asked by Google's client over the wire, against a server of its API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineTaskDetail

from core.errors import ActionError, UnavailableError
from core.events import PipelineRun, RunStatus
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
    taken = {stage.name: (stage.span.status.value, stage.span.seconds, stage.span.error) for stage in run.stages}
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
