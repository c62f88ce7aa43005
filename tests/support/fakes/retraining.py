"""The function retrain, and the requests that it is given."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.support.servers.vertex import VertexPipelines

if TYPE_CHECKING:
    from flask.testing import FlaskClient


from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from core.errors import UnavailableError
from core.events import Event, Finding, PipelineRun, RetrainingRequest
from core.retraining.start import Training, training
from core.settings import Features, Model, Reference, Retraining, Settings, TrainingPipeline
from functions.adapters.actions.vertex import Pipelines
from functions.adapters.events import decode_any, encode
from functions.adapters.ports import Data
from functions.adapters.training.history import BILLED, NEWEST_RESULTS, VERSION_IN_USE
from functions.adapters.training.port import Trainings
from functions.adapters.training.vertex import VertexTrainings
from functions.retrain.main import build
from tests.support.crash.breaking import Breaking, MemoryMetrics, MemoryStore
from tests.support.fakes.ports import MemoryPorts, Parked, push
from tests.support.servers.vertex import BORN, LOCATION

if TYPE_CHECKING:
    from flask.testing import FlaskClient


HOUR = timedelta(hours=1)


AT = BORN - HOUR


PIPELINE = TrainingPipeline(
    template="https://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay/v1",
    root="gs://trainings/delay",
    service_account="trainer@p.iam.gserviceaccount.com",
    parameters={"rounds": 300, "rate": 0.1, "early": True, "table": "telemetry.delay", "depths": [3, {"most": 5}]},
)


POLICY = Retraining(important=("hour",), pipeline=PIPELINE)


MODEL = Model(
    name="delay",
    owner="flights",
    table="a.b",
    timestamp="at",
    id="id",
    score="score",
    features=Features(numeric=("hour",)),
    reference=Reference(days=30),
    window=timedelta(days=7),
    retraining=POLICY,
)


REQUEST = RetrainingRequest(
    model="delay",
    model_version="7",
    requested_at=AT,
    reason="drift",
    window_start=AT - timedelta(days=60),
    window_end=AT - 12 * HOUR,
    n_labels=800,
)


LATER = replace(REQUEST, requested_at=BORN + 100 * HOUR)


JOB = f"{LOCATION}/pipelineJobs/{training(REQUEST, PIPELINE).job_id}"


@dataclass
class Outside(Breaking):
    """What the function finds and does.

    Attributes:
        version: in use.
        results: the outcomes of trainings, newest first.
        billed: dollars of the pipeline, up to yesterday.
        down: the ports that do not answer: bus or warehouse.
        published: events, in their order.
        park: keeps what is parked.
    """

    version: str = "7"
    results: tuple[str, ...] = ()
    billed: float | None = None
    down: set[str] = field(default_factory=set)
    published: list[Event] = field(default_factory=list)
    park: Parked = field(default_factory=Parked)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        self.boundary()
        if "bus" in self.down:
            raise UnavailableError("bus: does not answer")
        assert topic == {"pipeline_run": "pipeline-runs", "finding": "findings"}[event.TYPE]
        self.published.append(decode_any(encode(event), PipelineRun, Finding))
        self.boundary()

    def query(self, sql: str, **given: Any) -> list[Data]:
        assert given.get("model", "delay") == "delay"
        self.boundary()
        if "warehouse" in self.down:
            raise UnavailableError("warehouse: does not answer")
        if sql == BILLED:
            assert given["pipeline"] == "train-delay"
            return [{"dollars": self.billed, "newest": None if self.billed is None else self.now - timedelta(days=1)}]
        if sql == NEWEST_RESULTS:
            return [{"outcome": outcome} for outcome in self.results]
        assert sql == VERSION_IN_USE
        return [{"version": self.version}] if self.version else []

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        raise NotImplementedError

    @property
    def runs(self) -> list[PipelineRun]:
        return [event for event in self.published if isinstance(event, PipelineRun)]

    @property
    def findings(self) -> list[tuple[str, str]]:
        found = (event for event in self.published if isinstance(event, Finding))
        return [(event.id, event.status.value) for event in found]

    def answers(self) -> dict[str, int]:
        """What was counted, by outcome."""
        name = "aia_retraining_answers_total"
        return {key[2]: number for key, number in self.counts.items() if key[0] == name}


@dataclass
class Passing:
    """Trainings on Vertex AI, each call of which passes boundaries."""

    outside: Outside
    inner: Trainings

    def created_at(self, training: Training) -> datetime | None:
        self.outside.boundary()
        return self.inner.created_at(training)

    def running(self, training: Training) -> str:
        self.outside.boundary()
        return self.inner.running(training)

    def start(self, training: Training) -> datetime:
        self.outside.boundary()
        created_at = self.inner.start(training)
        self.outside.boundary()
        return created_at


@dataclass
class Deployed:
    """The function behind its framework; what it remembers and knows lives on when it is killed."""

    client: "FlaskClient"
    server: VertexPipelines
    outside: Outside = field(default_factory=Outside)
    models: tuple[Model, ...] = (MODEL,)
    connected: int = 0

    @property
    def ports(self) -> MemoryPorts:
        return MemoryPorts(
            function="retrain",
            settings=Settings(jobs={}, models=self.models),
            store=MemoryStore(self.outside, revision=self.outside.boundaries),
            bus=self.outside,
            warehouse=self.outside,
            metrics=MemoryMetrics(self.outside),
            clock=lambda: self.outside.now,
            park=self.outside.park,
        )

    def _connect(self) -> Trainings:
        self.connected += 1
        return Passing(self.outside, VertexTrainings("p", Pipelines(endpoint=self.server.endpoint, patience=0.5)))

    def give(self, event: Event, published_at: str = "2026-12-01T12:00:00Z") -> int:
        return self.post(encode(event), published_at)

    def post(self, data: bytes, published_at: str = "2026-12-01T12:00:00Z") -> int:
        answer = {"answer": build(self.ports, self._connect)}
        return self.client.post("/", data=push(data, published_at), environ_overrides=answer).status_code


FIRING = ("model/delay:retraining_refused:2026-10-31T23:00:00Z", "firing")


RESOLVED = ("model/delay:retraining_refused:2026-11-01T00:00:00Z", "resolved")


def new_server() -> Iterator[VertexPipelines]:
    running = VertexPipelines()
    yield running
    running.stop()


def new_deployed(framework: "FlaskClient", server: VertexPipelines) -> Deployed:
    return Deployed(framework, server)
