"""An outage of a registry of versions is a finding: Vertex AI's service and MLflow's API, down, slow, or something else in their place."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.events import Event, Finding, Status, Tick
from core.settings import MlflowRegistry, VertexRegistry
from functions.adapters.registries.mlflow import MlflowModels
from functions.adapters.registries.port import ModelRegistry
from functions.adapters.registries.vertex import VertexModels
from functions.pipeline_monitor.monitor import handle
from functions.pipeline_monitor.registries import RegistryChecks
from functions.services.detection import Tracker
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes.pipelines import World
from tests.support.servers.answering import answering
from tests.support.servers.vertex_models import VertexModelServer

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
SHORT = 0.3
"""Seconds that a registry has to answer."""


class Checks:
    """The checks of registries by the ticks of every minute, and the findings that they publish."""

    def __init__(self, *registries: ModelRegistry) -> None:
        self.registries = list(registries)
        self.findings: list[Finding] = []
        tracker = Tracker(MemoryStore(Breaking(now=AT)), self)
        self.checks = RegistryChecks(registries=lambda: self.registries, tracker=tracker)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        assert topic == "findings"
        assert isinstance(event, Finding)
        self.findings.append(event)

    def tick(self, minute: int) -> frozenset[str]:
        return self.checks.look(AT + timedelta(minutes=minute))

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(one.target, one.status.value, one.evidence["reason"]) for one in self.findings]


def vertex(server: VertexModelServer, patience: float) -> VertexModels:
    settings = VertexRegistry(project="aia-test", location="europe-west4")
    return VertexModels(settings, endpoint=server.endpoint, patience=patience)


@pytest.mark.parametrize("outage", ["hang", "stop", "deny"])
def test_an_outage_is_told_once_and_resolved_by_the_first_answer(outage: str) -> None:
    server, again = VertexModelServer(), VertexModelServer()
    checks = Checks(vertex(server, 60))
    assert checks.tick(0) == {"vertex"}
    getattr(server, outage)()
    checks.registries = [vertex(server, SHORT)]
    for minute in (1, 1, 2):  # one tick is delivered twice
        assert checks.tick(minute) == frozenset()
    assert checks.told == []
    for minute in (3, 4, 5):
        checks.tick(minute)
    reason = "refused" if outage == "deny" else "unavailable"
    assert checks.told == [("registry/vertex", "firing", reason)]
    checks.registries = [vertex(again, 60)]
    for minute in (6, 2, 7):  # and one comes late
        assert checks.tick(minute) == {"vertex"}
    assert checks.told[1:] == [("registry/vertex", "resolved", "answers")]
    server.stop()
    again.stop()


@contextmanager
def slow() -> Iterator[str]:
    """A server that takes requests and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def down() -> Iterator[str]:
    """A port that nothing listens on any more."""
    with slow() as url:
        pass
    yield url


def saying(status: int, body: bytes) -> Callable[[], AbstractContextManager[str]]:
    @contextmanager
    def other() -> Iterator[str]:
        with answering(status, body) as running:
            yield running.url

    return other


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        pytest.param(down, "unavailable", id="down"),
        pytest.param(slow, "unavailable", id="slow"),
        pytest.param(saying(200, b"<html>"), "unavailable", id="no JSON"),
        pytest.param(saying(200, b'{"registered_models": 7}'), "unavailable", id="other JSON"),
        pytest.param(saying(503, b""), "unavailable", id="503"),
        pytest.param(saying(401, b""), "refused", id="401"),
    ],
)
def test_what_is_no_answer_of_mlflow_is_an_outage_until_the_settings_do_without_it(
    place: Callable[[], AbstractContextManager[str]], reason: str
) -> None:
    with place() as url:
        checks = Checks(MlflowModels(MlflowRegistry(url=url, token="s3cret"), patience=SHORT))
        for minute in range(4):
            assert checks.tick(minute) == frozenset()
    assert checks.told == [("registry/mlflow", "firing", reason)]
    assert "s3cret" not in checks.findings[0].summary
    checks.registries.clear()
    for minute in (4, 5):
        checks.tick(minute)
    assert checks.told[1:] == [("registry/mlflow", "resolved", "removed")]


def tick(minute: int) -> Tick:
    return Tick(job="pipeline_monitor", scheduled_at=AT + timedelta(minutes=minute))


def test_an_outage_ends_where_the_settings_do_without_any_registry() -> None:
    world = World()
    with down() as url:
        mlflow = MlflowModels(MlflowRegistry(url=url), patience=SHORT)
        for minute in range(3):
            handle(replace(world.monitor, registries=lambda: [mlflow]), tick(minute))
    assert [one.status for one in world.outside.published] == [Status.FIRING]
    handle(world.monitor, tick(3))
    assert [one.status for one in world.outside.published] == [Status.FIRING, Status.RESOLVED]
