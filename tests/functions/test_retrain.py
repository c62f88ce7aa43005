"""The function retrain by push requests, against a server of Vertex AI's API: once a request, never two of a model."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from core.actions.guards import switched
from core.errors import UnavailableError
from core.events import Command, Event, Finding, PipelineRun, RetrainingRequest, RunStatus, Verb
from core.pipelines.run import Run, Span
from core.pipelines.state import PipelineState
from core.retraining.start import CLAIM, Training, training
from core.settings import Features, Model, Reference, Retraining, Settings, TrainingPipeline
from functions.adapters.actions.vertex import Pipelines
from functions.adapters.events import decode_any, encode
from functions.adapters.pipelines import COLLECTION as PIPELINES
from functions.adapters.pipelines import pipeline_data
from functions.adapters.ports import Data
from functions.adapters.training.history import BILLED, NEWEST_RESULTS, VERSION_IN_USE
from functions.adapters.training.port import ANSWERS, Trainings
from functions.adapters.training.vertex import VertexTrainings
from functions.retrain.main import build
from functions.retrain.trainer import COLLECTION
from functions.services.actions import change_guards
from tests.support.crash.breaking import Breaking, KilledError, MemoryMetrics, MemoryStore
from tests.support.fakes.ports import MemoryPorts, Parked, push
from tests.support.servers.grpc_wire import Refused
from tests.support.servers.vertex import BORN, CANCELLING, LOCATION, RUNNING, SUCCEEDED, VertexPipelines

if TYPE_CHECKING:
    from flask.testing import FlaskClient

pytest_plugins = ["tests.support.servers.framework"]
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


@pytest.fixture
def server() -> Iterator[VertexPipelines]:
    running = VertexPipelines()
    yield running
    running.stop()


@pytest.fixture
def deployed(framework: "FlaskClient", server: VertexPipelines) -> Deployed:
    return Deployed(framework, server)


# What is started


def test_a_training_is_created_as_the_request_and_the_settings_say(deployed: Deployed) -> None:
    assert deployed.give(REQUEST) == 204
    [job] = deployed.server.jobs.values()
    assert (job.name, job.display_name, job.template_uri) == (JOB, "train-delay", PIPELINE.template)
    assert job.service_account == "trainer@p.iam.gserviceaccount.com"
    assert dict(job.labels) == {
        "aia-model": "delay",
        "aia-request": JOB.rpartition("-")[2],
        "pipeline": "train-delay",
    }
    assert job.runtime_config.gcs_output_directory == "gs://trainings/delay"
    values = type(job).to_dict(job)["runtime_config"]["parameter_values"]
    assert values == PIPELINE.parameters | {
        "model": "delay",
        "model_version": "7",
        "window_start": "2026-09-01T23:00:00Z",
        "window_end": "2026-10-31T11:00:00Z",
        "request_id": "delay:2026-10-31T23:00:00Z",
        "template": "",
    }
    assert deployed.outside.answers() == {"started": 1}


def test_its_run_is_told_of_at_once(deployed: Deployed) -> None:
    deployed.give(REQUEST)
    [run] = deployed.outside.runs
    assert (run.pipeline, run.run_id) == ("train-delay", JOB.rpartition("/")[2])
    assert (run.status.value, run.observed_at) == ("running", BORN)
    assert deployed.outside.findings == []


def test_without_an_account_vertex_ai_chooses_and_elsewhere_it_runs_elsewhere(deployed: Deployed) -> None:
    pipeline = replace(PIPELINE, service_account="", location="europe-west1", parameters={})
    deployed.models = (replace(MODEL, retraining=replace(POLICY, pipeline=pipeline)),)
    assert deployed.give(REQUEST) == 204
    [job] = deployed.server.jobs.values()
    assert job.name.startswith("projects/p/locations/europe-west1/pipelineJobs/")
    assert job.service_account == ""


# Once


def test_a_request_that_comes_again_starts_nothing_more(deployed: Deployed) -> None:
    assert [deployed.give(REQUEST) for _ in range(3)] == [204] * 3
    assert deployed.server.effects == 1
    assert len(deployed.outside.runs) == 1
    assert deployed.outside.answers() == {"started": 1, "repeated": 2}


def test_killed_anywhere_it_starts_one_and_tells_of_it(framework: "FlaskClient") -> None:
    killed = 0
    while True:
        server = VertexPipelines()
        try:
            deployed = Deployed(framework, server, Outside(kill_at=killed + 1))
            try:
                deployed.give(REQUEST)
            except KilledError:
                killed += 1
                deployed.outside.dead, deployed.outside.kill_at = False, 0
                assert deployed.give(REQUEST) == 204
            else:
                break
            assert list(server.jobs) == [JOB]
            assert server.effects == 1
            assert len({run.id for run in deployed.outside.runs}) == 1
            assert deployed.outside.answers() in ({"started": 1}, {"repeated": 1})
            assert deployed.outside.documents[COLLECTION, "delay"].data["told"]
        finally:
            server.stop()
    assert killed > 10


def test_killed_before_it_told_it_tells_though_a_newer_version_came_meanwhile(deployed: Deployed) -> None:
    deployed.outside.down = {"bus"}
    assert deployed.give(REQUEST) == 503
    assert list(deployed.server.jobs) == [JOB]
    deployed.server.move([deployed.server.jobs[JOB].state], SUCCEEDED)
    deployed.outside.down, deployed.outside.version = set(), "8"
    assert deployed.give(REQUEST) == 204
    assert [run.observed_at for run in deployed.outside.runs] == [BORN]
    assert deployed.outside.answers() == {"started": 1}


def test_an_answer_that_is_lost_is_no_second_training(deployed: Deployed) -> None:
    deployed.server.lose_answer()
    while deployed.give(REQUEST) != 204:
        pass
    assert deployed.server.effects == 1
    assert deployed.outside.answers() == {"started": 1}


# Not started


def test_late_after_a_newer_version_nothing_is_trained(deployed: Deployed, caplog: pytest.LogCaptureFixture) -> None:
    deployed.outside.version = "8"
    with caplog.at_level("INFO"):
        assert deployed.give(REQUEST) == 204
    assert deployed.server.jobs == {}
    assert "no training: delay: other_version: version 8 is deployed, 7 was to be replaced" in caplog.messages
    assert deployed.outside.answers() == {"other_version": 1}


@pytest.mark.parametrize("state", [RUNNING, CANCELLING])
def test_while_a_training_of_the_model_runs_no_other_is_started(deployed: Deployed, state: int) -> None:
    deployed.server.add("by-hand", state, pipeline="train-delay")
    for number in range(5):
        deployed.server.add(f"before-{number}", SUCCEEDED, pipeline="train-delay")
    deployed.server.add("another-model", RUNNING, pipeline="train-churn")
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 0
    assert deployed.outside.answers() == {"running": 1}
    deployed.server.move([state], SUCCEEDED)
    assert deployed.give(LATER) == 204
    assert deployed.server.effects == 1


def test_the_next_request_waits_for_the_training_before_and_replaces_its_version(deployed: Deployed) -> None:
    deployed.give(REQUEST)
    assert deployed.give(LATER) == 204
    deployed.server.move([deployed.server.jobs[JOB].state], SUCCEEDED)
    deployed.outside.version = "8"
    assert deployed.give(replace(LATER, requested_at=LATER.requested_at + HOUR, model_version="8")) == 204
    assert deployed.server.effects == 2
    assert deployed.outside.answers() == {"started": 2, "running": 1}
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 2


def test_of_two_requests_at_one_moment_one_waits(deployed: Deployed) -> None:
    deployed.outside.kill_at = 9  # the claim is saved, and nothing created
    with pytest.raises(KilledError):
        deployed.give(REQUEST)
    assert (COLLECTION, "delay") in deployed.outside.documents
    assert deployed.server.jobs == {}
    deployed.outside.dead, deployed.outside.kill_at = False, 0
    assert deployed.give(LATER) == 429
    assert deployed.server.jobs == {}
    deployed.outside.now += CLAIM
    assert deployed.give(LATER) == 204
    assert deployed.server.effects == 1
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 1


@pytest.mark.parametrize(
    ("models", "outcome", "label"),
    [
        ((), "unknown_model", "unknown"),
        ((replace(MODEL, name="churn"),), "unknown_model", "unknown"),
        ((replace(MODEL, retraining=None),), "no_pipeline", "delay"),
        ((replace(MODEL, retraining=replace(POLICY, pipeline=None)),), "no_pipeline", "delay"),
    ],
)
def test_where_nothing_trains_it_vertex_ai_is_not_asked(
    deployed: Deployed, caplog: pytest.LogCaptureFixture, models: tuple[Model, ...], outcome: str, label: str
) -> None:
    deployed.models = models
    with caplog.at_level("INFO"):
        assert deployed.give(REQUEST) == 204
    assert f"no training: delay: {outcome}: " in caplog.text
    assert deployed.outside.counts["aia_retraining_answers_total", label, outcome] == 1
    assert deployed.connected == 0
    assert deployed.outside.published == []


def limited(deployed: Deployed, **changes: Any) -> None:
    deployed.models = (replace(MODEL, retraining=replace(POLICY, **changes)),)


def test_where_trainings_are_halted_none_is_started(deployed: Deployed) -> None:
    limited(deployed, enabled=False)
    assert deployed.give(REQUEST) == 204
    limited(deployed)
    halt = Command(verb=Verb.HALT, subject="*", at=AT, by="Ada")
    change_guards(deployed.ports.store, lambda guards: switched(guards, halt))
    assert deployed.give(REQUEST) == 204
    assert deployed.server.effects == 0
    assert deployed.outside.answers() == {"halted": 2}


def test_where_training_is_disabled_nothing_is_asked_of_vertex_ai(
    deployed: Deployed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIA_TRAINING_DISABLED", "1")
    assert [deployed.give(REQUEST) for _ in range(2)] == [204, 204]
    assert (deployed.connected, deployed.server.calls, deployed.outside.published) == (0, [], [])
    assert deployed.outside.answers() == {"halted": 2}
    kept = deployed.ports.store.get(ANSWERS, "delay")
    assert kept
    [answer] = kept.data["answers"]
    assert (answer["request"], answer["outcome"]) == (REQUEST.id, "halted")
    assert "nothing is trained on this machine" in answer["why"]


def test_no_more_are_started_than_the_budget_allows_and_a_repetition_counts_once(deployed: Deployed) -> None:
    limited(deployed, budget=2)
    requests = [replace(REQUEST, requested_at=AT + number * HOUR) for number in range(4)]
    for request in requests[:3]:
        assert [deployed.give(request) for _ in range(2)] == [204, 204]
        deployed.server.move([job.state for job in deployed.server.jobs.values()], SUCCEEDED)
        deployed.outside.now += CLAIM
    assert deployed.server.effects == 2
    assert deployed.outside.answers() == {"started": 2, "repeated": 2, "budget": 2}
    deployed.outside.now += timedelta(days=31)
    assert deployed.give(requests[3]) == 204
    assert deployed.server.effects == 3


def ran(deployed: Deployed, hours: float) -> None:
    """The pipeline's newest run that succeeded took so long."""
    whole = Span(status=RunStatus.SUCCEEDED, told_at=BORN, ended_at=BORN, started_at=BORN - hours * HOUR)
    state = PipelineState(name="train-delay", runs=(Run(run_id="r", span=whole, first=BORN, last=BORN),))
    deployed.ports.store.create(PIPELINES, "train-delay", pipeline_data(state))


