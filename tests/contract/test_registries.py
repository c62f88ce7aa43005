"""Every registry of versions passes the same suite over the wire: a real MLflow server, and Vertex AI's service.

Below it: versions that somebody else registers in MLflow, which the poll and MLflow's own webhook find, each a row once.
"""

import itertools
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import flask
import pytest
from werkzeug.test import EnvironBuilder

from core.errors import ActionError, UnavailableError
from core.events import RegistryChange
from core.settings import MlflowRegistry, Registry, Settings, VertexRegistry
from core.versions import AliasName, Metric, Version
from functions.adapters.events import encode
from functions.adapters.registries import record
from functions.adapters.registries.mlflow import MlflowModels
from functions.adapters.registries.register import configured, register
from functions.adapters.registries.vertex import VertexModels
from functions.command_intake.main import build
from functions.pipeline_monitor.main import build as pipeline_monitor
from tests.support.crash.breaking import Breaking, MemoryMetrics, MemoryStore
from tests.support.fakes.ports import MemoryPorts, posted, push
from tests.support.fakes.registered import SECRET, ForeignVersions
from tests.support.servers.answering import answering
from tests.support.servers.grpc_wire import Wire
from tests.support.servers.vertex_models import VertexModelServer

pytest_plugins = ["tests.support.servers.mlflow_server"]
pytestmark = pytest.mark.timeout(300)  # MLflow takes three seconds of a processor to start

_names = (f"flight-delay-{number}" for number in itertools.count())
AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
CHAMPION, CHALLENGER = AliasName.CHAMPION, AliasName.CHALLENGER
WINDOW = {"aia.reference_start": "2026-01-01T00:00:00Z", "aia.reference_end": "2026-05-01T00:00:00+00:00"}
PATIENCE = 60.0
"""Seconds: generous, since the machine may be busy; a test of an outage takes a short one."""
SHORT = 0.3


class MlflowCase:
    """MLflow behind a wire."""

    def __init__(self, port: int) -> None:
        self.wire = Wire(port)
        self.registry = self.patient(PATIENCE)

    def patient(self, patience: float) -> MlflowModels:
        return MlflowModels(MlflowRegistry(url=f"http://{self.wire.endpoint}", token="s3cret"), patience=patience)

    def lose_answer(self) -> None:
        self.wire.lose_answer_of(b"model-versions/create")

    def hang(self) -> None:
        self.wire.hold()

    def stop(self) -> None:
        self.wire.close()


class VertexCase:
    """Vertex AI's service, which is a wire itself."""

    def __init__(self) -> None:
        self.server = VertexModelServer()
        self.registry = self.patient(PATIENCE)

    def patient(self, patience: float) -> VertexModels:
        settings = VertexRegistry(project="aia-test", location="europe-west4")
        return VertexModels(settings, endpoint=self.server.endpoint, patience=patience)

    def lose_answer(self) -> None:
        self.server.lose_answer()

    def hang(self) -> None:
        self.server.hang()

    def stop(self) -> None:
        self.server.stop()


@pytest.fixture(params=["mlflow", "vertex"])
def case(request: pytest.FixtureRequest) -> Iterator[MlflowCase | VertexCase]:
    made = MlflowCase(request.getfixturevalue("mlflow_port")) if request.param == "mlflow" else VertexCase()
    yield made
    made.stop()


@pytest.fixture
def version() -> Version:
    """A version of a model that no other test has."""
    return Version(
        model=next(_names),
        version="2026-06-01.7",
        reference_start=datetime(2026, 1, 1, tzinfo=UTC),
        reference_end=datetime(2026, 5, 1, tzinfo=UTC),
        created_at=AT,
        run_id="train-flight-delay-20260601120000",
        pipeline="train-flight-delay",
        template="sha256:" + "0" * 64,
        git="e4de13d",
        trained_from=datetime(2026, 1, 1, tzinfo=UTC),
        trained_until=datetime(2026, 5, 1, tzinfo=UTC),
        parameters={"rounds": 300, "rate": 0.1, "hours": ["0", "6"], "note": "ä" * 7000},
        metrics={"auc": Metric(value=0.71, low=0.69, high=0.73), "log_loss": Metric(value=1e-9)},
        artifact_uri="gs://models/flight-delay/7",
        requested_by="finding:model/flight-delay:drift:2026-06-01T00:00:00Z",
        request_id="flight-delay:2026-06-01T11:00:00Z",
    )


