"""Documents in a backup: rows of `backups.documents`, read and written through the port of the store alone.

So every store is backed up in the same way, and a backup of one can be restored into another. Rows may be there
twice; a document has one key in an export.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from core.errors import BackupError, ConflictError
from core.incidents.outbox import Effect
from core.ledger import ClaimState
from core.maintenance.backup import NEVER_BACK, OWN, Digest, Manifest, export_order
from functions.adapters.document_json import decode, encode
from functions.adapters.ledger import COLLECTION as LEDGER
from functions.adapters.ports import Data, Document, ListedStore, StreamedWarehouse
from functions.adapters.store import change_document, every
from functions.services.incidents.documents import GROUPS, group_data, read_group

TABLE = "backups.documents"
_AT_ONCE = 200
"""Documents that are held at once."""
_FOLDER = Path(__file__).parent
_READ = (_FOLDER / "read_documents.sql").read_text()
_COLLECTIONS = (_FOLDER / "collections.sql").read_text()
_EXPORTS = (_FOLDER / "count_exports.sql").read_text()


class Stored(NamedTuple):
    """A document of a backup."""

    collection: str
    key: str
    data: Data


def next_export(warehouse: StreamedWarehouse, at: datetime) -> str:
    """The name of the next export for the backup of an instant: what was broken off before has another one."""
    (row,) = warehouse.query(_EXPORTS, backup_at=at)
    return str(row["n"] + 1)


def export(store: ListedStore, warehouse: StreamedWarehouse, at: datetime, name: str) -> Digest:
    """Append every document, in the order of `export_order`, as an export of that name; the digest of all.

    Args:
        store: has the documents.
        warehouse: takes them.
        at: the instant of the backup.
        name: of this export: one that was broken off does not count.
    """
    digest = Digest()
    for collection in export_order(store.collections()):
        rows: list[Data] = []
        for document in every(store, collection):
            if _is_running(collection, document):
                continue
            text = encode(document.data)
            digest.add(collection, document.key, text)
            rows.append({"backup_at": at, "export": name, "collection": collection, "key": document.key, "data": text})
            if len(rows) == _AT_ONCE:
                warehouse.append(TABLE, rows)
                rows = []
        warehouse.append(TABLE, rows)
    return digest


def _is_running(collection: str, document: Document) -> bool:
    """Whether it is the claim of an attempt that has not ended: after a restore nobody has it."""
    return collection == LEDGER and document.data.get("state") == ClaimState.CLAIMED


def read(warehouse: StreamedWarehouse, manifest: Manifest, collection: str) -> Iterator[Stored]:
    """The documents of a collection in a backup, by their keys."""
    which = {"backup_at": manifest.at, "export": manifest.export, "collection": collection}
    for row in warehouse.stream(_READ, at_once=_AT_ONCE, **which):
        yield Stored(row["collection"], row["key"], decode(row["data"]))


def collections(warehouse: StreamedWarehouse, manifest: Manifest) -> list[str]:
    """The collections in a backup, in the order of `export_order`."""
    rows = warehouse.query(_COLLECTIONS, backup_at=manifest.at, export=manifest.export)
    return export_order(row["collection"] for row in rows)


def check(warehouse: StreamedWarehouse, manifest: Manifest) -> None:
    """Read every document of a backup, and compare all with what was exported.

    Raises:
        BackupError: documents are missing, or are not what they were.
    """
    digest = Digest()
    for stored in chain.from_iterable(read(warehouse, manifest, name) for name in collections(warehouse, manifest)):
        digest.add(stored.collection, stored.key, encode(stored.data))
    if digest.count != manifest.documents:
        raise BackupError(f"documents: must be {manifest.documents}, got {digest.count}")
    if digest.text != manifest.digest:
        raise BackupError(f"documents: must have the digest {manifest.digest}, got {digest.text}")


def restore(store: ListedStore, warehouse: StreamedWarehouse, manifest: Manifest, collection: str) -> list[str]:
    """Let a collection be what it was; idempotent.

    Documents of the collections that never go back are only restored where they are missing. Messages and requests that
    waited in a group stay only if they still wait there: of any other nobody knows whether it was sent since.

    Returns:
        The keys of the messages and requests that are not sent.
    """
    wanted: set[str] = set()
    withheld: list[str] = []
    for stored in read(warehouse, manifest, collection):
        wanted.add(stored.key)
        document = store.get(collection, stored.key)
        if document and collection in NEVER_BACK:
            continue
        data = _settled(stored.data, document, withheld) if collection == GROUPS else stored.data
        change_document(store, collection, stored.key, partial(_written, data), known=document)
    if collection not in NEVER_BACK:
        _delete_others(store, collection, wanted)
    return withheld


def delete_new(store: ListedStore, warehouse: StreamedWarehouse, manifest: Manifest) -> None:
    """Delete the collections that the backup has not, but for those that never go back."""
    for collection in set(store.collections()) - {*collections(warehouse, manifest), *NEVER_BACK, OWN}:
        _delete_others(store, collection, set())


def _delete_others(store: ListedStore, collection: str, wanted: set[str]) -> None:
    for document in list(every(store, collection)):
        if document.key not in wanted:
            _delete(store, collection, document)


def _delete(store: ListedStore, collection: str, document: Document | None) -> None:
    """Delete a document, also one that somebody has written since it was read."""
    while document:
        try:
            store.delete(document, collection)
        except ConflictError:
            document = store.get(collection, document.key)
        else:
            return


def _written(wanted: Data, data: Data | None) -> Data | None:
    return None if data == wanted else wanted


def _settled(data: Data, now: Document | None, withheld: list[str]) -> Data:
    """The document of a group without the messages and requests that do not wait any more, as far as is known."""
    group = read_group(data)
    waiting = {effect.key for effect in read_group(now.data).pending} if now else set()
    gone = [effect.key for effect in group.pending if _is_told(effect) and effect.key not in waiting]
    if not gone:
        return data
    withheld += gone
    return group_data(replace(group, pending=tuple(one for one in group.pending if one.key not in gone)))


def _is_told(effect: Effect) -> bool:
    return effect.message is not None or effect.request is not None
