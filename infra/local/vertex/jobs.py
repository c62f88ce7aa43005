"""The jobs and the log entries that are not published yet, in a SQLite file; both are written together."""

import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from google.cloud.aiplatform_v1.types import PipelineJob

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (name TEXT PRIMARY KEY, number INTEGER NOT NULL UNIQUE, job BLOB NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS entries (id INTEGER PRIMARY KEY AUTOINCREMENT, entry BLOB NOT NULL) STRICT;
"""
Entries = Callable[[PipelineJob, PipelineJob], Sequence[bytes]]
"""The log entries of a change, from the job before and after it."""


class Jobs:
    """The jobs of a file, in the order in which they were created; safe to use from several threads.

    Args:
        path: of the file.
        entries: of each change.
    """

    def __init__(self, path: Path, entries: Entries) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)
        self._entries = entries
        self._lock = threading.RLock()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def create(self, job: PipelineJob) -> bool:
        """Add a job; False where there is one of that name."""
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if self.find(job.name) is not None:
                return False
            count = "SELECT coalesce(max(number), 0) + 1 FROM jobs"
            sql = f"INSERT INTO jobs VALUES (?, ({count}), ?)"  # noqa: S608 - of this line
            self._connection.execute(sql, (job.name, PipelineJob.serialize(job)))
            self._note(self._entries(PipelineJob(), job))
        return True

    def find(self, name: str) -> PipelineJob | None:
        """A job, or None."""
        with self._lock:
            row = self._connection.execute("SELECT job FROM jobs WHERE name = ?", (name,)).fetchone()
        return _read(row[0]) if row else None

    def every(self) -> list[PipelineJob]:
        """All jobs, oldest first."""
        with self._lock:
            rows = self._connection.execute("SELECT job FROM jobs ORDER BY number").fetchall()
        return [_read(job) for (job,) in rows]

    def change(self, name: str, step: Callable[[PipelineJob], None]) -> PipelineJob:
        """Change a job, and write the entries of the change with it.

        Raises:
            KeyError: there is no such job.
        """
        with self._lock, self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            before = self.find(name)
            if before is None:
                raise KeyError(name)
            after = _read(PipelineJob.serialize(before))
            step(after)
            if after != before:
                self._connection.execute("UPDATE jobs SET job = ? WHERE name = ?", (PipelineJob.serialize(after), name))
                self._note(self._entries(before, after))
        return after

    def unpublished(self) -> list[tuple[int, bytes]]:
        """The log entries that are not published yet, oldest first, with their numbers."""
        with self._lock:
            return self._connection.execute("SELECT id, entry FROM entries ORDER BY id LIMIT 100").fetchall()

    def published(self, numbers: Sequence[int]) -> None:
        """Forget log entries."""
        with self._lock, self._connection:
            self._connection.executemany("DELETE FROM entries WHERE id = ?", [(number,) for number in numbers])

    def _note(self, entries: Sequence[bytes]) -> None:
        self._connection.executemany("INSERT INTO entries (entry) VALUES (?)", [(entry,) for entry in entries])


def _read(data: bytes) -> PipelineJob:
    job: PipelineJob = PipelineJob.deserialize(data)
    return job