def test_what_would_cost_more_than_the_budget_is_refused_with_the_sum(
    deployed: Deployed, caplog: pytest.LogCaptureFixture
) -> None:
    limited(deployed, budget_dollars=1.5, hourly_price=0.2)
    ran(deployed, 4)
    caplog.set_level("INFO")
    for number in range(2):
        assert deployed.give(replace(REQUEST, requested_at=AT + number * HOUR)) == 204
        deployed.server.move([job.state for job in deployed.server.jobs.values()], SUCCEEDED)
        deployed.outside.now += CLAIM
    assert (deployed.server.effects, deployed.outside.answers()) == (1, {"started": 1, "budget": 1})
    assert "cost $1.60 ($0.80 each: 4.0 h at $0.20 an hour), of $1.50" in caplog.text
    deployed.outside.now += timedelta(days=2)
    deployed.outside.billed = 0.7  # the bill counts for more than an estimate
    assert deployed.give(replace(REQUEST, requested_at=AT + 2 * HOUR)) == 204
    assert deployed.server.effects == 2


def test_before_anything_has_run_or_is_billed_the_cost_is_not_known_and_holds_nothing_back(deployed: Deployed) -> None:
    limited(deployed, budget_dollars=0.01, hourly_price=100.0)
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.answers() == {"started": 1}


