"""The stores when something is wrong, and what is each one's own."""

import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from google.cloud import firestore

from core.errors import UnavailableError
from functions.adapters.firestore_store import FirestoreStore
from functions.adapters.ports import Document, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.stores import open_store

if TYPE_CHECKING:
    from tests.support.servers.stores import Place

pytest_plugins = ["tests.support.servers.stores"]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
NOBODY = 65_534


def test_what_was_acknowledged_survives_kill_9(store_place: "Place", store: Store) -> None:
    code = "for n in range(100_000):\n    store.create('c', f'{n:06}', {'n': n})\n    print(n, flush=True)\n"
    writer = store_place.start(code)
    assert writer.stdout is not None
    while int(writer.stdout.readline()) < 20:
        pass
    writer.kill()
    acknowledged = [int(line) for line in writer.communicate()[0].split()]
    last = max(acknowledged, default=20)
    found = [document.data["n"] for document in store.find("c", limit=100_000)]
    assert found in (list(range(last + 1)), list(range(last + 2)))  # one more may be kept and not yet told
    store.create("c", "after", {})


def test_firestore_sees_when_a_document_expires(firestore_place: "Place") -> None:
    with closing(firestore_place.open()) as store:
        store.replace(store.create("c", "k/1", {"expires_at": NOW}), "c", {"expires_at": NOW, "a": 1})
    with closing(firestore.Client(project=firestore_place.project)) as client:
        body = client.collection("c").document("k.11").get().to_dict()
    assert body is not None
    assert (body["expires_at"], body["data"]) == (NOW, {"expires_at": NOW, "a": 1})


def test_firestore_keeps_its_databases_apart(firestore_place: "Place") -> None:
    with (
        closing(open_store("firestore://other", firestore_place.project)) as other,
        closing(firestore_place.open()) as store,
    ):
        other.create("c", "k", {})
        assert store.get("c", "k") is None


def test_firestore_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch, closed_port: int) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{closed_port}")
    with closing(FirestoreStore("aia-test", patience=0.5)) as store:
        for act in every_act(store):
            with pytest.raises(UnavailableError, match="Firestore of aia-test"):
                act()


@pytest.fixture
def closed_port() -> int:
    from tests.support.servers.stores import free_port  # noqa: PLC0415 - the plugin must be imported by pytest first

    return free_port()


def every_act(store: Store) -> list[Callable[[], object]]:
    """Each method of the port, on a document that may be there or not."""
    document = Document(key="k", data={}, revision="2026-01-02T03:04:05.678901Z")
    return [
        lambda: store.get("c", "k"),
        lambda: store.create("c", "k", {}),
        lambda: store.replace(document, "c", {}),
        lambda: store.delete(document, "c"),
        lambda: store.find("c"),
    ]


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, however long one reads on in it " * 20)
    for name in ("nowhere/store.db", "text.db", ""):
        with closing(SqliteStore(f"{tmp_path}/{name}")) as store:
            for act in every_act(store):
                with pytest.raises(UnavailableError, match=str(tmp_path)):
                    act()


def test_a_file_that_is_locked_is_waited_for_and_then_named(tmp_path: Path) -> None:
    path = str(tmp_path / "store.db")
    with closing(SqliteStore(path, patience=0.05)) as store, closing(sqlite3.connect(path)) as other:
        document = store.create("c", "k", {"n": 1})
        other.execute("BEGIN IMMEDIATE")
        assert store.get("c", "k") == document
        with pytest.raises(UnavailableError, match=r"store.db: database is locked"):
            store.replace(document, "c", {"n": 2})
        other.rollback()
        assert store.replace(document, "c", {"n": 2}).data == {"n": 2}


@contextmanager
def unprivileged() -> Iterator[None]:
    """Give up the right of root to write everywhere, for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_is_read_only_is_named() -> None:
    # not below tmp_path, which only its owner may enter
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "store.db"
        with closing(SqliteStore(str(path))) as store:
            store.create("c", "k", {"n": 1})
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        with unprivileged(), closing(SqliteStore(str(path))) as store, pytest.raises(UnavailableError, match=folder):
            store.create("c", "other", {})
        Path(folder).chmod(0o755)


@pytest.mark.parametrize(
    "url",
    ["", "sqlite", "sqlite://", "sqlite:///", "sqlite://relative.db", "redis://x", "firestore:", "firestore://a/b"],
)
def test_an_address_of_no_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="AIA_STORE: must be sqlite:///absolute/path, firestore://"):
        open_store(url, "p")


@pytest.mark.parametrize(
    ("url", "spared"),
    [
        ("sqlite:///tmp/x.db", "google.cloud.firestore"),
        ("sqlite:///tmp/x.db", "psycopg"),
        ("firestore://", "sqlite3"),
        ("postgresql://host/db", "google.cloud.firestore"),
    ],
)
def test_a_store_costs_only_those_who_use_it(url: str, spared: str) -> None:
    code = f"import sys; from functions.adapters.stores import open_store; open_store({url!r}, 'p'); print({spared!r} in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"
