"""Received messages, stored in SQLite."""

import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from core.events import YEARS, Change, Severity
from functions.adapters import repeated_keys

_TABLE = """
    CREATE TABLE IF NOT EXISTS messages (
        number INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, body BLOB NOT NULL, received_at TEXT NOT NULL,
        deliveries INTEGER NOT NULL DEFAULT 1)
"""
_RECEIVE = """
    INSERT INTO messages (key, body, received_at) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET deliveries = deliveries + 1 RETURNING deliveries
"""
_NEWEST = "SELECT body, received_at, deliveries FROM messages ORDER BY number DESC LIMIT ?"


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """One labelled fact of a message."""

    name: str
    text: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One message, as the webhook channel sends it; a short one has no facts."""

    key: str
    incident_id: str
    change: Change
    severity: Severity
    title: str
    text: str
    url: str
    at: datetime
    category: str = ""
    target: str = ""
    facts: tuple[Fact, ...] = ()
    runbook: str = ""
    missed: bool = False


class Posted(Message, frozen=True, kw_only=True):
    """One message and its channel, from the address to which it was posted."""

    channel: str = ""


class Received(Posted, frozen=True, kw_only=True):
    """One message, and how it arrived.

    Attributes:
        received_at: when it was first received.
        deliveries: how often it was received; it is stored once.
    """

    received_at: datetime
    deliveries: int


REPORT = "report"
"""The category of a report, and what its body calls itself."""


class _Report(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=REPORT):
    """One report, as the webhook channel sends it; its document is not kept here."""

    key: str
    title: str
    text: str
    url: str
    at: datetime


class _Typed(msgspec.Struct, frozen=True):
    type: str = ""


_typed = msgspec.json.Decoder(_Typed)
_report = msgspec.json.Decoder(_Report)
_decoder = msgspec.json.Decoder(Message)
_kept = msgspec.json.Decoder(Posted)


def read(body: bytes, channel: str = "") -> Posted:
    """The message of a request.

    Args:
        body: the message as JSON.
        channel: that the address names.

    Raises:
        ValueError: the body holds none; the text says where and why.
    """
    repeated_keys.check(body)
    try:
        message = _read_report(body) if _typed.decode(body).type == REPORT else _decoder.decode(body)
    except RecursionError as error:
        raise ValueError("body: nested too deeply") from error
    if not message.key:
        raise ValueError("key: must not be empty")
    check_year("at", message.at)
    return Posted(**msgspec.structs.asdict(message), channel=channel)


def check_year(name: str, at: datetime) -> None:
    """Raise `ValueError` unless every time zone can name the instant: the page could not show it."""
    if at.year not in YEARS:
        raise ValueError(f"{name}: must be a year {YEARS[0]} to {YEARS[-1]}, got {at.isoformat()}")


def _read_report(body: bytes) -> Message:
    """A report as a message about no incident."""
    report = _report.decode(body)
    return Message(
        key=report.key,
        incident_id="",
        change=Change.UPDATED,
        severity=Severity.INFO,
        title=report.title,
        text=report.text,
        url=report.url,
        at=report.at,
        category=REPORT,
    )


class Messages:
    """The messages in one SQLite file; safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._lock = threading.Lock()
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(_TABLE)

    def receive(self, message: Posted) -> bool:
        """Keep a message; one of a known key is counted and otherwise changes nothing.

        Returns:
            Whether it is new.
        """
        row = (message.key, msgspec.json.encode(message), datetime.now(UTC).isoformat())
        with self._lock, closing(sqlite3.connect(self._path)) as database, database:
            (deliveries,) = database.execute(_RECEIVE, row).fetchone()
        return bool(deliveries == 1)

    def newest(self, limit: int) -> list[Received]:
        """The newest messages, the newest first."""
        with closing(sqlite3.connect(self._path)) as database:
            rows = database.execute(_NEWEST, (limit,)).fetchall()
        return [
            Received(
                **msgspec.structs.asdict(_kept.decode(body)),
                received_at=datetime.fromisoformat(received_at),
                deliveries=deliveries,
            )
            for body, received_at, deliveries in rows
        ]

    def count(self) -> int:
        """How many messages there are."""
        with closing(sqlite3.connect(self._path)) as database:
            (number,) = database.execute("SELECT COUNT(*) FROM messages").fetchone()
        return int(number)