def test_a_loop_of_trainings_that_are_not_better_is_ended_and_told_and_a_person_may_go_on(deployed: Deployed) -> None:
    deployed.outside.results = ("not better",) * 3 + ("trained",)
    assert [deployed.give(REQUEST) for _ in range(2)] == [204] * 2
    assert (deployed.server.effects, deployed.outside.findings) == (0, [FIRING])
    [finding] = [event for event in deployed.outside.published if isinstance(event, Finding)]
    assert "none of the last 3 trainings was better than the champion" in finding.summary
    deployed.outside.now += CLAIM
    assert deployed.give(replace(REQUEST, requested_at=AT + HOUR / 2, reason="person")) == 204
    assert deployed.server.effects == 1
    assert deployed.outside.findings == [FIRING, RESOLVED]
    assert deployed.outside.answers() == {"no_progress": 2, "started": 1}


@pytest.mark.parametrize("results", [("not better",) * 2, ("trained", *("not better",) * 5), ()])
def test_a_training_that_was_better_ends_the_count(deployed: Deployed, results: tuple[str, ...]) -> None:
    deployed.outside.results = results
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.answers() == {"started": 1}


# Vertex AI does not answer, or refuses


def test_what_does_not_answer_comes_again(deployed: Deployed) -> None:
    deployed.outside.down = {"warehouse"}
    assert deployed.give(REQUEST) == 503
    deployed.outside.down = set()
    deployed.server.stop()
    assert deployed.give(REQUEST) == 503
    assert deployed.outside.published == []
    assert deployed.outside.answers() == {}


