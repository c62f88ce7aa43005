"""The store on PostgreSQL when something is wrong with the server, and what is its own."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import count

import psycopg
import pytest
import trustme
from click.testing import CliRunner

from core.errors import ConflictError, UnavailableError
from functions.adapters.ports import Document
from functions.adapters.postgresql_pool import MOST
from functions.adapters.postgresql_store import PostgresqlStore
from functions.adapters.stores import open_store
from functions.cli.doctor.store import store as asked
from functions.cli.main import main
from tests.support.servers.postgresql_server import PASSWORD, USER, Database, database, owned_folder, standby

_schemas = count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    """A server that tests break, with TLS, and its roles `plain` and, by password, `USER`."""
    certificate = trustme.CA().issue_cert("localhost", "127.0.0.1")
    with owned_folder() as folder, database(folder / "data", certificate) as running:
        yield running


@pytest.fixture
def schema(server: Database) -> str:
    name = f"s{next(_schemas)}"
    server.execute(f"CREATE SCHEMA {name} AUTHORIZATION plain", f"GRANT ALL ON SCHEMA {name} TO {USER}")
    return name


def address(server: Database, schema: str, user: str = "plain") -> str:
    return f"postgresql://{user}@127.0.0.1:{server.port}/postgres?options=-csearch_path%3D{schema}"


@pytest.fixture
def store(server: Database, schema: str) -> Iterator[PostgresqlStore]:
    with closing(PostgresqlStore(address(server, schema), patience=2)) as opened:
        yield opened


def every_act(store: PostgresqlStore) -> list[Callable[[], object]]:
    """Each method of the port, on a document that may be there or not."""
    document = Document(key="k", data={}, revision="none")
    return [
        lambda: store.get("c", "k"),
        lambda: store.get_many("c", ["k"]),
        lambda: store.create("c", "k", {}),
        lambda: store.replace(document, "c", {}),
        lambda: store.delete(document, "c"),
        lambda: store.find("c"),
        store.collections,
    ]


@contextmanager
def holding(server: Database, statement: str) -> Iterator[psycopg.Connection]:
    """Another one's transaction that has run a statement and does not end."""
    with psycopg.connect(server.conninfo) as other:
        other.execute(statement)
        yield other
        other.rollback()


def test_a_server_that_is_away_is_named_and_found_again(server: Database, store: PostgresqlStore) -> None:
    document = store.create("c", "k", {"n": 1})
    server.stop()
    try:
        for act in every_act(store):
            with pytest.raises(UnavailableError, match=rf"^AIA_STORE, plain@127.0.0.1:{server.port}/postgres: "):
                act()
    finally:
        server.start()
    assert store.get("c", "k") == document


def test_a_server_that_was_restarted_meanwhile_costs_no_call(server: Database, store: PostgresqlStore) -> None:
    with ExitStack() as used:
        for _ in range(MOST):
            used.enter_context(store._pool.connection())
    document = store.create("c", "k", {"n": 1})
    server.stop()
    server.start()
    assert store.replace(document, "c", {"n": 2}).data == {"n": 2}


def test_what_was_acknowledged_is_there_when_the_server_was_killed_in_the_middle(
    server: Database, store: PostgresqlStore
) -> None:
    acknowledged: list[int] = []
    some, over = threading.Event(), threading.Event()

    def write() -> None:
        for number in count():
            if over.is_set():
                return
            with suppress(UnavailableError):
                store.create("c", f"{number:06}", {"n": number})
                acknowledged.append(number)
            if len(acknowledged) > 50:
                some.set()

    writer = threading.Thread(target=write)
    writer.start()
    some.wait()
    server.stop()
    server.start()
    over.set()
    writer.join()
    assert {*acknowledged} <= {document.data["n"] for document in store.find("c", limit=1_000_000)}


def test_a_write_whose_server_dies_under_it_is_either_made_or_not(
    server: Database, store: PostgresqlStore, schema: str
) -> None:
    document = store.create("c", "k", {"n": 1})
    with (
        suppress(psycopg.OperationalError),
        ThreadPoolExecutor(1) as pool,
        holding(server, f"LOCK TABLE {schema}.aia_documents"),
    ):
        write = pool.submit(store.replace, document, "c", {"n": 2})
        server.stop()
        with pytest.raises(UnavailableError):
            write.result()
    server.start()
    assert store.replace(document, "c", {"n": 3}).data == {"n": 3}


def test_what_waits_for_another_ends_and_the_next_call_goes_on(
    server: Database, store: PostgresqlStore, schema: str
) -> None:
    document = store.create("c", "k", {"n": 1})
    with holding(server, f"UPDATE {schema}.aia_documents SET revision = 'other'"):
        with pytest.raises(UnavailableError, match="canceling statement due to statement timeout"):
            store.replace(document, "c", {"n": 2})
        assert store.get("c", "k") == document
    assert store.replace(document, "c", {"n": 2}).data == {"n": 2}


