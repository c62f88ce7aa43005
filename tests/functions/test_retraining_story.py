"""From a request to the traffic of its version: submitted, trained, registered, promoted, rolled back; killed at any call, delivered again."""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState

from core.errors import BusyError, ConflictError, RefusedError, UnavailableError
from core.events import Event, PipelineRun, Verb
from core.settings import Automation
from core.settings.response import Resource
from core.versions import Version
from functions.adapters.endpoint_traffic import EndpointTraffic
from functions.adapters.ports import Data
from functions.adapters.registries import register
from functions.adapters.registries.port import Entry
from functions.adapters.training.history import VERSION_IN_USE
from functions.adapters.training.vertex import VertexTrainings
from functions.retrain.trainer import Trainer, handle
from tests.functions.test_promotion_traffic import BreakingEndpoints, deploy, split
from tests.functions.test_retrain_crashes import VertexAI, request_of
from tests.support.builders.budget import ALL
from tests.support.crash.breaking import KilledError, MemoryMetrics, MemoryStore
from tests.support.crash.promotions import AT, BETTER, DAY, EVEN, HOUR, SHADOWED, WORSE, check_shares, command
from tests.support.fakes.promotions import Registry, Tables, give, registry_name, tick
from tests.support.fakes.retraining import MODEL as TRAINED
from tests.support.fakes.retraining import REQUEST
from tests.support.servers.vertex import ENDPOINT, VertexEndpoints

MODEL = replace(SHADOWED, retraining=TRAINED.retraining)
_AGAIN = (KilledError, BusyError, ConflictError, UnavailableError)


@dataclass
class Life(Tables):
    """Everything outside of trainer, pipeline and promotion.

    Attributes:
        pipeline_jobs: of Vertex AI, by name.
        runs: that were published.
        uploads: versions in the registry.
    """

    pipeline_jobs: dict[str, PipelineJob] = field(default_factory=dict)
    runs: list[PipelineRun] = field(default_factory=list)
    uploads: set[str] = field(default_factory=set)

    def query(self, sql: str, **given: Any) -> list[Data]:
        if sql == VERSION_IN_USE:
            self.boundary()
            return [{"version": self.champions(given["at"])[-1]}]
        if sql == register.WRITE_VERSION:
            self.boundary()
            self.registered.setdefault(given["version"], given["created_at"])
            self.boundary()
            return []
        return super().query(sql, **given)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.boundary()
        if isinstance(event, PipelineRun):
            self.runs.append(event)
        self.boundary()


@dataclass
class JobsOf:
    """The jobs of Vertex AI for the fake of its client."""

    life: Life

    @property
    def jobs(self) -> dict[str, PipelineJob]:
        return self.life.pipeline_jobs

    @property
    def now(self) -> datetime:
        return self.life.now

    def boundary(self) -> None:
        self.life.boundary()


@dataclass
class Uploads(Registry):
    """The registry: a version of a name is there once."""

    def register(self, version: Version) -> Entry:
        self.tables.boundary()
        assert isinstance(self.tables, Life)
        self.tables.uploads.add(version.version)
        self.tables.boundary()
        return Entry(version=version, number="1", uri=registry_name(version.version), aliases=(), fault="")


def trainer(life: Life) -> Trainer:
    return Trainer(
        store=MemoryStore(life, revision=life.boundaries),
        bus=life,
        warehouse=life,
        metrics=MemoryMetrics(life),
        clock=lambda: life.now,
        trainings=lambda: VertexTrainings("p", VertexAI(JobsOf(life))),  # type: ignore[arg-type]  # the same methods
        models=lambda: {MODEL.name: MODEL},
        automation=Automation(),
    )


def until_done(life: Life, chosen: random.Random, act: Callable[[], object], *, killed: bool) -> None:
    """Deliver something until it is confirmed, and now and then once more."""
    for attempt in range(30):
        life.kill_at = life.boundaries + chosen.randint(1, 30) if killed and attempt < 3 else 0
        life.dead = False
        try:
            act()
        except _AGAIN:
            continue
        except RefusedError:
            pass
        if not killed or chosen.random() < 0.7:
            return


def numbered(life: Life, job: PipelineJob) -> str:
    """The version that a job registers: the first one is 8."""
    order = sorted(life.pipeline_jobs.values(), key=request_of)
    return str(8 + order.index(job))


