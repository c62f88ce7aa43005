"""Requests to train a model, five at once and again, and the process killed at any call: one job, over the real trainer; the name of its version follows from its request."""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState

from core.errors import ActionError, BusyError, ConflictError, UnavailableError
from core.events import Event, PipelineRun, RetrainingRequest
from core.settings import Automation
from functions.adapters.ports import Data
from functions.adapters.training.history import VERSION_IN_USE
from functions.adapters.training.vertex import VertexTrainings
from functions.retrain.trainer import COLLECTION, Trainer, handle
from tests.support.builders.budget import examples
from tests.support.crash.breaking import Breaking, KilledError, MemoryMetrics, MemoryStore
from tests.support.fakes.retraining import HOUR, MODEL, REQUEST

_COMES_AGAIN = (KilledError, BusyError, ConflictError, UnavailableError)


@dataclass
class World(Breaking):
    """The outside of several instances: at any call another delivery may be handled meanwhile, and any call may be the last.

    Attributes:
        rng: decides both.
        kills: the chance that a call is the last.
        waiting: deliveries that are to come.
        jobs: of Vertex AI, by name.
        runs: that were published.
    """

    rng: random.Random = field(default_factory=random.Random)
    kills: float = 0.0
    waiting: list[RetrainingRequest] = field(default_factory=list)
    jobs: dict[str, PipelineJob] = field(default_factory=dict)
    runs: list[PipelineRun] = field(default_factory=list)

    def boundary(self) -> None:
        if self.waiting and self.rng.random() < 0.2:
            self.deliver(self.waiting.pop(self.rng.randrange(len(self.waiting))))
        if self.rng.random() < self.kills:
            raise KilledError

    def deliver(self, request: RetrainingRequest) -> bool:
        """Handle a delivery; one that is not confirmed comes again later."""
        try:
            handle(self.trainer, request)
        except _COMES_AGAIN:
            self.waiting.append(request)
            self.now += timedelta(seconds=1)
            return False
        return True

    @property
    def trainer(self) -> Trainer:
        return Trainer(
            store=MemoryStore(self, revision=self.rng.randrange(1 << 30)),
            bus=self,
            warehouse=self,
            metrics=MemoryMetrics(self),
            clock=lambda: self.now,
            trainings=lambda: VertexTrainings("p", VertexAI(self)),  # type: ignore[arg-type]  # the same methods
            models=lambda: {MODEL.name: MODEL},
            automation=Automation(),
        )

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.boundary()
        assert isinstance(event, PipelineRun), (topic, event)
        self.runs.append(event)
        self.boundary()

    def query(self, sql: str, **_: Any) -> list[Data]:
        self.boundary()
        return [{"version": "7"}] if sql == VERSION_IN_USE else []

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        raise AssertionError(table)


@dataclass
class VertexAI:
    """The methods of Vertex AI's pipeline jobs, with what the API refuses as documented: an id that is taken, and bad ids and labels."""

    world: World

    def find(self, name: str) -> PipelineJob | None:
        self.world.boundary()
        return self.world.jobs.get(name)

    def list(self, location: str, *, display_name: str) -> Iterator[PipelineJob]:
        self.world.boundary()
        found = [job for name, job in self.world.jobs.items() if name.startswith(location)]
        return iter([job for job in found[::-1] if job.display_name == display_name])

    def create(self, location: str, job: PipelineJob, job_id: str) -> bool:
        self.world.boundary()
        name = f"{location}/pipelineJobs/{job_id}"
        if name in self.world.jobs:
            return False
        labels = [text for pair in job.labels.items() for text in pair]
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,127}", job_id) or not all(
            re.fullmatch(r"[a-z0-9_-]{0,63}", text) for text in labels
        ):
            raise ActionError(f"{name}: INVALID_ARGUMENT")
        made: Any = PipelineJob(job)
        made.name, made.state, made.create_time = name, PipelineState.PIPELINE_STATE_RUNNING, self.world.now
        self.world.jobs[name] = made
        self.world.boundary()
        return True


def request_of(job: PipelineJob) -> str:
    return str(PipelineJob.to_dict(job)["runtime_config"]["parameter_values"]["request_id"])


@pytest.mark.parametrize("same", [True, False], ids=["again", "five at once"])
@pytest.mark.parametrize("seed", range(examples(100)))
def test_five_requests_and_a_kill_at_any_call_are_one_job(seed: int, *, same: bool) -> None:
    world = World(rng=random.Random(seed), kills=0.1)
    world.now = REQUEST.requested_at + HOUR
    world.waiting = [
        replace(REQUEST, requested_at=REQUEST.requested_at + (not same) * number * HOUR / 10) for number in range(5)
    ]
    for turn in range(400):
        if not world.waiting:
            break
        world.kills = 0.1 if turn < 60 else 0.0  # in the end nothing breaks
        world.deliver(world.waiting.pop(world.rng.randrange(len(world.waiting))))
    assert world.waiting == []
    [job] = world.jobs.values()
    assert {run.run_id for run in world.runs} == {job.name.rpartition("/")[2]}
    assert len({run.id for run in world.runs}) == 1
    claim = world.documents[COLLECTION, "delay"].data
    assert (claim["request"], claim["told"], len(claim["started"])) == (request_of(job), True, 1)