def test_a_server_that_hangs_is_given_up(server: Database, schema: str) -> None:
    with closing(PostgresqlStore(address(server, schema), patience=1)) as store:
        store.create("c", "k", {})
        with psycopg.connect(server.conninfo) as other:
            found = other.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'aia-monitoring'")
            processes = [pid for (pid,) in found]
        for pid in processes:
            os.kill(pid, signal.SIGSTOP)
        try:
            with pytest.raises(UnavailableError, match="wait timeout expired"):
                store.get("c", "k")
            assert store.get("c", "k") is not None  # by a new connection
        finally:
            for pid in processes:
                os.kill(pid, signal.SIGCONT)


def test_a_standby_is_refused_and_the_primary_found_wherever_it_is(server: Database, schema: str) -> None:
    with owned_folder() as folder, standby(server, folder) as follower:
        with (
            closing(PostgresqlStore(address(follower, schema), patience=1)) as alone,
            pytest.raises(UnavailableError, match="session is read-only"),
        ):
            alone.get("c", "k")
        hosts = f"127.0.0.1:{follower.port},127.0.0.1:{server.port}"
        url = f"postgresql://plain@{hosts}/postgres?options=-csearch_path%3D{schema}"
        with closing(PostgresqlStore(url, patience=2)) as store:
            first = store.create("c", "k", {"n": 1})
            follower.follow(server)
            server.stop()
            follower.execute("SELECT pg_promote()")
            try:
                assert store.replace(first, "c", {"n": 2}).data == {"n": 2}
            finally:
                server.start()


def test_a_server_that_became_read_only_is_left(server: Database, store: PostgresqlStore) -> None:
    document = store.create("c", "k", {"n": 1})
    with store._pool.connection() as connection:
        connection.execute("SET default_transaction_read_only = on")
    with pytest.raises(UnavailableError, match="in a read-only transaction"):
        store.replace(document, "c", {"n": 2})
    assert store.replace(document, "c", {"n": 2}).data == {"n": 2}


def test_a_limit_of_connections_is_named_and_waited_out(server: Database, schema: str) -> None:
    server.execute("ALTER ROLE plain CONNECTION LIMIT 1")
    try:
        with (
            closing(PostgresqlStore(address(server, schema))) as one,
            closing(PostgresqlStore(address(server, schema))) as other,
        ):
            one.create("c", "k", {})
            with pytest.raises(UnavailableError, match='too many connections for role "plain"'):
                other.get("c", "k")
            one.close()
            assert_soon(lambda: other.get("c", "k") is not None)
    finally:
        server.execute("ALTER ROLE plain CONNECTION LIMIT -1")


def assert_soon(holds: Callable[[], bool]) -> None:
    """It holds once the server has noticed the end of a connection."""
    for _ in range(200):
        with suppress(UnavailableError):
            assert holds()
            return
        threading.Event().wait(0.02)
    raise AssertionError("it does not get through")


def test_threads_wait_for_a_connection_and_are_told_when_none_gets_free(server: Database, schema: str) -> None:
    with closing(PostgresqlStore(address(server, schema), patience=1)) as store, ExitStack() as used:
        for _ in range(MOST):
            used.enter_context(store._pool.connection())
        with pytest.raises(UnavailableError, match=f"no connection of {MOST} is free within 1 s"):
            store.get("c", "k")


def test_a_password_that_is_wrong_is_told_by_the_setting_and_never_shown(server: Database, schema: str) -> None:
    with closing(PostgresqlStore(address(server, schema, f"{USER}:{PASSWORD}"))) as store:
        store.create("c", "k", {})
    with (
        closing(PostgresqlStore(address(server, schema, f"{USER}:wr0ng%40s3cret"))) as store,
        pytest.raises(UnavailableError) as refused,
    ):
        store.get("c", "k")
    assert str(refused.value).startswith(f"AIA_STORE, {USER}@127.0.0.1:{server.port}/postgres: ")
    assert "password authentication failed" in str(refused.value)
    assert "s3cret" not in f"{refused.value!r} {refused.value.__cause__!r}"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:s3cret@s3cret@host/db",
        "postgresql://u:s3cret/s3cret@host/db",
        "postgresql://u:s3cret%@host/db",
        "postgresql://u:s3cret@[::1/db",
        "postgresql://u:s3cret@host/db?nothing=1",
        "postgres//u:s3cret@host/db",
        "postgresqls://u:s3cret@host/db",
        "s3cret",
    ],
)
def test_an_address_that_is_wrong_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=r"^AIA_STORE: must be ") as refused:
        open_store(url, "p")
    assert "s3cret" not in repr(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_a_driver_that_is_absent_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "functions.adapters.postgresql_store")
    monkeypatch.setitem(sys.modules, "functions.adapters.postgresql_pool", None)
    with pytest.raises(ValueError, match="AIA_STORE: PostgreSQL takes the extra `postgresql` of the package"):
        open_store("postgresql://host/db", "p")


