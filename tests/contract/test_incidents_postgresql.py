"""Incidents over a PostgreSQL server: programs are killed, and the server is, and nothing is lost or done twice; readers see what
changed; what is deleted is restored."""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from core.errors import UnavailableError
from core.live.changes import Changed
from functions.adapters.changes import AnnouncedStore, Announcer
from functions.adapters.live_feed import Feed
from functions.adapters.ports import Data, ListedStore, RawBus
from functions.adapters.postgresql_store import PostgresqlStore
from functions.adapters.store import every
from functions.services.backups import manifests
from functions.services.backups.make import Backups
from functions.services.backups.restore import Restorer
from tests.support.builders.budget import examples
from tests.support.crash.breaking import MirroredStore
from tests.support.crash.crashes import tell
from tests.support.fakes.backups import MemoryTables
from tests.support.fakes.outside import LIFE, World, set_up
from tests.support.servers.postgresql_server import Database, database, owned_folder

T = TypeVar("T")
RESTORE = ("maintenance", "restore")
"""The document about the restore itself."""
OUTAGE_EVERY = 29
"""Calls."""


@pytest.fixture(scope="module")
def server() -> Iterator[Database]:
    with owned_folder() as folder, database(folder / "data") as running:
        yield running


@pytest.fixture
def open_store(server: Database) -> Iterator[Callable[[], PostgresqlStore]]:
    """Opens the store, which is empty, as another program does."""
    server.execute("DROP SCHEMA public CASCADE", "CREATE SCHEMA public AUTHORIZATION plain")
    stores: list[PostgresqlStore] = []

    def another() -> PostgresqlStore:
        stores.append(PostgresqlStore(f"postgresql://plain@127.0.0.1:{server.port}/postgres"))
        return stores[-1]

    yield another
    for store in stores:
        store.close()


@dataclass
class Interrupted(MirroredStore):
    """While programs are killed, its server is as well now and then, just before a call; it comes back after it."""

    server: Database
    calls: int = 0
    outages: list[int] = field(default_factory=list)

    def _through(self, act: Callable[[], T]) -> T:
        self.calls += 1
        if self.calls % OUTAGE_EVERY or not self.world.kill_at:
            return super()._through(act)
        self.outages.append(self.calls)
        self.server.stop()
        try:
            return super()._through(act)
        finally:
            self.server.start()


def everything(store: ListedStore) -> dict[tuple[str, str], Data]:
    return {(name, one.key): one.data for name in store.collections() for one in every(store, name)}


@pytest.mark.timeout(600)  # all stories
def test_programs_and_the_server_are_killed_and_nothing_is_lost_or_done_twice(
    server: Database, open_store: Callable[[], PostgresqlStore]
) -> None:
    stores: list[Interrupted] = []

    def kept(world: World) -> Interrupted:
        server.execute("DROP TABLE IF EXISTS aia_documents, aia_schema")
        stores.append(Interrupted(open_store(), world, server))
        return stores[-1]

    for seed in range(examples(200)):
        outcome = tell(seed, kept=kept)
        assert (outcome.lost, outcome.doubled) == ((), ()), f"seed {seed}"
        assert outcome.faults >= len(stores[-1].outages)
        mirrored = {key: one.data for key, one in stores[-1].world.documents.items()}
        assert everything(stores[-1].inner) == mirrored
    assert sum(len(store.outages) for store in stores) > 5, "too few outages to show anything"


def test_what_one_program_writes_is_read_in_the_log_by_another(open_store: Callable[[], PostgresqlStore]) -> None:
    def no_bus() -> RawBus:
        raise UnavailableError("the bus is away")

    announcer = Announcer(open_store(), no_bus, lambda: datetime.now(UTC))
    store = AnnouncedStore(open_store(), announcer)
    store.replace(store.create("incidents", "i-1", {"open": True}), "incidents", {"open": False})
    store.create("ledger", "nothing to see", {})
    announcer.settle()
    with closing(Feed("aia-test", open_store(), lambda _: None)) as feed:
        (entry,) = feed.read("")
        assert entry.changes == (Changed("incidents", "i-1"),)
        assert feed.read(entry.id) == []


def test_documents_that_are_lost_are_restored_from_a_backup(
    server: Database, open_store: Callable[[], PostgresqlStore]
) -> None:
    store = open_store()
    setup = set_up(store)
    setup.give(*LIFE)
    setup.sweep(minutes=1)
    tables = MemoryTables(setup.world)
    at = setup.world.now
    for step in Backups(store=store, warehouse=tables, clock=lambda: at).steps(at):
        step.run()
    before = everything(store)
    server.execute("TRUNCATE aia_documents")
    restorer = Restorer(store=store, warehouse=tables, clock=lambda: at)
    manifest = manifests.newest(tables, at)
    restorer.begin(manifest)
    for step in restorer.steps(manifest):
        step.run()
    restorer.finish()
    after = everything(store)
    assert before == {key: data for key, data in after.items() if key != RESTORE}
    assert len(before) == 3