def test_a_version_is_there_with_everything_that_it_was_registered_with(
    case: MlflowCase | VertexCase, version: Version
) -> None:
    case.registry.check()
    assert case.registry.versions(version.model) == []
    registered = case.registry.register(version)
    assert case.registry.get(version.model, version.version) == registered
    assert (registered.version, registered.number, registered.fault) == (version, "1", "")
    assert version.model in registered.uri
    assert case.registry.get(version.model, "other") is None


def test_a_version_is_registered_once(case: MlflowCase | VertexCase, version: Version) -> None:
    for again in (version, replace(version, git="other")):
        assert case.registry.register(again).version == version
    assert len(case.registry.versions(version.model)) == 1


def test_a_version_whose_answer_was_lost_is_registered_once(case: MlflowCase | VertexCase, version: Version) -> None:
    case.registry.register(version)
    case.lose_answer()
    later = replace(version, version="8")
    with pytest.raises(UnavailableError):
        case.registry.register(later)
    assert case.registry.register(later).version == later
    assert [one.version for one in case.registry.versions(version.model)] == [version, later]


def test_the_first_version_of_a_model_survives_a_lost_answer(case: MlflowCase | VertexCase, version: Version) -> None:
    case.lose_answer()
    with pytest.raises(UnavailableError):
        case.registry.register(version)
    assert case.registry.register(version).version == version
    assert len(case.registry.versions(version.model)) == 1


def test_versions_are_listed_in_the_order_of_their_registration(
    case: MlflowCase | VertexCase, version: Version
) -> None:
    for name in ("c", "a", "10", "9", "é: 1"):
        case.registry.register(replace(version, version=name))
    found = case.registry.versions(version.model)
    assert [one.version.version for one in found if one.version] == ["c", "a", "10", "9", "é: 1"]
    assert [one.number for one in found] == ["1", "2", "3", "4", "5"]


def test_an_alias_is_that_of_one_version(case: MlflowCase | VertexCase, version: Version) -> None:
    names = ("7", "8")
    for name in names:
        case.registry.register(replace(version, version=name))
    for alias, name in ((CHAMPION, "7"), (CHALLENGER, "8"), (CHAMPION, "8"), (CHAMPION, "8")):
        case.registry.set_alias(version.model, alias, name)
    seven, eight = case.registry.versions(version.model)
    assert {CHAMPION, CHALLENGER} & {*seven.aliases} == set()
    assert {*eight.aliases} >= {CHAMPION, CHALLENGER}
    for _ in range(2):
        case.registry.set_alias(version.model, CHALLENGER, None)
    assert CHALLENGER not in case.registry.versions(version.model)[1].aliases
    assert CHAMPION in case.registry.versions(version.model)[1].aliases


def test_an_alias_of_an_unknown_version_is_refused(case: MlflowCase | VertexCase, version: Version) -> None:
    case.registry.register(version)
    with pytest.raises(ActionError, match=r"must have version '9'"):
        case.registry.set_alias(version.model, CHAMPION, "9")
    with pytest.raises(ActionError, match=r"must have version '9'"):
        case.registry.set_alias("nothing", CHAMPION, "9")


def test_a_name_that_the_registry_does_not_take_is_refused(case: MlflowCase | VertexCase, version: Version) -> None:
    with pytest.raises(ActionError, match="a/b"):
        case.registry.register(replace(version, model="a/b"))


@pytest.mark.parametrize("outage", ["hang", "stop"])
def test_a_registry_that_does_not_answer_is_unavailable(
    case: MlflowCase | VertexCase, version: Version, outage: str
) -> None:
    impatient = case.patient(SHORT)
    getattr(case, outage)()
    acts = (
        impatient.check,
        lambda: impatient.register(version),
        lambda: impatient.get(version.model, "7"),
        lambda: impatient.versions(version.model),
        lambda: impatient.set_alias(version.model, CHAMPION, "7"),
    )
    for act in acts:
        with pytest.raises(UnavailableError) as caught:
            act()
        assert "s3cret" not in str(caught.value)


