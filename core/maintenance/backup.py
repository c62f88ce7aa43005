"""A backup: what it consists of, which one is restored, and what a restore keeps as it is.

The order of the collections is that of what follows from what: findings, incidents, actions, claims. A document that is exported
later may know more than one that was exported before, never less. So what a restored document asks for again, as an
unpublished finding does, meets one that knows that it was done.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final

DATASETS: Final = ("marts", "ops")
"""The datasets whose tables are backed up; `telemetry` belongs to the applications, and can be sent again."""
OWN: Final = "maintenance"
"""The collection of the tasks and of the restore: in no backup."""
_PASSING: Final = "live_log"
"""The collection of the log of changes: in no backup either, it has the last minutes only."""
_ORDER: Final = ("conditions", "incident_groups", "incidents", "actions", "guards", "ledger")
"""Collections that follow from the others, in their order; every other one is exported before them."""
NEVER_BACK: Final = frozenset({"ledger", "guards", "actions"})
"""Collections whose documents are restored only where they are missing: a claim, a halt and an action that there are know more."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MODULUS = 1 << 256


@dataclass(frozen=True, slots=True, kw_only=True)
class TableBackup:
    """A table in a backup.

    Attributes:
        table: the table, as in `ops.findings`.
        snapshot: its snapshot, as in `backups.ops__findings__20260102T010000`.
        rows: of the snapshot.
        rows_live: of the table, just after the snapshot; rows that were streamed in the last minutes may be in no snapshot.
    """

    table: str
    snapshot: str
    rows: int
    rows_live: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A backup that is complete.

    Attributes:
        id: of the backup.
        at: the instant that it was made for.
        export: the export of the documents that counts, where one was made again.
        tables: the tables.
        documents: the number of documents.
        digest: of all documents, in any order.
    """

    id: str
    at: datetime
    export: str
    tables: tuple[TableBackup, ...]
    documents: int
    digest: str


def backup_id(at: datetime) -> str:
    """The id of the backup of an instant: a part of the names of its snapshots, and ordered by time."""
    return f"{at:%Y%m%dT%H%M%S}"


def snapshot_name(table: str, backup: str) -> str:
    """The snapshot of a table in a backup.

    >>> snapshot_name("ops.findings", "20260102T010000")
    'backups.ops__findings__20260102T010000'

    Raises:
        ValueError: no name of a table.
    """
    return f"backups.{_joined(table)}__{backup}"


def scratch_name(table: str, use: str) -> str:
    """The table that a snapshot is restored into before it takes the place of the real one, or to compare it.

    >>> scratch_name("ops.findings", "verify")
    'backups.verify__ops__findings'
    """
    return f"backups.{use}__{_joined(table)}"


def _joined(table: str) -> str:
    dataset, _, name = table.partition(".")
    if not (_NAME.fullmatch(dataset) and _NAME.fullmatch(name)):
        raise ValueError(f"table: must be dataset.table, got {table!r}")
    return f"{dataset}__{name}"


def expired(snapshots: Iterable[str], *, before: str) -> list[str]:
    """The snapshots of backups with smaller ids, that is, earlier ones; what is not named as one is left alone.

    >>> expired(["backups.ops__findings__20260102T010000", "backups.verify__ops__findings"], before="20260202T010000")
    ['backups.ops__findings__20260102T010000']
    """
    named = ((name, name.rpartition("__")[2]) for name in snapshots)
    return [name for name, made in named if re.fullmatch(r"\d{8}T\d{6}", made) and made < before]


def chosen(manifests: Sequence[Manifest], at: datetime) -> Manifest | None:
    """The newest backup that was made at an instant or before it."""
    return max((one for one in manifests if one.at <= at), key=lambda one: one.at, default=None)


def export_order(collections: Iterable[str]) -> list[str]:
    """The collections in the order in which they are exported; a restore goes the other way.

    >>> export_order(["ledger", "conditions", "slack_threads", "maintenance"])
    ['slack_threads', 'conditions', 'ledger']
    """
    last = {name: number for number, name in enumerate(_ORDER)}
    return sorted(
        (name for name in collections if name not in {OWN, _PASSING}), key=lambda name: (last.get(name, -1), name)
    )


class Digest:
    """A digest of a multiset of documents: the sum of their hashes, so that their order does not matter."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = 0

    def add(self, collection: str, key: str, text: str) -> None:
        """Add a document, its fields as text."""
        hashed = sha256(f"{collection}\0{key}\0{text}".encode()).digest()
        self._sum = (self._sum + int.from_bytes(hashed, "big")) % _MODULUS
        self.count += 1

    @property
    def text(self) -> str:
        """The digest of what was added so far."""
        return f"{self._sum:064x}"
