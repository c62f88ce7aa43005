"""The action flush_cache: Redis's own client against a real redis-server."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from core.actions.plan import Health
from core.errors import ActionError, SettingsError, UnavailableError
from core.events import ActionRequest
from core.settings import Resource
from functions.adapters.actions import redis_cache
from functions.adapters.actions.flush_cache import NOTE, FlushCache
from functions.adapters.actions.redis_cache import SAMPLE, Caches
from functions.adapters.actions.registry import Action
from tests.contract.pubsub_fixtures import await_that
from tests.support.checks.action_conformance import KEY, ActionSuite, FinalSuite, request
from tests.support.servers.redis_server import Line, Server, line_to, redis_server
from tests.support.servers.targets import free_port

SOON = 0.3
"""Seconds of patience, for tests in which nothing answers."""
TARGET = "service/checkout"


@dataclass
class CacheWorld:
    """A cache with sessions and carts, whose carts are flushed, behind a line that can break."""

    server: Server
    line: Line
    action: Action
    hasty: Action
    request: ActionRequest

    def snapshot(self) -> Any:
        return [key for key in self.server.names() if not key.startswith(NOTE)]

    restored = snapshot

    def effects(self) -> int:
        return self.server.effects()

    def interfere(self) -> None:
        self.server.admin.replicaof("127.0.0.1", free_port())

    def settle(self) -> None: ...

    def spoil(self) -> None:
        """A replica takes over that knew nothing of it."""
        self.server.admin.delete(f"{NOTE}{self.request.id}")
        self.server.fill("cart:", 20)

    def deny(self) -> None:
        self.server.admin.config_set("requirepass", "hunter2")

    def hang(self) -> None:
        self.server.hang()

    def stop(self) -> None:
        self.server.stop()

    def lose_answer(self) -> None:
        self.line.losing = (b"UNLINK", b"FLUSHDB")


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Server]:
    with redis_server(tmp_path) as server:
        yield server


def flush(address: str, prefix: str = "cart:", **options: Any) -> FlushCache:
    return FlushCache({TARGET: Resource(redis=address, prefix=prefix)}, Caches(**options))


@contextmanager
def cached(server: Server, prefix: str) -> Iterator[CacheWorld]:
    server.fill("cart:", 20)
    with line_to(server.address) as line:
        action, hasty = flush(line.address, prefix), flush(line.address, prefix, patience=SOON)
        yield CacheWorld(server, line, action, hasty, request("flush_cache", TARGET))


class TestFlushOfAPrefix(ActionSuite, FinalSuite):
    @pytest.fixture
    def world(self, cache: Server) -> Iterator[CacheWorld]:
        cache.fill("session:", 5)
        with cached(cache, "cart:") as world:
            yield world


class TestFlushOfAll(ActionSuite, FinalSuite):
    @pytest.fixture
    def world(self, cache: Server) -> Iterator[CacheWorld]:
        with cached(cache, "") as world:
            yield world


def sent(server: Server, command: str) -> int:
    return int(server.admin.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"])


def test_only_keys_that_begin_with_the_prefix_are_deleted(cache: Server) -> None:
    for prefix in ("a*:", "ab:", "a[b]:", "a\\:", "a?:"):
        cache.fill(prefix, 2)
    for prefix in ("a*:", "a[b]:", "a\\:", "a?:"):
        action = flush(cache.address, prefix)
        plan = action.plan(replace(request("flush_cache", TARGET), incident_id=prefix))
        assert plan.state["keys"] == "2"
        action.apply(plan, KEY)
    assert [key for key in cache.names() if not key.startswith(NOTE)] == ["ab:0", "ab:1"]
    assert sent(cache, "flushdb") == sent(cache, "flushall") == 0


def test_only_the_database_of_the_address_is_flushed(cache: Server) -> None:
    cache.fill("cart:", 3)
    with Redis(port=int(cache.address.split(":")[1]), db=2, protocol=2) as other:
        other.set("cart:0", "value")
        action = flush(f"{cache.address}/2", "")
        action.apply(action.plan(request("flush_cache", TARGET)), KEY)
        assert other.exists("cart:0") == 0
    assert cache.names() == ["cart:0", "cart:1", "cart:2"]


def test_a_cache_that_filled_itself_again_is_not_flushed_again_under_the_same_key(cache: Server) -> None:
    cache.fill("cart:", 20)
    action = flush(cache.address)
    plan = action.plan(request("flush_cache", TARGET))
    action.apply(plan, KEY)
    cache.fill("cart:", 20)
    assert "before" in action.apply(plan, KEY)
    assert len(cache.names()) == 21  # with the note
    assert action.verify(plan).health is Health.GOOD


def test_the_note_goes_by_itself(cache: Server) -> None:
    cache.fill("cart:", 1)
    action = flush(cache.address)
    action.apply(action.plan(request("flush_cache", TARGET)), KEY)
    [note] = cache.names()
    assert 0 < cache.admin.ttl(note) <= 86_400


def test_a_flush_that_takes_longer_than_a_call_goes_on_when_called_again(cache: Server) -> None:
    cache.fill("cart:", 500)
    action = flush(cache.address, seconds=0, batch=20)
    plan = action.plan(request("flush_cache", TARGET))
    left = [500]
    while left[-1]:
        with suppress(UnavailableError):
            action.apply(plan, KEY)
        left.append(len([key for key in cache.names() if not key.startswith(NOTE)]))
        assert len(left) < 100
    assert left == sorted(left, reverse=True)
    assert len(set(left)) > 5


def test_a_call_that_ran_out_of_time_says_so_and_the_flush_is_not_done(cache: Server) -> None:
    cache.fill("cart:", 500)
    action = flush(cache.address, seconds=0, batch=20)
    plan = action.plan(request("flush_cache", TARGET))
    with pytest.raises(UnavailableError, match="and there are more"):
        action.apply(plan, KEY)
    assert action.verify(plan).health is Health.BAD


def test_a_server_that_was_started_anew_is_looked_through_from_the_beginning(cache: Server) -> None:
    cache.fill("cart:", 500)
    action = flush(cache.address, seconds=0, batch=20)
    plan = action.plan(request("flush_cache", TARGET))
    with suppress(UnavailableError):
        action.apply(plan, KEY)
    note = cache.admin.get(plan.state["note"])
    assert isinstance(note, bytes)
    run_id = cache.admin.info("server")["run_id"].encode()
    cache.admin.set(plan.state["note"], note.replace(run_id, b"another").replace(b" 0", b" 1"))
    patient = flush(cache.address)
    patient.apply(plan, KEY)
    assert cache.names() == [plan.state["note"]]


def test_a_large_cache_is_estimated_by_a_sample(cache: Server) -> None:
    cache.fill("cart:", 3 * SAMPLE)
    cache.fill("session:", SAMPLE)
    plan = flush(cache.address).plan(request("flush_cache", TARGET))
    assert plan.steps[0].before.startswith("about ")
    assert int(plan.state["keys"]) == pytest.approx(3 * SAMPLE, rel=0.05)
    assert sent(cache, "scan") <= 12


def test_an_empty_cache_leaves_nothing_to_do(cache: Server) -> None:
    cache.fill("session:", 3)
    plan = flush(cache.address).plan(request("flush_cache", TARGET))
    assert (plan.steps, plan.touched) == ((), 0)


def test_a_cache_that_is_full_can_be_flushed(cache: Server) -> None:
    cache.fill("cart:", 20)
    action = flush(cache.address)
    plan = action.plan(request("flush_cache", TARGET))
    cache.admin.config_set("maxmemory", "1")  # no room for a note
    action.apply(plan, KEY)
    assert cache.names() == []
    assert action.verify(plan).health is Health.GOOD


def test_a_server_that_is_busy_with_a_script_may_be_asked_later(cache: Server) -> None:
    cache.fill("cart:", 2)
    cache.admin.config_set("busy-reply-threshold", "50")
    port = int(cache.address.split(":")[1])
    endless = threading.Thread(target=_never_end, args=(port,))
    endless.start()
    await_that(lambda: _is_busy(cache), "a server that is busy")
    with pytest.raises(UnavailableError, match="BUSY"):
        flush(cache.address).plan(request("flush_cache", TARGET))
    cache.stop()
    endless.join(timeout=30)


def _never_end(port: int) -> None:
    with suppress(RedisError), Redis(port=port, protocol=2, socket_timeout=60, retry=Retry(NoBackoff(), 0)) as client:
        client.eval("while true do end", 0)


def _is_busy(cache: Server) -> bool:
    try:
        cache.admin.ping()
    except RedisError as error:
        return str(error).startswith("BUSY")
    return False


def test_a_node_of_a_cluster_is_refused(tmp_path: Path) -> None:
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    with redis_server(tmp_path, *options) as server, pytest.raises(ActionError, match="must be a standalone server"):
        flush(server.address).plan(request("flush_cache", TARGET))


def test_a_password_is_used_and_never_told(cache: Server) -> None:
    cache.fill("cart:", 2)
    cache.admin.config_set("requirepass", "hunter2")
    assert flush(cache.address, password="hunter2").plan(request("flush_cache", TARGET)).state["keys"] == "2"
    with pytest.raises(ActionError, match="refused") as refused:
        flush(cache.address, password="hunter3").plan(request("flush_cache", TARGET))
    assert "hunter" not in str(refused.value)


@pytest.mark.parametrize("address", ["127.0.0.1", "redis://host:6379", "user:pw@host:6379", "host:6379/x", ""])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ActionError, match="redis: must be"):
        flush(address).plan(request("flush_cache", TARGET))


def test_a_cache_is_spoken_to_by_tls_and_must_prove_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority, port = trustme.CA(), free_port()
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "certificate.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    options = [
        "--tls-port",
        str(port),
        "--tls-auth-clients",
        "no",
        "--tls-ca-cert-file",
        str(tmp_path / "authority.pem"),
    ]
    options += ["--tls-cert-file", str(tmp_path / "certificate.pem"), "--tls-key-file", str(tmp_path / "key.pem")]
    monkeypatch.setenv("AIA_REDIS_TLS", "1")
    resources = {TARGET: Resource(redis=f"127.0.0.1:{port}")}
    with redis_server(tmp_path, *options) as server:
        server.fill("cart:", 2)
        with pytest.raises(UnavailableError, match=r"(?i)certificate"):
            FlushCache(resources).plan(request("flush_cache", TARGET))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        assert FlushCache(resources).plan(request("flush_cache", TARGET)).state["keys"] == "2"


def test_a_switch_that_is_neither_on_nor_off_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIA_REDIS_TLS", "yes")
    with pytest.raises(SettingsError, match="AIA_REDIS_TLS"):
        redis_cache.connect()