def test_two_processes_that_register_versions_do_not_lose_one(case: MlflowCase | VertexCase, version: Version) -> None:
    versions = [replace(version, version=str(number)) for number in range(4)]
    with ThreadPoolExecutor(4) as pool:
        outcomes = [pool.submit(case.patient(PATIENCE).register, one) for one in versions]
    failed = [one.exception() for one in outcomes if one.exception()]
    assert all(isinstance(error, UnavailableError | ActionError) for error in failed), failed
    for one in versions:  # who was overtaken comes again
        case.registry.register(one)
    found = [one.version.version for one in case.registry.versions(version.model) if one.version]
    assert sorted(found) == ["0", "1", "2", "3"]


NONSENSE = (
    b"{}",
    b"[]",
    b"",
    b"<html>",
    b'{"registered_model": 3}',
    b'{"model_versions": [{}]}',
    b'{"model_versions": 7}',
)


@pytest.mark.parametrize("body", NONSENSE)
def test_what_answers_in_the_place_of_mlflow_is_an_outage(version: Version, body: bytes) -> None:
    with answering(200, body) as other:
        registry = MlflowModels(MlflowRegistry(url=other.url), patience=SHORT)
        with pytest.raises(UnavailableError, match="mlflow: "):
            registry.register(version)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, ActionError), (401, ActionError), (404, ActionError), (429, UnavailableError), (503, UnavailableError)],
)
def test_a_refusal_is_final_and_an_outage_passes(version: Version, status: int, kind: type[Exception]) -> None:
    with answering(status, b"no") as other:
        registry = MlflowModels(MlflowRegistry(url=other.url, token="s3cret"), patience=SHORT)
        with pytest.raises(kind, match=str(status)) as caught:
            registry.versions(version.model)
    assert "s3cret" not in str(caught.value)


def test_vertex_refuses_without_the_permission(version: Version) -> None:
    case = VertexCase()
    case.server.deny()
    with pytest.raises(ActionError, match="Permission"):
        case.registry.register(version)
    case.stop()


def test_a_version_without_our_label_is_listed_with_the_reason(version: Version) -> None:
    case = VertexCase()
    case.server.add_foreign(version.model)
    [foreign] = case.registry.versions(version.model)
    assert (foreign.version, foreign.fault) == (None, "label aia-version: must be given")
    assert case.registry.register(version).number == "2"
    case.stop()


@pytest.fixture
def world(mlflow_port: int) -> ForeignVersions:
    return ForeignVersions(mlflow_port)


def test_a_version_of_somebody_else_becomes_a_row_once(world: ForeignVersions) -> None:
    world.register(**WINDOW, **{"aia.requested_by": "person:ann"})
    for _ in range(3):
        world.registered.poll()
    [row] = world.table.rows.values()
    assert (row["model"], row["version"], row["registry"]) == (world.model, "1", "mlflow")
    assert (row["registry_uri"], row["requested_by"]) == (f"models:/{world.model}/1", "person:ann")
    assert json.loads(row["metrics"]) == {
        "auc": {"value": 0.7, "low": 0.68, "high": 0.72},
        "epochs": {"value": 3.0, "low": None, "high": None},
    }
    assert (json.loads(row["parameters"]), row["reference_end"]) == (
        {"rounds": "300"},
        datetime(2026, 5, 1, tzinfo=UTC),
    )
    assert (world.table.writes, world.parked.letters) == (1, [])


def test_a_version_that_is_not_understood_is_parked_once_and_taken_when_it_is(world: ForeignVersions) -> None:
    number = world.register()
    for _ in range(2):
        world.registered.poll()
    assert len(world.parked.reasons) == 1
    assert "tag aia.reference_start: must be given" in world.parked.reasons[0]
    world.tag(number, **WINDOW)
    world.registered.poll()
    assert [*world.table.rows] == [(world.model, number)]


