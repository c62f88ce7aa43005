"""Manifests of backups: rows of `backups.manifests`, written when a backup is complete, and again when it was verified."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from core.errors import BackupError
from core.events import stamp
from core.maintenance.backup import Manifest, chosen
from functions.adapters.ports import Clock, Warehouse

TABLE = "backups.manifests"
_ALL = Path(__file__).with_name("newest_manifests.sql").read_text()


class Status(StrEnum):
    """What is known of a backup."""

    COMPLETE = "complete"
    """Made, and not compared yet."""
    VERIFIED = "verified"
    """Restored into scratch tables, and equal."""
    BROKEN = "broken"
    """It cannot be restored."""


class Backup(NamedTuple):
    """A backup, and what is known of it."""

    manifest: Manifest
    status: Status
    detail: str


def write(warehouse: Warehouse, clock: Clock, manifest: Manifest, status: Status, detail: str = "") -> None:
    """Record what is known of a backup; the newest record counts."""
    row = {
        "id": manifest.id,
        "backup_at": manifest.at,
        "written_at": clock(),
        "status": status.value,
        "detail": detail,
        "manifest": msgspec.json.encode(manifest).decode(),
    }
    warehouse.append(TABLE, [row])


def read(warehouse: Warehouse) -> list[Backup]:
    """All backups, the newest first."""
    return [
        Backup(msgspec.json.decode(row["manifest"], type=Manifest), Status(row["status"]), row["detail"])
        for row in warehouse.query(_ALL)
    ]


def find(warehouse: Warehouse, backup: str) -> Manifest:
    """The manifest of a backup.

    Raises:
        BackupError: there is none.
    """
    for one in read(warehouse):
        if one.manifest.id == backup:
            return one.manifest
    raise BackupError(f"backup: must be one that is complete, got {backup!r}")


def newest(warehouse: Warehouse, at: datetime) -> Manifest:
    """The newest backup of an instant or before it that is not known to be broken.

    Raises:
        BackupError: there is none.
    """
    found = read(warehouse)
    whole = [one.manifest for one in found if one.status is not Status.BROKEN]
    manifest = chosen(whole, at)
    if manifest:
        return manifest
    if not whole:
        raise BackupError("backup: there is none" if not found else f"backup: all {len(found)} are broken")
    raise BackupError(
        f"at: must not be before the first backup, {stamp(min(one.at for one in whole))}, got {stamp(at)}"
    )
