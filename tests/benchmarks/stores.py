"""How many documents a second each store writes and reads: one program with one thread and with eight, documents of 2 KB.

    python tests/benchmarks/stores.py [--documents 1000]

The servers are on this machine, so that the network costs nothing; Firestore is Google's emulator, whose figures say nothing of Firestore
itself. PostgreSQL writes through to the disk (`fsync`), as SQLite does at its checkpoints.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from _pytest.outcomes import Skipped

from functions.adapters.ports import ConnectedStore, Data
from functions.adapters.stores import open_store
from tests.support.servers.postgresql_server import database, owned_folder
from tests.support.servers.stores import firestore_emulator

NOW = datetime(2026, 1, 2, tzinfo=UTC)
THREADS = 8
_SOME = 200
"""Queries."""


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield f"sqlite://{folder}/store.db"


@contextmanager
def postgresql() -> Iterator[str]:
    with owned_folder() as folder, database(folder / "data") as server:
        server.execute("ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()", "GRANT ALL ON SCHEMA public TO plain")
        yield f"postgresql://plain@127.0.0.1:{server.port}/postgres"


@contextmanager
def firestore() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, firestore_emulator(Path(folder)) as host:
        os.environ["FIRESTORE_EMULATOR_HOST"] = host
        yield "firestore://"


STORES = {"SQLite": sqlite, "PostgreSQL": postgresql, "Firestore's emulator": firestore}


def document(number: int) -> Data:
    """One in a hundred is open."""
    due = NOW + timedelta(seconds=number)
    return {"open": number % 100 == 0, "severity": "error", "due_at": due, "n": number, "text": "x" * 1900}


def rate(act: Callable[[int], object], times: int, threads: int) -> float:
    """How often it was done in a second."""
    start = time.perf_counter()
    if threads == 1:
        for number in range(times):
            act(number)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(act, range(times)))
    return times / (time.perf_counter() - start)


def measured(store: ConnectedStore, documents: int, threads: int) -> dict[str, float]:
    """The rate of each operation on a collection of its own."""
    name = f"c{threads}"

    def key(number: int) -> str:
        return f"model/m{number:06}"

    def rewrite(number: int) -> None:
        found = store.get(name, key(number))
        assert found is not None
        store.replace(found, name, document(number + 1))

    until = NOW + timedelta(seconds=50)
    return {
        "create": rate(lambda number: store.create(name, key(number), document(number)), documents, threads),
        "get": rate(lambda number: store.get(name, key(number)), documents, threads),
        "get and replace": rate(rewrite, documents, threads),
        "find 1 in 100": rate(lambda _: store.find(name, where={"open": True}), _SOME, threads),
        "due, 50 of all": rate(lambda _: store.due(name, where={"severity": "error"}, until=until), _SOME, threads),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    documents = parser.parse_args().documents
    found: dict[str, dict[tuple[str, int], float]] = {}
    for name, place in STORES.items():
        with ExitStack() as running:
            try:
                url = running.enter_context(place())
            except Skipped as absent:
                print(f"{name}: {absent}", file=sys.stderr)
                continue
            store = running.enter_context(closing(open_store(url, "aia-bench")))
            found[name] = {
                (operation, threads): figure
                for threads in (1, THREADS)
                for operation, figure in measured(store, documents, threads).items()
            }
    print(f"| a second, of {documents:,} documents | {' | '.join(found)} |\n|---|{'---|' * len(found)}")
    for row in next(iter(found.values())):
        operation, threads = row
        figures = " | ".join(f"{figures[row]:,.0f}" for figures in found.values())
        print(f"| {operation}, {threads} {'thread' if threads == 1 else 'threads'} | {figures} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
