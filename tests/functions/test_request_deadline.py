"""No call of a function starts after the deadline of its request, or is waited for beyond it."""

import contextvars
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import flask
import pytest
import requests
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from core.errors import DeadlineError, UnavailableError
from core.events import Tick
from core.settings import MlflowRegistry
from core.settings.channels import EmailChannel
from functions.adapters import request_deadline
from functions.adapters.actions.cloud_logging import Logs
from functions.adapters.actions.redis_cache import Caches, Size
from functions.adapters.actions.run import Services
from functions.adapters.bus import open_bus
from functions.adapters.firestore_store import FirestoreStore
from functions.adapters.json_api import JsonApi
from functions.adapters.ledger import COLLECTION, EffectOutcome, Ledger
from functions.adapters.metrics import EVERY, CloudMetrics
from functions.adapters.notify.email import Email
from functions.adapters.notify.http_client import post
from functions.adapters.ports import PubsubMessage
from functions.adapters.postgresql_store import PostgresqlStore
from functions.adapters.prometheus import Prometheus
from functions.adapters.registries.mlflow_api import MlflowApi
from functions.adapters.request_deadline import RESERVE
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.warehouse import BigQueryWarehouse
from functions.runtime import deadlines
from functions.runtime.endpoint import on_tick, serve
from tests.support.builders.letters import MESSAGE
from tests.support.fakes.clock import START, FakeClock, Seconds
from tests.support.fakes.ports import MemoryPorts, push
from tests.support.fakes.recorders import RecordingMetrics
from tests.support.servers.silent import silent

PATIENCE = 60.0
"""Seconds: far more than the server of these tests, which gives up by itself after 20."""
TICK = b'{"type": "tick", "version": 1, "job": "test", "scheduled_at": "2026-01-02T03:00:00Z"}'
Call = Callable[[], object]


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


def test_a_call_takes_what_is_left_and_none_starts_afterwards(clock: Seconds) -> None:
    with request_deadline.request(60, clock=clock):
        assert request_deadline.within(30) == 30
        clock.now += 40
        assert request_deadline.within(30) == 60 - RESERVE - 40
        clock.now += 60 - RESERVE - 40
        assert request_deadline.is_over()
        with pytest.raises(DeadlineError, match="60 s of this request are over"):
            request_deadline.within(30)
        with request_deadline.closing():
            assert request_deadline.within(30) == RESERVE
    assert request_deadline.within(30) == 30


def test_a_request_is_shortened_from_its_beginning_and_never_prolonged(clock: Seconds) -> None:
    with request_deadline.request(300, clock=clock):
        clock.now += 10
        with request_deadline.shortened(60):
            assert request_deadline.within(1000) == 60 - RESERVE - 10
            with request_deadline.shortened(600), request_deadline.shortened(None):
                assert request_deadline.within(1000) == 60 - RESERVE - 10
        assert request_deadline.within(1000) == 300 - RESERVE - 10


def test_a_thread_has_the_deadline_of_its_context_only(clock: Seconds) -> None:
    with request_deadline.request(60, clock=clock), ThreadPoolExecutor(1) as pool:
        assert pool.submit(contextvars.copy_context().run, request_deadline.within, 90.0).result() == 60 - RESERVE
        assert pool.submit(request_deadline.within, 90.0).result() == 90


def test_a_message_has_the_deadline_of_its_subscription(monkeypatch: pytest.MonkeyPatch, clock: Seconds) -> None:
    left: list[float] = []

    def handle(_: Tick) -> None:
        left.append(request_deadline.within(1000))
        clock.now += 60
        request_deadline.within(1000)

    monkeypatch.setenv(deadlines.ACKNOWLEDGEMENT, '{"s": 60, "other": 10}')
    answer = on_tick(MemoryPorts(function="test", metrics=RecordingMetrics()), handle)
    with request_deadline.request(300, clock=clock):
        assert answer(flask.Request.from_values(data=push(TICK), method="POST")) == ("unavailable", 503)
        assert request_deadline.within(1000) == 300 - RESERVE - 60
    assert left == [60 - RESERVE]


