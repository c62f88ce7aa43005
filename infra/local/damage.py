"""Corrupt data files of the local system: found before anything starts, reported all at once, set aside on request.

References between files decide which files are set aside together with a corrupt one:

- the rows of the history in the warehouse carry ids that follow from the marker, `replay.json`, and the plan,
`history*.json`, says
  which of them are there: none is of use without the others;
- the store says what was done with rows of the warehouse: without it the history has to come again, into a new
warehouse.

If the store is kept while the history is computed again, its progress of the history is reset.
"""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core.errors import AiaError, UnreadableError
from functions.api.freshness import COLLECTION
from infra.local.past.plan import NAME as PLAN
from infra.local.past.plan import TRACKS, reached_name, read_plan
from infra.local.prometheus import drop_history
from infra.local.replay.replay import NAME as MARKER
from infra.local.replay.replay import Marker

STORE, PUBSUB, INBOX = "store.sqlite", "pubsub.sqlite", "inbox.sqlite"
WAREHOUSE = "warehouse/bqemulator.duckdb"
_PLANS = (PLAN, *map(reached_name, TRACKS))
_TOGETHER = {
    STORE: (*_PLANS, MARKER, WAREHOUSE, STORE),
    WAREHOUSE: (*_PLANS, MARKER, WAREHOUSE),
    MARKER: (*_PLANS, WAREHOUSE, MARKER),
    PLAN: (MARKER, WAREHOUSE, *_PLANS),
}
"""The files that are set aside with a corrupt file, in this order: after an interruption the next check finds the rest."""
_ORDER = (STORE, WAREHOUSE, MARKER, PLAN, PUBSUB, INBOX)
"""The store first: dependent files are moved before it, and so before a corrupt warehouse or marker is out of sight."""
_LOST = {
    PUBSUB: "messages that were not delivered are in the file set aside",
    INBOX: "the inbox starts empty",
}
_HISTORY = "the history is computed again"
_WITHOUT_STORE = "incidents so far are in the file set aside"
_BESIDE = ("-wal", "-shm", ".wal")
"""Suffixes of the files that SQLite and DuckDB write beside a database."""
_WHOLE_BYTES = 64 * 2**20
"""The largest SQLite file that is read completely; of a larger one, only the beginning."""
_KIND = 0xFF
"""The mask for SQLite's primary error codes."""
_BROKEN = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_FORMAT)
_OPEN_SECONDS = 5.0
_OPEN = """
import duckdb, os, sys
database = duckdb.connect(sys.argv[1], read_only=True)
(least,) = database.execute("SELECT used_blocks * block_size FROM pragma_database_size()").fetchone()
if os.path.getsize(sys.argv[1]) < least and not os.path.exists(sys.argv[1] + ".wal"):  # what is there grows the file
    sys.exit(f"Error: must have {least} bytes, got {os.path.getsize(sys.argv[1])}")
"""
_NO_DAMAGE = ("could not set lock", "extension")
"""Words of DuckDB's errors that are about other programs or about itself."""


@dataclass(frozen=True, slots=True)
class Damage:
    """A broken file.

    Attributes:
        name: of the file, within the folder of the data.
        why: the fault.
    """

    name: str
    why: str


class DamagedError(AiaError):
    """Files are broken; the message names each, and says how to go on."""

    def __init__(self, folder: Path, damages: list[Damage]) -> None:
        faults = [f"{folder / damage.name}: {damage.why}" for damage in damages]
        names = ", ".join(_listed(folder, damages))
        way_out = f"`aia local --data {folder} --set-aside` moves {names} to {folder}/set-aside-TIME and starts"
        super().__init__("\n".join([*faults, "; ".join([way_out, *_consequences(damages)])]))


def check(folder: Path) -> list[Damage]:
    """The broken files in the folder of a stack's data, while no stack runs on it.

    Raises:
        OSError: a file cannot be read.
    """
    begun = any((folder / reached_name(track)).exists() for track in TRACKS)
    with ThreadPoolExecutor(1, "check") as beside:
        warehouse = beside.submit(_duckdb, folder / WAREHOUSE, begun=begun)
        faults = {name: _sqlite(folder / name, begun=begun) for name in (PUBSUB, STORE, INBOX)}
        faults |= {MARKER: _marker(folder / MARKER), PLAN: _plan(folder), WAREHOUSE: warehouse.result()}
    return [Damage(name, why) for name, why in faults.items() if why]


