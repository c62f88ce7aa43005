"""Making a backup, step by step: each step is idempotent, and none is repeated that is done.

snapshot:TABLE    a snapshot of each table
documents         an export of the documents, and the manifest: from here on the backup is complete
verify:TABLE      each table restored into a scratch table, and compared row for row
verify:documents  all documents read, and compared
"""

from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from core.errors import BackupError
from core.maintenance.backup import Manifest, TableBackup, backup_id, snapshot_name
from functions.adapters.ports import Clock, ListedStore, StreamedWarehouse
from functions.services.backups import documents, manifests, tables
from functions.services.backups.restore import Restorer
from functions.services.steps import Step

_DELETIONS = tuple(Path(__file__).with_name(f"delete_{name}.sql").read_text() for name in ("documents", "manifests"))
"""Of documents before manifests: without its manifest there is no backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backups:
    """Makes backups.

    Attributes:
        store: has the documents.
        warehouse: has the tables, and takes the backups.
        clock: now.
    """

    store: ListedStore
    warehouse: StreamedWarehouse
    clock: Clock

    def steps(self, at: datetime) -> Iterator[Step]:
        """The steps of the backup of an instant.

        Raises:
            RefusedError: a restore is not finished.
        """
        Restorer(store=self.store, warehouse=self.warehouse, clock=self.clock).require_finished()
        live, there = tables.live_tables(self.warehouse), tables.snapshots(self.warehouse)
        for table in live:
            yield Step(f"snapshot:{table}", partial(self._snapshot, table, at, there))
        yield Step("documents", partial(self._complete, live, at))
        yield from self.verification(at)

    def verification(self, at: datetime) -> Iterator[Step]:
        """The steps that restore a complete backup into scratch tables, and compare it."""
        manifest, there = manifests.find(self.warehouse, backup_id(at)), tables.snapshots(self.warehouse)
        for table in manifest.tables:
            yield Step(f"verify:{table.table}", partial(self._verify, manifest, table, there))
        yield Step("verify:documents", partial(self._verify_documents, manifest))

    def _snapshot(self, table: str, at: datetime, there: Container[str]) -> str:
        """Unless there is one, of a step whose end was not recorded."""
        name = snapshot_name(table, backup_id(at))
        if name not in there:
            tables.snapshot(self.warehouse, table, name)
        return ""

    def _complete(self, live: list[str], at: datetime) -> str:
        described = tuple(tables.described(self.warehouse, table, backup_id(at)) for table in live)
        name = documents.next_export(self.warehouse, at)
        digest = documents.export(self.store, self.warehouse, at, name)
        manifest = Manifest(
            id=backup_id(at), at=at, export=name, tables=described, documents=digest.count, digest=digest.text
        )
        manifests.write(self.warehouse, self.clock, manifest, manifests.Status.COMPLETE)
        rows = sum(table.rows for table in described)
        return f"{len(described)} tables, {rows} rows, {digest.count} documents"

    def _verify(self, manifest: Manifest, table: TableBackup, there: Container[str]) -> str:
        self._record_broken(manifest, lambda: self._restore_and_compare(table, there))
        return ""

    def _restore_and_compare(self, table: TableBackup, there: Container[str]) -> None:
        tables.drop(self.warehouse, tables.restore_into(self.warehouse, table, "verify", there))

    def _verify_documents(self, manifest: Manifest) -> str:
        self._record_broken(manifest, lambda: documents.check(self.warehouse, manifest))
        manifests.write(self.warehouse, self.clock, manifest, manifests.Status.VERIFIED)
        return "restored and compared"

    def _record_broken(self, manifest: Manifest, act: Callable[[], None]) -> None:
        try:
            act()
        except BackupError as error:
            manifests.write(self.warehouse, self.clock, manifest, manifests.Status.BROKEN, str(error))
            raise

    def drop(self, before: datetime) -> str:
        """Drop the backups that were made before an instant, and say how many snapshots they had."""
        dropped = tables.drop_expired(self.warehouse, backup_id(before))
        for statement in _DELETIONS:
            self.warehouse.query(statement, before=before)
        return f"{dropped} old snapshots dropped" if dropped else ""