@pytest.mark.parametrize("given", ["", "nonsense", "[]", '{"s": "soon"}'])
def test_an_environment_without_deadlines_sets_none(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (deadlines.ACKNOWLEDGEMENT, deadlines.TIMEOUT, deadlines.TIMEOUTS):
        monkeypatch.setenv(name, given)
    assert (deadlines.of_subscription("s"), deadlines.of_function("s")) == (None, None)


def test_each_function_of_a_process_has_its_own_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(deadlines.TIMEOUTS, '{"quick": 60, "slow": 300}')
    functions = {
        name: serve(name, lambda _: lambda _: f"{request_deadline.within(1000):.0f}") for name in ("quick", "slow")
    }
    requests = {name: flask.Request.from_values(method="POST") for name in functions}
    assert {name: answer(requests[name]) for name, answer in functions.items()} == {"quick": "55", "slow": "295"}
    monkeypatch.setenv(deadlines.TIMEOUT, "120")
    assert [deadlines.of_function(name) for name in ("quick", "slow", "other")] == [60, 120, 120]


def test_a_claim_is_released_after_the_deadline(tmp_path: Path, clock: Seconds) -> None:
    store = SqliteStore(str(tmp_path / "store"))
    ledger = Ledger(store, FakeClock(), "test")

    def effect() -> None:
        clock.now += 60 - RESERVE
        store.get("any", "key")

    with request_deadline.request(60, clock=clock), pytest.raises(DeadlineError):
        ledger.once("key", effect)
    assert store.find(COLLECTION) == []


def test_an_effect_that_took_all_the_time_is_confirmed_and_not_repeated(tmp_path: Path, clock: Seconds) -> None:
    ledger = Ledger(SqliteStore(str(tmp_path / "store")), FakeClock(), "test")
    performed: list[float] = []

    def effect() -> None:
        performed.append(clock.now)
        clock.now += 60 - RESERVE

    for _ in range(2):
        with request_deadline.request(60, clock=clock):
            outcome = ledger.once("key", effect)
    assert (outcome, len(performed)) == (EffectOutcome.SKIPPED, 1)


def _http(act: Callable[[str], object]) -> Callable[[int], Call]:
    return lambda port: lambda: act(f"http://127.0.0.1:{port}")


def _bigquery(port: int) -> BigQueryWarehouse:
    options = {"api_endpoint": f"http://127.0.0.1:{port}"}
    client = bigquery.Client("p", AnonymousCredentials(), client_options=options)  # type: ignore[no-untyped-call] # google.auth has no types here
    return BigQueryWarehouse(client, patience=PATIENCE, request_timeout=PATIENCE, timeout=PATIENCE)


def _metrics(port: int) -> Call:
    metrics = CloudMetrics(function="f", project="p", location="l", endpoint=f"127.0.0.1:{port}")
    metrics.gauge("aia_function_seconds", 1.0, function="f")
    return lambda: metrics._send(metrics._take(START, standing=True, gap=EVERY), PATIENCE)


CALLS: dict[str, Callable[[int], Call]] = {
    "prometheus": _http(
        lambda url: Prometheus(name="p", url=url, open_session=requests.Session, patience=PATIENCE).instant("up", at=1)
    ),
    "json api": _http(
        lambda url: JsonApi("api", requests.Session, url=url, patience=PATIENCE).get("/v1/things", dict[str, str])
    ),
    "webhook": _http(lambda url: post("hook", url, b"{}", seconds=PATIENCE)),
    "mlflow": _http(lambda url: MlflowApi(MlflowRegistry(url=url), patience=PATIENCE).get("registered-models/get")),
    "mail": lambda port: (
        lambda: Email(
            EmailChannel(name="m", host="127.0.0.1", port=port, sender="a@b.example", to=("c@d.example",)), PATIENCE
        ).send(MESSAGE)
    ),
    "statement": lambda port: lambda: _bigquery(port).query("SELECT 1"),
    "rows": lambda port: lambda: _bigquery(port).append("d.t", [{"a": 1}]),
    "bus": lambda _: lambda: open_bus("p", patience=PATIENCE).publish_raw("t", [PubsubMessage(b"{}", {})]),
    "store": lambda _: lambda: FirestoreStore("p", patience=PATIENCE).get("c", "k"),
    "store on postgresql": lambda port: (
        lambda: PostgresqlStore(f"postgresql://a@127.0.0.1:{port}/d", patience=PATIENCE).get("c", "k")
    ),
    "run": lambda port: lambda: Services(endpoint=f"127.0.0.1:{port}", patience=PATIENCE).get("services/s"),
    "logs": lambda port: lambda: Logs("p", endpoint=f"127.0.0.1:{port}", patience=PATIENCE).newest("", 1, "logs"),
    "cache": lambda port: lambda: _sized(Caches(patience=PATIENCE), f"127.0.0.1:{port}"),
}


def _sized(caches: Caches, address: str) -> Size:
    with caches.open(address) as cache:
        return cache.size("")


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    def emulate(port: int) -> None:
        for name in ("PUBSUB_EMULATOR_HOST", "FIRESTORE_EMULATOR_HOST"):
            monkeypatch.setenv(name, f"127.0.0.1:{port}")

    return emulate


@pytest.mark.parametrize("name", CALLS)
def test_a_call_to_what_never_answers_ends_with_the_request(name: str, emulated: Callable[[int], None]) -> None:
    with silent() as server:
        emulated(server.port)
        call = CALLS[name](server.port)
        with request_deadline.request(RESERVE + 0.2), pytest.raises(DeadlineError):
            call()
        assert not server.given_up.is_set()


@pytest.mark.parametrize("name", CALLS)
def test_no_call_starts_after_the_deadline(name: str, emulated: Callable[[int], None]) -> None:
    with silent() as server:
        emulated(server.port)
        call = CALLS[name](server.port)
        with request_deadline.request(RESERVE), pytest.raises(DeadlineError):
            call()
        assert server.taken == []


@pytest.mark.parametrize("name", ["prometheus", "json api", "webhook", "mlflow"])
def test_an_answer_that_drips_ends_with_the_request(name: str) -> None:
    with silent(drips=True) as server:
        call = CALLS[name](server.port)
        with (
            request_deadline.request(RESERVE + 0.2),
            suppress(UnavailableError),
        ):  # a channel takes the status for the answer
            call()
        assert not server.given_up.is_set()


def test_metrics_are_sent_with_what_is_kept_back(emulated: Callable[[int], None]) -> None:
    with silent() as server:
        send = _metrics(server.port)
        with request_deadline.request(0.2), request_deadline.closing():
            assert send() is False
        assert not server.given_up.is_set()
