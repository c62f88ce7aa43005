"""Stores for tests: a SQLite file; Firestore by Google's emulator, one a session and a project for each test; PostgreSQL, one server a
session and a schema for each test."""

import http.client
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from functions.adapters.firestore_store import FirestoreStore
from functions.adapters.postgresql_store import PostgresqlStore
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.stores import open_store
from tests.support.servers.postgresql_server import Database, database, owned_folder

AnyStore = SqliteStore | FirestoreStore | PostgresqlStore
_numbers = itertools.count(1)
_STARTS_WITHIN = 60.0


@dataclass(frozen=True)
class Place:
    """Where a store is, so that another process can open the same one."""

    url: str
    project: str = "aia-local"
    environment: dict[str, str] = field(default_factory=dict)

    def open(self) -> AnyStore:
        """The store, as a function opens it."""
        store = open_store(self.url, self.project)
        assert isinstance(store, AnyStore)
        return store

    def start(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Run code in a process of its own, with `store` open in it and the arguments in `sys.argv[1:]`."""
        opened = f"import sys\nfrom functions.adapters.stores import open_store\nstore = open_store({self.url!r}, {self.project!r})\n"
        return subprocess.Popen(
            [sys.executable, "-c", opened + code, *arguments],
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def firestore_emulator(folder: Path) -> Iterator[str]:
    """Google's emulator of Firestore on a free port, until the end of the block; skips where it is absent."""
    if not (shutil.which("gcloud") and shutil.which("java")):
        pytest.skip("gcloud is absent, or the java its emulator needs")
    host = f"127.0.0.1:{free_port()}"
    command = ["gcloud", "beta", "emulators", "firestore", "start", f"--host-port={host}", "--project=aia-local"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=folder)
    try:
        _wait(host, process, folder / "log")
        yield host
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture(scope="session")
def firestore_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with firestore_emulator(tmp_path_factory.mktemp("firestore")) as host:
        yield host


def _wait(host: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while process.poll() is None and time.monotonic() < until:
        connection = http.client.HTTPConnection(host, timeout=2)
        try:
            connection.request("GET", "/")
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            time.sleep(0.1)
        finally:
            connection.close()
    pytest.fail(f"Firestore's emulator does not start: {log.read_text()[-2000:]}")


@pytest.fixture
def sqlite_place(tmp_path: Path) -> Place:
    return Place(f"sqlite://{tmp_path}/store.db")


@pytest.fixture
def firestore_place(firestore_host: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", firestore_host)
    return Place("firestore://", f"aia-test-{next(_numbers)}", {"FIRESTORE_EMULATOR_HOST": firestore_host})


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Database]:
    """A PostgreSQL server, on a free port."""
    with owned_folder() as folder, database(folder / "data") as server:
        yield server


@pytest.fixture
def postgresql_place(postgresql: Database) -> Place:
    schema = f"test_{next(_numbers)}"
    postgresql.execute(f"CREATE SCHEMA {schema} AUTHORIZATION plain")
    return Place(f"postgresql://plain@127.0.0.1:{postgresql.port}/postgres?options=-csearch_path%3D{schema}")


@pytest.fixture(params=["sqlite", "firestore", "postgresql"])
def store_place(request: pytest.FixtureRequest) -> Place:
    """Each store in turn, empty."""
    place: Place = request.getfixturevalue(f"{request.param}_place")
    return place


@pytest.fixture
def opened(store_place: Place) -> Iterator[Callable[[], AnyStore]]:
    """Opens the store as often as it is called; all are closed in the end."""
    stores: list[AnyStore] = []

    def another() -> AnyStore:
        stores.append(store_place.open())
        return stores[-1]

    yield another
    for store in stores:
        store.close()


@pytest.fixture
def store(opened: Callable[[], AnyStore]) -> AnyStore:
    return opened()