FIRING = ("model/delay:retraining_refused:2026-10-31T23:00:00Z", "firing")
RESOLVED = ("model/delay:retraining_refused:2026-11-01T00:00:00Z", "resolved")


def test_what_is_refused_is_told_once_and_ends_when_a_later_request_starts(deployed: Deployed) -> None:
    deployed.server.refusal = Refused(grpc.StatusCode.INVALID_ARGUMENT, "The template does not exist.")
    assert [deployed.give(REQUEST) for _ in range(2)] == [204] * 2
    assert deployed.outside.findings == [FIRING]
    [finding] = [event for event in deployed.outside.published if isinstance(event, Finding)]
    assert (finding.severity.value, finding.runbook) == ("error", "models.md#retraining_refused")
    assert "The template does not exist." in finding.summary
    assert deployed.outside.answers() == {"refused": 2}
    deployed.server.refusal = None
    deployed.outside.now += CLAIM
    assert deployed.give(replace(REQUEST, requested_at=AT + HOUR / 2)) == 204
    assert deployed.outside.findings == [FIRING, RESOLVED]


def test_without_a_permission_it_is_refused(deployed: Deployed) -> None:
    deployed.server.deny()
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == [FIRING]
    assert deployed.outside.answers() == {"refused": 1}


def test_without_credentials_it_is_refused(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/credentials.json")
    monkeypatch.setattr(deployed, "_connect", lambda: VertexTrainings("p", Pipelines(patience=0.5)))
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == [FIRING]


def test_a_quota_that_is_used_up_is_told_and_comes_again(deployed: Deployed) -> None:
    deployed.server.refusal = Refused(grpc.StatusCode.RESOURCE_EXHAUSTED, "Quota exceeded: concurrent pipelines.")
    assert [deployed.give(REQUEST) for _ in range(2)] == [503] * 2
    assert deployed.outside.findings == [FIRING]
    deployed.server.refusal = None
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == [FIRING, RESOLVED]
    assert deployed.outside.answers() == {"started": 1}


def test_a_refusal_of_an_old_request_counts_for_nothing_once_a_newer_one_has_started(deployed: Deployed) -> None:
    deployed.give(LATER)
    deployed.server.move([deployed.server.jobs[next(iter(deployed.server.jobs))].state], SUCCEEDED)
    deployed.server.refusal = Refused(grpc.StatusCode.PERMISSION_DENIED, "no")
    assert deployed.give(REQUEST) == 204
    assert deployed.outside.findings == []
    assert deployed.outside.answers() == {"started": 1, "refused": 1}


# Nonsense


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "retraining_request: Input data was truncated"),
        (b"train!", "retraining_request: JSON is malformed"),
        (b'{"type": "finding", "version": 1}', "type: must be 'retraining_request', got 'finding'"),
        (b'{"type": "retraining_request", "version": 2}', "version: retraining_request must be version 1, got 2"),
        (b'{"type": "retraining_request", "version": 1}', "retraining_request: Object missing required field"),
    ],
)
def test_what_no_retry_can_help_is_parked_with_its_reason(deployed: Deployed, data: bytes, reason: str) -> None:
    assert deployed.post(data) == 204
    [parked] = deployed.outside.park.reasons
    assert parked.startswith(reason)
    assert deployed.server.calls == []


def test_a_request_of_the_future_is_parked(deployed: Deployed) -> None:
    assert deployed.give(REQUEST, published_at="2026-10-31T22:49:59Z") == 204
    [parked] = deployed.outside.park.reasons
    assert parked.startswith("requested_at: must not be after 2026-10-31T22:49:59Z, when it was published, got 2026-10")
    assert deployed.give(REQUEST, published_at="2026-10-31T22:50:00Z") == 204
    assert deployed.outside.answers() == {"started": 1}
