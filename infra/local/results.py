"""Results of functions, on disk: each process of a user finds what another one has computed.

Rewriting a statement for the emulator takes a tenth of a second, a forecast a hundredth, and each start needs hundreds.
"""

import hashlib
import os
import sqlite3
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Final

MOST: Final = 5000
"""Results that are left when a file is opened, at most some 40 MB; the oldest are dropped."""
_BUSY_SECONDS: Final = 0.2
_TABLE: Final = "CREATE TABLE IF NOT EXISTS results (key TEXT PRIMARY KEY, result TEXT NOT NULL, digest TEXT NOT NULL)"
_OLD: Final = "DELETE FROM results WHERE rowid <= (SELECT rowid FROM results ORDER BY rowid DESC LIMIT 1 OFFSET ?)"


def cache_path(name: str) -> Path:
    """The file of a name in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "aia" / f"{name}.sqlite"


class Results:
    """Results of functions of text, by all that they follow from.

    A result that cannot be read, or is not as it was written, is not found; a file that cannot be used keeps none.

    Args:
        path: of the file, a SQLite database. It is made where it is missing, and replaced where it is no database.
        version: of the functions: results of another one are not found.
    """

    def __init__(self, path: Path, version: str) -> None:
        self._version = version
        self._file = _opened(path)

    def find(self, name: str, *arguments: Hashable) -> str | None:
        """The result of a function for its arguments, whose `repr` is the same in every process; None where there is none."""
        key = self._key(name, arguments)
        rows = self._run("SELECT result, digest FROM results WHERE key = ?", key)
        return next((result for result, digest in rows if digest == _digest(key, result)), None)

    def keep(self, result: str, name: str, *arguments: Hashable) -> None:
        """Keep a result of a function for its arguments."""
        key = self._key(name, arguments)
        self._run("INSERT OR REPLACE INTO results VALUES (?, ?, ?)", key, result, _digest(key, result))

    def kept(self, name: str, make: Callable[[], str], *arguments: Hashable) -> str:
        """The result of a function for its arguments; where there is none, what `make` returns."""
        found = self.find(name, *arguments)
        if found is None:
            found = make()
            self.keep(found, name, *arguments)
        return found

    def _key(self, name: str, arguments: tuple[Hashable, ...]) -> str:
        return _digest(self._version, name, repr(arguments))

    def _run(self, sql: str, *values: str) -> list[tuple[str, str]]:
        try:
            return self._file.execute(sql, values).fetchall() if self._file else []
        except sqlite3.Error:
            return []


def _opened(path: Path) -> sqlite3.Connection | None:
    """The database; None where there can be none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return _connected(path)
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError:
            path.unlink()
            return _connected(path)
    except (OSError, sqlite3.Error):
        return None


def _connected(path: Path) -> sqlite3.Connection:
    file = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    for statement in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = OFF", _TABLE):
        file.execute(statement)
    file.execute(_OLD, (MOST,))
    return file


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
