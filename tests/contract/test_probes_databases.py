"""Probes of PostgreSQL and Redis against real servers, good and bad."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme

from core.health import ProbeReason, ProbeResult
from core.settings import Address
from core.settings.probes import DatabaseEncryption, ExpectPostgresql, ExpectRedis, PostgresqlProbe, RedisProbe
from functions.adapters.probes import postgresql, redis
from tests.support.servers.postgresql_server import PASSWORD, USER, Database, database, owned_folder, standby
from tests.support.servers.redis_server import Server, redis_server
from tests.support.servers.targets import ON_HERE, free_port

pytest_plugins = ["tests.support.servers.target_fixtures"]
SHORT = timedelta(seconds=0.5)
AUTHORITY = trustme.CA()


@pytest.fixture(scope="module")
def primary() -> Iterator[Database]:
    with owned_folder() as folder, database(folder, AUTHORITY.issue_cert("localhost")) as server:
        server.execute("CREATE DATABASE shop", "GRANT pg_monitor TO plain")
        yield server


def of(server: Database | int, **changes: Any) -> PostgresqlProbe:
    port = server if isinstance(server, int) else server.port
    probe = PostgresqlProbe(
        name="db",
        address=Address(host="localhost", port=port),
        user=USER,
        password=PASSWORD,
        encryption=DatabaseEncryption.REQUIRE,
        **ON_HERE,
    )
    return replace(probe, **changes)


def plain(server: Database, **changes: Any) -> PostgresqlProbe:
    return of(server, user="plain", password="", encryption=DatabaseEncryption.NONE, **changes)


def reasons(*results: ProbeResult) -> list[ProbeReason]:
    return [result.reason for result in results]


def test_a_database_that_answers_is_up_and_its_connections_are_measured(primary: Database) -> None:
    result = postgresql.check(of(primary))
    assert (result.ok, result.detail) == (True, f"localhost:{primary.port} answers")
    with psycopg.connect(primary.conninfo), psycopg.connect(primary.conninfo):
        # With this one three of twenty; connections that were closed before may still count.
        assert 3 / 20 <= postgresql.check(of(primary)).measures["connections"] <= 5 / 20


def test_the_certificate_must_be_trusted_where_the_settings_say_so(
    primary: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified = of(primary, encryption=DatabaseEncryption.VERIFY_FULL)
    AUTHORITY.cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ours.pem"))
    elsewhere = replace(verified, address=Address(host="127.0.0.1", port=primary.port))
    assert reasons(postgresql.check(verified), postgresql.check(elsewhere)) == ["ok", "tls_failed"]
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "another.pem"))
    assert postgresql.check(verified).reason is ProbeReason.TLS_FAILED


def test_a_query_must_give_the_expected_value(primary: Database) -> None:
    right = ExpectPostgresql(value="2")
    results = [postgresql.check(of(primary, query=query, expect=right)) for query in ("SELECT 1 + 1", "SELECT 3")]
    assert reasons(*results) == ["ok", "wrong_value"]
    assert results[1].detail.endswith("the query must give '2', got another int")
    assert postgresql.check(of(primary, query="SELECT 1 WHERE false", expect=right)).detail.endswith("got no row")


def test_a_query_that_fails_or_would_change_something_is_told_by_its_state(primary: Database) -> None:
    missing = postgresql.check(of(primary, query="SELECT hush FROM orders"))
    changing = postgresql.check(plain(primary, query="CREATE TEMPORARY TABLE made AS SELECT nextval('made')"))
    assert reasons(missing, changing) == ["query_failed", "query_failed"]
    assert missing.detail == f"query failed: localhost:{primary.port} (SQLSTATE 42P01)"
    writing = postgresql.check(plain(primary, query="CREATE TABLE made (id int)"))
    assert writing.detail.endswith("(SQLSTATE 25006)")


def test_who_may_not_connect_is_told(primary: Database) -> None:
    wrong = [
        of(primary, password="hush"),
        of(primary, database="none"),
        of(primary, encryption=DatabaseEncryption.NONE),
    ]
    results = [postgresql.check(probe) for probe in wrong]
    assert reasons(*results) == ["not_authenticated"] * 3
    assert "hush" not in repr(results)


def test_a_query_that_hangs_ends_at_the_deadline_and_on_the_server_as_well(primary: Database) -> None:
    result = postgresql.check(of(primary, query="SELECT pg_sleep(60)", timeout=SHORT))
    assert result.reason is ProbeReason.TIMEOUT
    assert result.latency < 5
    ended = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND pid <> pg_backend_pid()"
    patience = threading.Event()
    for _ in range(100):
        if postgresql.check(plain(primary, query=ended, expect=ExpectPostgresql(value="0"))).ok:
            return
        patience.wait(0.05)
    raise AssertionError("the statement still runs")


def test_a_server_that_is_gone_or_is_none_is_told(primary: Database) -> None:
    refused = postgresql.check(of(free_port()))
    assert refused.reason is ProbeReason.REFUSED


def lag_above(probe: PostgresqlProbe, least: float) -> float:
    """The lag that the probe measures, once it is above that."""
    patience = threading.Event()
    for _ in range(200):
        if (lag := postgresql.check(probe).measures.get("replication_lag", -1.0)) > least:
            return lag
        patience.wait(0.05)
    raise AssertionError("the lag does not grow")


def test_the_lag_of_a_standby_is_measured_there_and_on_its_primary(primary: Database) -> None:
    with owned_folder() as folder, standby(primary, folder) as follower:
        primary.execute("CREATE TABLE written (id int)")
        assert lag_above(plain(follower), -0.5) >= 0
        assert lag_above(plain(primary), -0.5) >= 0
        # Without pg_monitor nothing is known of the standbys.
        assert "replication_lag" not in postgresql.check(of(primary)).measures
        follower.execute("SELECT pg_wal_replay_pause()")
        primary.execute("INSERT INTO written VALUES (1)")
        assert lag_above(plain(follower), 0.2) > 0.2


# Redis


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("redis")
    AUTHORITY.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    AUTHORITY.cert_pem.write_to_path(str(folder / "ca.pem"))
    pem, port = str(folder / "server.pem"), str(free_port())
    tls = ("--tls-port", port, "--tls-cert-file", pem, "--tls-key-file", pem, "--tls-auth-clients", "no")
    options = (*tls, "--tls-ca-cert-file", str(folder / "ca.pem"), "--maxmemory", "64mb")
    with redis_server(folder, *options) as server:
        server.admin.config_set("requirepass", PASSWORD)
        yield server


def of_cache(server: Server, **changes: Any) -> RedisProbe:
    port = int(server.address.rpartition(":")[2])
    address = Address(host="localhost", port=port)
    return replace(RedisProbe(name="cache", address=address, password=PASSWORD, **ON_HERE), **changes)


def test_a_cache_that_answers_is_up_and_its_memory_and_hits_are_measured(cache: Server) -> None:
    for key in ("there", "there", "there", "missing"):
        cache.admin.set("there", "1")
        cache.admin.get(key)
    result = redis.check(of_cache(cache, expect=ExpectRedis(memory=0.9)))
    assert (result.ok, result.measures["hit_ratio"]) == (True, pytest.approx(0.75))
    assert 0 < result.measures["memory"] < 0.9


def test_a_cache_over_tls_must_show_a_certificate_that_is_trusted(cache: Server) -> None:
    port = int(cache.admin.config_get("tls-port")["tls-port"])
    address = Address(host="localhost", port=port)
    ours = AUTHORITY.cert_pem.bytes().decode()
    another = trustme.CA().cert_pem.bytes().decode()
    results = [redis.check(of_cache(cache, address=address, tls=True, ca=ca)) for ca in (ours, another)]
    assert reasons(*results) == ["ok", "certificate_untrusted"]


def test_a_cache_refuses_who_has_no_password_or_another(cache: Server) -> None:
    results = [redis.check(of_cache(cache, password=password)) for password in ("", "hush")]
    assert reasons(*results) == ["not_authenticated"] * 2
    assert "hush" not in repr(results)


def test_a_cache_that_does_not_answer_is_told_why(cache: Server) -> None:
    gone = redis.check(of_cache(cache, address=Address(host="localhost", port=free_port())))
    assert gone.reason is ProbeReason.REFUSED


def test_a_cache_that_hangs_is_a_timeout(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        server.hang()
        result = redis.check(of_cache(server, password="", timeout=SHORT))
    assert result.reason is ProbeReason.TIMEOUT


def test_a_server_that_speaks_another_protocol_is_no_cache(web: Any) -> None:
    address = Address(host="localhost", port=web.server_address[1])
    probe = RedisProbe(name="cache", address=address, **ON_HERE)
    assert redis.check(probe).reason in {ProbeReason.BAD_ANSWER, ProbeReason.CLOSED_EARLY}


@pytest.mark.parametrize(
    "answer", [b"$2000000000\r\n" + b"x" * 100_000, b"*1\r\n" * 50_000], ids=["size", "lists within lists"]
)
def test_of_a_server_that_sends_without_end_no_more_is_read_than_an_answer_has(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with listener.accept()[0] as taken, contextlib.suppress(OSError):
                taken.recv(1000)
                taken.sendall(answer)
                taken.recv(1000)

        server = threading.Thread(target=serve, daemon=True)
        server.start()
        probe = RedisProbe(name="cache", address=Address(host="localhost", port=listener.getsockname()[1]), **ON_HERE)
        assert redis.check(probe).reason is ProbeReason.BAD_ANSWER
        server.join(timeout=5)