def test_versions_of_other_models_and_our_own_are_passed_over(world: ForeignVersions, mlflow_port: int) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    ours = Version(model=world.model, version="8", reference_start=at, reference_end=at.replace(day=2), created_at=at)
    world.registered.registry.register(ours)
    other = ForeignVersions(mlflow_port)
    other.register(**WINDOW)
    world.registered.poll()
    assert (world.table.rows, world.parked.letters) == ({}, [])


def test_what_the_warehouse_did_not_take_is_taken_by_the_next_poll(world: ForeignVersions) -> None:
    world.register(**WINDOW)
    world.table.down = True
    world.registered.poll()
    world.table.down = False
    world.registered.poll()
    assert len(world.table.rows) == 1


class Bus:
    def __init__(self) -> None:
        self.published: list[tuple[str, Any]] = []

    def publish(self, topic: str, event: Any, **_: str) -> None:
        self.published.append((topic, event))


def test_a_webhook_of_mlflow_is_checked_published_and_taken_once(world: ForeignVersions) -> None:
    events = [{"entity": "MODEL_VERSION", "action": "CREATED"}]
    with answering() as inbox:
        hook = {"name": "aia", "url": f"{inbox.url}/mlflow", "events": events, "secret": SECRET}
        world.api.create("webhooks", hook)
        world.register(**WINDOW)
        waiting = threading.Event()
        for _ in range(1200):
            if inbox.requests or waiting.wait(0.05):
                break
    [sent, *_] = inbox.requests
    bus = Bus()
    settings = Settings(jobs={}, registry=Registry(mlflow=world.settings))
    ports = MemoryPorts(
        function="command_intake",
        metrics=MemoryMetrics(Breaking(now=datetime.now(UTC))),
        store=MemoryStore(Breaking(now=datetime.now(UTC))),
        settings=settings,
    )
    answer = build(ports, bus=lambda: bus)
    assert answer(sent).status_code == 200
    headers = [(name, value) for name, value in sent.headers.items() if name != "Content-Length"]
    forged = EnvironBuilder(method="POST", path="/mlflow", data=sent.get_data() + b" ", headers=headers)
    assert answer(flask.Request(forged.get_environ())).status_code == 401
    [(topic, change)] = bus.published
    assert (topic, change.registry, change.model, change.number) == ("pipeline-runs", "mlflow", world.model, "1")
    monitor = pipeline_monitor(
        MemoryPorts(
            function="pipeline_monitor",
            metrics=ports.metrics,
            store=world.registered.store,
            warehouse=world.table,
            settings=settings,
            models=world,
        )
    )
    for _ in range(2):
        assert monitor(posted(push(encode(change))))[1] == 204
    world.registered.poll()
    assert (len(world.table.rows), world.table.writes) == (1, 1)
    gone = RegistryChange(registry="mlflow", model="nothing", number="1", changed_at=change.changed_at)
    world.registered.take(gone)


def test_a_registration_that_is_killed_is_completed_by_the_next_one(world: ForeignVersions, version: Version) -> None:
    settings = Registry(mlflow=world.settings)
    world.table.down = True
    with pytest.raises(UnavailableError, match="BigQuery"):
        register(version, settings, world.table)
    world.table.down = False
    known = register(version, settings, world.table)
    assert (known.registry, known.registry_uri) == ("mlflow", f"models:/{version.model}/1")
    assert register(version, settings, world.table) == known
    [row] = world.table.rows.values()
    assert record.from_row(row) == known
    assert len(world.registered.registry.versions(version.model)) == 1


def test_the_environment_names_another_server(world: ForeignVersions, monkeypatch: pytest.MonkeyPatch) -> None:
    assert configured(None) is None
    monkeypatch.setenv("AIA_MLFLOW_URL", world.settings.url)
    elsewhere = Registry(mlflow=MlflowRegistry(url="https://mlflow.example.com", token="s3cret"))
    assert [configured(settings) for settings in (None, elsewhere)] == [
        Registry(mlflow=MlflowRegistry(url=world.settings.url))
    ] * 2
