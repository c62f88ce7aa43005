"""Restoring a backup: everything into scratch tables first, compared there, and only then in the place of what is there.

Which steps are done is a document, so that a restore that was broken off goes on where it was: by the same command, or by the next
tick of the function `maintenance`. Until the first step of the exchange nothing has changed; from then on no other backup can
be restored before this one is.

    stage:TABLE       restored into a scratch table and compared with the snapshot
    stage:documents   all documents read and compared with the export
    put:COLLECTION    documents written, those that follow from others first; what is not in the backup is deleted
    put:TABLE         the scratch table takes the place of the table, by one statement
"""

import logging
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from core.errors import RefusedError
from core.maintenance.backup import OWN, Manifest, TableBackup, scratch_name
from functions.adapters.logs import fields
from functions.adapters.ports import Clock, Data, ListedStore, StreamedWarehouse
from functions.adapters.store import update
from functions.services.backups import documents, manifests, tables
from functions.services.steps import Step

KEY = "restore"
_USE = "restore"
_PUT = "put:"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restorer:
    """Restores backups.

    Attributes:
        store: takes the documents, and has the state of the restore.
        warehouse: has the backups, and takes the tables.
        clock: now.
    """

    store: ListedStore
    warehouse: StreamedWarehouse
    clock: Clock

    def unfinished(self) -> str:
        """The id of the backup whose restore has begun to change something and is not finished; empty where there is none."""
        data = self._data()
        return str(data["backup"]) if data.get("exchanging") and not data["finished_at"] else ""

    def require_finished(self) -> None:
        """Refuse while a restore is not finished: the system is of two times until then.

        Raises:
            RefusedError: one is not; the message names its backup.
        """
        if other := self.unfinished():
            raise RefusedError(
                f"backup: must wait for the restore of {other}, which is not finished: aia restore finishes it"
            )

    def begin(self, manifest: Manifest) -> None:
        """Begin to restore a backup, or go on with it.

        Raises:
            RefusedError: the restore of another one is not finished.
        """
        other = self.unfinished()
        if other and other != manifest.id:
            raise RefusedError(f"backup: must be {other}, whose restore is not finished, got {manifest.id}")
        if not other:
            # What an earlier restore staged may be of another backup.
            begun = {"backup": manifest.id, "begun_at": self.clock(), "finished_at": None, "done": [], "withheld": []}
            update(self.store, OWN, KEY, lambda _: begun | {"exchanging": False})

    def steps(self, manifest: Manifest) -> Iterator[Step]:
        """The steps that are left; each is recorded as it is done."""
        done = self._data()["done"]
        for step in self._steps(manifest):
            if step.name not in done:
                yield Step(step.name, partial(self._do, step))

    def finish(self) -> Sequence[str]:
        """Record the end; the keys of the messages and requests that are not sent."""
        data = update(self.store, OWN, KEY, lambda data: (data or {}) | {"finished_at": self.clock()})
        return list(data["withheld"])

    def resume(self) -> None:
        """Finish a restore that has begun to change something, if there is one.

        Raises:
            BackupError: the backup is gone, or a part of it.
        """
        backup = self.unfinished()
        if not backup:
            return
        log.warning("restore continued: %s", backup, extra=fields(backup=backup))
        for step in self.steps(manifests.find(self.warehouse, backup)):
            step.run()
        for key in self.finish():
            log.warning("not sent, because nobody knows whether it was since: %s", key, extra=fields(backup=backup))

    def _steps(self, manifest: Manifest) -> Iterator[Step]:
        there = tables.snapshots(self.warehouse)
        for table in manifest.tables:
            yield Step(f"stage:{table.table}", partial(self._stage, table, there))
        yield Step("stage:documents", partial(self._check, manifest))
        yield Step("exchange", self._exchange)
        for collection in reversed(documents.collections(self.warehouse, manifest)):
            yield Step(f"{_PUT}{collection}", partial(self._put, manifest, collection))
        yield Step(f"{_PUT}no more", partial(self._delete_new, manifest))
        for table in manifest.tables:
            yield Step(f"{_PUT}{table.table}", partial(self._replace, table))
        for table in manifest.tables:
            yield Step(f"drop:{table.table}", partial(self._drop, table))

    def _do(self, step: Step) -> str:
        said = step.run()
        update(self.store, OWN, KEY, lambda data: _with_step(data or {}, step.name))
        return said

    def _stage(self, table: TableBackup, there: Container[str]) -> str:
        tables.restore_into(self.warehouse, table, _USE, there)
        return f"{table.rows} rows"

    def _check(self, manifest: Manifest) -> str:
        documents.check(self.warehouse, manifest)
        return f"{manifest.documents} documents"

    def _delete_new(self, manifest: Manifest) -> str:
        documents.delete_new(self.store, self.warehouse, manifest)
        return ""

    def _exchange(self) -> str:
        update(self.store, OWN, KEY, lambda data: (data or {}) | {"exchanging": True})
        return ""

    def _put(self, manifest: Manifest, collection: str) -> str:
        withheld = documents.restore(self.store, self.warehouse, manifest, collection)
        if withheld:
            update(self.store, OWN, KEY, lambda data: _with_withheld(data or {}, withheld))
        return f"{len(withheld)} messages withheld" if withheld else ""

    def _replace(self, table: TableBackup) -> str:
        tables.replace(self.warehouse, table.table, scratch_name(table.table, _USE))
        return ""

    def _drop(self, table: TableBackup) -> str:
        tables.drop(self.warehouse, scratch_name(table.table, _USE))
        return ""

    def _data(self) -> Data:
        document = self.store.get(OWN, KEY)
        return document.data if document else {}


def _with_step(data: Data, name: str) -> Data:
    return data | {"done": [*data["done"], name]}


def _with_withheld(data: Data, keys: Sequence[str]) -> Data:
    return data | {"withheld": sorted({*data["withheld"], *keys})}