def trained(life: Life, chosen: random.Random, server: VertexEndpoints, how: Data | None, *, killed: bool) -> None:
    """The running job ends: its version is better, and registered and deployed, or it is not."""
    running: list[Any] = [
        one for one in life.pipeline_jobs.values() if one.state == PipelineState.PIPELINE_STATE_RUNNING
    ]
    registries: Any = [Uploads(life)]
    for job in running:
        version = numbered(life, job)
        if how is not None:
            made = Version(
                model=MODEL.name,
                version=version,
                reference_start=life.now - 30 * DAY,
                reference_end=life.now,
                created_at=life.now,
            )
            life.pairs[version] = how
            until_done(life, chosen, lambda made=made: register.register_in(made, registries, life), killed=killed)  # type: ignore[misc]
            deploy(server, *life.registered)
        job.state = PipelineState.PIPELINE_STATE_SUCCEEDED


def lived(seed: int, server: VertexEndpoints, *, killed: bool) -> Life:
    """Ten days in which trainings are requested, and the promotion looks every three hours."""
    plan, chosen = random.Random(seed), random.Random(seed)
    server.set(labels={})
    deploy(server, "7", traffic={"7": 100})
    life = Life(now=AT, resources={MODEL.target: Resource(endpoint=ENDPOINT)})
    life.endpoints = EndpointTraffic(BreakingEndpoints(life, server))
    life.registered = {"7": AT - DAY}
    requests = sorted(plan.sample(range(0, 200, 8), plan.randint(1, 4)))
    rolled_back = {plan.randrange(0, 240, 3)} if plan.random() < 0.5 else set()
    outcomes = [plan.choice([BETTER, BETTER, WORSE, EVEN, None]) for _ in requests]
    for hour in range(0, 240, 3):
        life.now = AT + hour * HOUR
        while requests and requests[0] <= hour:
            requests.pop(0)
            version = life.champions(life.now)[-1]
            asked = replace(REQUEST, requested_at=life.now, model_version=version)
            until_done(life, chosen, lambda asked=asked: handle(trainer(life), asked), killed=killed)  # type: ignore[misc]
            until_done(life, chosen, lambda asked=asked: handle(trainer(life), asked), killed=killed)  # type: ignore[misc]
            trained(life, chosen, server, outcomes.pop(0), killed=killed)
            life.now += HOUR
        if hour in rolled_back:
            told = command(Verb.ROLL_BACK, life.now)
            until_done(life, chosen, lambda told=told: give(life, MODEL, told), killed=killed)  # type: ignore[misc]
        until_done(life, chosen, lambda: give(life, MODEL, tick(life.now)), killed=killed)
        check_shares(life)
        assert sum(server.endpoint_resource.traffic_split.values()) == 100
    return life


@pytest.fixture(scope="module")
def server() -> Iterator[VertexEndpoints]:
    server = VertexEndpoints()
    yield server
    server.stop()


def ends(life: Life, server: VertexEndpoints) -> tuple[object, ...]:
    """What a life has led to."""
    jobs = sorted(map(request_of, life.pipeline_jobs.values()))
    return jobs, life.registered, life.changes, life.looks, life.holders(), split(server)


def test_the_stories_have_everything_in_them(server: VertexEndpoints) -> None:
    stages: Counter[str] = Counter()
    for seed in range(12):
        life = lived(seed, server, killed=False)
        stages.update(one["stage"] for one in life.changes.values() if one["alias"] == "champion")
        stages.update({"jobs": len(life.pipeline_jobs), "versions": len(life.uploads)})
    assert all(stages[one] > 3 for one in ("step", "watch", "promoted", "jobs", "versions")), stages
    assert stages["rolled back"]


@pytest.mark.parametrize("seed", range(1000 if ALL else 15))
def test_killed_anywhere_no_job_is_doubled_no_version_is_lost_and_traffic_sums_to_100(
    seed: int, server: VertexEndpoints
) -> None:
    wanted = ends(lived(seed, server, killed=False), server)
    life = lived(seed, server, killed=True)
    assert ends(life, server) == wanted
    requests = [request_of(job) for job in life.pipeline_jobs.values()]
    assert len(requests) == len(set(requests)) == len({run.run_id for run in life.runs})
    assert life.registered.keys() == {"7", *life.uploads}  # in the table and in the registry
    told_by_aliases = {version: share for version, share in life.holders().values() if version and share}
    assert split(server) == (told_by_aliases or {"7": 100})