def test_aia_check_makes_the_tables_or_says_what_is_wrong(
    server: Database, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checked(url: str) -> tuple[int, str]:
        monkeypatch.setenv("AIA_STORE", url)
        found = CliRunner().invoke(main, ["check", "--offline", "--store"])
        return found.exit_code, found.output

    assert checked(address(server, schema, f"{USER}:wr0ng"))[0] == 1
    assert "wr0ng" not in checked(address(server, schema, f"{USER}:wr0ng"))[1]
    status, said = checked(address(server, schema))
    assert (status, said.splitlines()[0]) == (0, "AIA_STORE: answers")
    with psycopg.connect(server.conninfo) as other:
        assert other.execute(f"SELECT version FROM {schema}.aia_schema").fetchall() == [(1,)]
    assert checked("s3cret")[0] == 1


def test_aia_doctor_says_whether_the_store_answers(server: Database, schema: str) -> None:
    assert [one.verdict for one in asked(address(server, schema), "p")] == ["good"]
    (bad,) = asked(address(server, schema, f"{USER}:wr0ng"), "p")
    assert (bad.verdict, bad.subject, "password authentication failed" in bad.detail) == ("bad", "AIA_STORE", True)
    assert list(asked("", "p")) == []


def test_aia_local_refuses_an_address_that_is_none_before_anything_starts() -> None:
    found = CliRunner().invoke(main, ["local", "--store", "postgresql://u:s3cret@@host/db"])
    assert found.exit_code == 2
    assert "AIA_STORE: must be postgresql://" in " ".join(found.output.split())
    assert "s3cret" not in found.output


def test_programs_that_start_together_make_the_tables_once(server: Database, schema: str) -> None:
    def start(number: int) -> Document:
        with closing(PostgresqlStore(address(server, schema))) as store:
            return store.create("c", str(number), {"n": number})

    with ThreadPoolExecutor(6) as pool:
        assert len({one.key for one in pool.map(start, range(6))}) == 6
    with closing(PostgresqlStore(address(server, schema))) as store:
        assert len(store.find("c")) == 6


def test_tables_of_a_newer_program_are_left_alone(server: Database, store: PostgresqlStore, schema: str) -> None:
    store.create("c", "k", {})
    server.execute(f"INSERT INTO {schema}.aia_schema VALUES (99)")
    store.close()
    with pytest.raises(UnavailableError, match="AIA_STORE: the tables must have at most version 1, got 99"):
        store.get("c", "k")


def test_a_database_that_cannot_keep_every_text_is_refused(server: Database) -> None:
    server.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with (
        closing(PostgresqlStore(f"postgresql://plain@127.0.0.1:{server.port}/latin")) as store,
        pytest.raises(UnavailableError, match="the encoding of the database must be UTF8, got LATIN1"),
    ):
        store.get("c", "k")


def test_a_role_needs_the_right_to_create_only_until_the_tables_are_there(server: Database, schema: str) -> None:
    server.execute(f"REVOKE CREATE ON SCHEMA {schema} FROM {USER}")
    with closing(PostgresqlStore(address(server, schema, f"{USER}:{PASSWORD}"))) as store:
        with pytest.raises(UnavailableError, match=f"permission denied for schema {schema}"):
            store.get("c", "k")
        with closing(PostgresqlStore(address(server, schema))) as owner:
            owner.create("c", "k", {"n": 1})
        server.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {USER}")
        found = store.get("c", "k")
        assert found is not None
        store.delete(store.replace(found, "c", {"n": 2}), "c")


def test_a_serialisation_failure_is_a_conflict(server: Database, store: PostgresqlStore, schema: str) -> None:
    document = store.create("c", "k", {"n": 1})
    server.execute(
        f"CREATE FUNCTION {schema}.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'again' USING ERRCODE = '40001'; END $$",
        f"CREATE TRIGGER fail BEFORE UPDATE ON {schema}.aia_documents FOR EACH ROW EXECUTE FUNCTION {schema}.fail()",
    )
    with pytest.raises(ConflictError, match="again"):
        store.replace(document, "c", {"n": 2})


def test_a_child_of_a_fork_has_connections_of_its_own(store: PostgresqlStore) -> None:
    store.create("c", "parent", {})
    child = os.fork()
    if not child:
        with suppress(BaseException):
            store.create("c", "child", {})
        os._exit(0)
    os.waitpid(child, 0)
    assert [document.key for document in store.find("c")] == ["child", "parent"]


def test_texts_that_are_long_or_have_a_nul_are_kept_and_found(store: PostgresqlStore) -> None:
    texts = ["a\0b", "x" * 5000, "x" * 4999, "\\u0000"]
    for number, text in enumerate(texts):
        store.create("c", str(number), {"text": text})
    assert [[one.data["text"] for one in store.find("c", where={"text": text})] for text in texts] == [
        [text] for text in texts
    ]
