"""What a seek changes in the store: https://cloud.google.com/pubsub/docs/replay-overview.

Each is one transaction, so that a server that is killed has done all of it or nothing.
"""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.local.pubsub import wire
from infra.local.pubsub.store import clear

_COPY = """
INSERT OR IGNORE INTO queue (subscription, id, body)
SELECT :to, id, body FROM queue WHERE subscription = :source AND id >= :first AND wanted(body)
"""
_RESTORE = "INSERT OR IGNORE INTO queue (subscription, id, body) SELECT subscription, id, body FROM kept WHERE subscription = ? AND id >= ?"
_KEEP = "INSERT OR REPLACE INTO kept SELECT subscription, id, body FROM queue WHERE subscription = ? AND id < ?"
_END = 1 << 62
"""A number after that of every message."""


@dataclass(frozen=True, slots=True)
class Target:
    """The subscription of a seek.

    Attributes:
        number: its number in the store.
        retains: whether what it acknowledges is kept.
        wants: whether its filter lets attributes through.
    """

    number: int
    retains: bool
    wants: Callable[[Mapping[str, str]], bool]


def to_time(target: Target, moment: int, topic: int | None) -> Callable[[sqlite3.Connection], object]:
    """Messages before a moment are acknowledged, later ones are not.

    Args:
        target: the subscription.
        moment: microseconds since 1970.
        topic: the number of the topic's own copies, if it retains its messages.
    """

    def act(connection: sqlite3.Connection) -> None:
        _retire(connection, target, moment)
        connection.execute(_RESTORE, (target.number, moment))
        connection.execute("DELETE FROM kept WHERE subscription = ? AND id >= ?", (target.number, moment))
        if topic is not None:
            _copy(connection, target, topic, moment)

    return act


def to_snapshot(target: Target, snapshot: int) -> Callable[[sqlite3.Connection], object]:
    """What the snapshot has is not acknowledged; everything else is."""

    def act(connection: sqlite3.Connection) -> None:
        _retire(connection, target, _END)
        _copy(connection, target, snapshot, 0)
        connection.execute(
            "DELETE FROM kept WHERE subscription = :s AND id IN (SELECT id FROM queue WHERE subscription = :s)",
            {"s": target.number},
        )

    return act


def hold(number: int, name: str, config: bytes, source: int | None) -> Callable[[sqlite3.Connection], object]:
    """Begin to hold messages, with copies of what a subscription has not acknowledged, if one is named."""

    def act(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO holders VALUES (?, ?, ?)", (-number, name, config))
        if source is not None:
            everything = Target(number, retains=False, wants=lambda _: True)
            _copy(connection, everything, source, 0)

    return act


def rewrite(number: int, config: bytes) -> Callable[[sqlite3.Connection], object]:
    """Change what a holder is."""
    return lambda connection: connection.execute("UPDATE holders SET config = ? WHERE number = ?", (config, -number))


def release(number: int) -> Callable[[sqlite3.Connection], object]:
    """Hold no more."""

    def act(connection: sqlite3.Connection) -> None:
        connection.execute("DELETE FROM holders WHERE number = ?", (-number,))
        clear(connection, number)

    return act


def _retire(connection: sqlite3.Connection, target: Target, before: int) -> None:
    if target.retains:
        connection.execute(_KEEP, (target.number, before))
    connection.execute("DELETE FROM queue WHERE subscription = ? AND id < ?", (target.number, before))


def _copy(connection: sqlite3.Connection, target: Target, source: int, first: int) -> None:
    def wanted(body: bytes) -> bool:
        message: Any = wire.PubsubMessage.FromString(body)
        return target.wants(dict(message.attributes))

    connection.create_function("wanted", 1, wanted)
    connection.execute(_COPY, {"to": target.number, "source": source, "first": first})