def set_aside(folder: Path, damages: list[Damage]) -> str:
    """Move corrupt files and their dependent files to a new folder; returns the message for people.

    Raises:
        OSError: a file cannot be moved.
    """
    names = _listed(folder, damages)
    beside = folder / f"set-aside-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    beside.mkdir()
    if STORE not in names and {WAREHOUSE, MARKER} & set(names):
        _forget_history(folder / STORE)
    if MARKER in names:
        drop_history(folder / "prometheus")
    for name in names:
        _move(folder, name, beside)
    return "; ".join([f"set aside in {beside}: {', '.join(names)}", *_consequences(damages)])


def _listed(folder: Path, damages: list[Damage]) -> list[str]:
    """The files to move for corrupt ones, in order."""
    broken = sorted((damage.name for damage in damages), key=_ORDER.index)
    names = dict.fromkeys(name for fault in broken for name in _TOGETHER.get(fault, (fault,)))
    return [name for name in names if (folder / name).exists()]


def _consequences(damages: list[Damage]) -> list[str]:
    names = {damage.name for damage in damages}
    history = [_HISTORY] if names & _TOGETHER.keys() else []
    store = [_WITHOUT_STORE] if STORE in names else []
    return history + store + [words for name, words in _LOST.items() if name in names]


def _move(folder: Path, name: str, beside: Path) -> None:
    for ending in ("", *_BESIDE):
        source = folder / f"{name}{ending}"
        if source.exists():
            target = beside / f"{name}{ending}"
            target.parent.mkdir(exist_ok=True)
            source.rename(target)


def _forget_history(store: Path) -> None:
    """Reset the progress of the history if the store is kept."""
    if store.exists():
        with closing(sqlite3.connect(store)) as database, suppress(sqlite3.OperationalError), database:
            database.execute("DELETE FROM documents WHERE collection = ?", (COLLECTION,))


def _marker(path: Path) -> str:
    try:
        msgspec.json.decode(path.read_bytes(), type=Marker)
    except FileNotFoundError:
        return ""
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return f"holds no marker of the replay ({error})"
    return ""


def _plan(folder: Path) -> str:
    try:
        read_plan(folder)
    except UnreadableError as error:
        return f"holds no plan of the history ({error})"
    return ""


def _sqlite(path: Path, *, begun: bool) -> str:
    """The fault of a SQLite file, if any; a locked file, for example, is not read."""
    if not path.exists():
        return ""
    if not path.is_file():
        return "must be a file, got a folder"
    if not path.stat().st_size:  # a stack that was killed in its first second leaves such files
        return "is empty" if begun else ""
    look = (
        "PRAGMA quick_check(1)" if path.stat().st_size <= _WHOLE_BYTES else "SELECT 'ok', count(*) FROM sqlite_master"
    )
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=1)) as database:
            said = database.execute(look).fetchone()[0]
    except sqlite3.DatabaseError as error:
        return f"is not a database ({error})" if error.sqlite_errorcode & _KIND in _BROKEN else ""
    return "" if said == "ok" else f"is damaged ({said.splitlines()[-1]})"


def _duckdb(path: Path, *, begun: bool) -> str:
    """The fault of the warehouse's file, if any."""
    if not path.exists():
        return ""
    if not path.is_file():
        return "must be a file, got a folder"
    if not path.stat().st_size and not begun:  # killed in its first moment; DuckDB opens no such file
        path.unlink()
        return ""
    with path.open("rb") as file:
        if file.read(12)[8:] != b"DUCK":  # behind a checksum
            return "is not a database (it has no header of DuckDB)"
    return _opened(path)


def _opened(path: Path) -> str:
    """What DuckDB says about a file; nothing when it takes long, since then it reads it.

    In a separate process: DuckDB may crash on a corrupt file, and would not release its memory.
    """
    command = [sys.executable, "-I", "-c", _OPEN, str(path)]
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=_OPEN_SECONDS)
    except subprocess.TimeoutExpired:
        return ""
    if not done.returncode:
        return ""
    last = done.stderr.strip().splitlines()[-1:]
    why = last[0].partition(": ")[2] if last else f"DuckDB ends with {done.returncode}"
    return "" if any(word in why.lower() for word in _NO_DAMAGE) else f"is damaged ({why})"
