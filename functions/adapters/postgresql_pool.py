"""Connections to the PostgreSQL server of the store: opened when they are needed, reused, and given up with the first error.

A server that restarts, fails over or is reached through a network that forgets leaves connections that are dead. So one that
lies idle is looked at before it is used again, without a message to the server, and after an error all idle ones are closed.
No wait is endless: the server ends a statement after `patience`, and where the server itself hangs, the connection is given up a second
later.

References:
    PostgreSQL documentation, libpq: Connection Strings; Client Connection Defaults: statement_timeout.
"""

import os
import re
import select
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from functions.adapters import request_deadline

if TYPE_CHECKING:
    from psycopg.abc import PQGen

T = TypeVar("T")
MOST = 4
"""Connections of a store in a process: a server has 100 by default, and a function has several instances."""
_GRACE = 1.0
"""Seconds after `patience` until a server that did not end a statement counts as hanging."""
_LEAST_PATIENCE = 2.0
"""Seconds to connect: libpq takes no less."""
_ADDRESS = "AIA_STORE: must be postgresql://[user[:password]@]host[:port]/database[?option=value], with special characters of a password percent-encoded"
_SESSION = """
SELECT
  set_config('statement_timeout', %(patience)s, false),
  set_config('plan_cache_mode', 'force_custom_plan', false),
  set_config('default_transaction_isolation', 'read committed', false),
  set_config('TimeZone', 'UTC', false)
"""


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose every wait ends."""

    longest_wait = 0.0

    def wait(self, gen: "PQGen[T]", interval: float = 0.1, timeout: float | None = None) -> T:
        """As of psycopg, which waits for ever for a server that neither answers nor closes the connection."""
        return super().wait(gen, interval, timeout or self.longest_wait)


class Pool:
    """The connections of one process.

    Args:
        url: of the server, for libpq; what it leaves out is as in libpq's environment (`PGPASSWORD`, `PGSSLMODE`, ...).
        patience: seconds for a statement, and to wait for a connection.
        prepare: called with each new connection.

    Raises:
        ValueError: the address is none; the message does not repeat it, since it may have a password.
    """

    def __init__(self, url: str, patience: float, prepare: Callable[[Connection], None]) -> None:
        self._options = _options(url, patience)
        self._patience = patience
        self._prepare = prepare
        self._forget()

    @property
    def where(self) -> str:
        """The server and the database, for messages."""
        given = {"host": "localhost", "port": "5432", "user": "", "dbname": ""} | self._options
        user = f"{given['user']}@" if given["user"] else ""
        return f"{user}{given['host']}:{given['port']}/{given['dbname']}"

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """A connection for the block; after an error in it, this one and all that are idle are closed.

        Raises:
            UnavailableError: others have all connections for too long.
            psycopg.Error: the server cannot be reached, or refuses the connection.
        """
        if self._process != os.getpid():
            self._forget()
        free = self._free
        seconds = request_deadline.within(self._patience)
        if not free.acquire(timeout=seconds):
            raise request_deadline.no_answer(
                f"AIA_STORE, {self.where}: no connection of {MOST} is free within {seconds:g} s"
            )
        try:
            left = request_deadline.within(self._patience)
            connection = self._idle_connection() or self._open(left)
            connection.longest_wait = left + _GRACE
            try:
                yield connection
            except BaseException:
                connection.close()
                self.close()
                raise
            self._idle.append(connection)
        finally:
            free.release()

    def close(self) -> None:
        """Close the idle connections."""
        while connection := self._popped():
            connection.close()

    def _forget(self) -> None:
        # A connection must not cross a fork: a child opens its own, and leaves its parent's alone.
        self._free = threading.BoundedSemaphore(MOST)
        self._idle: list[Connection] = []
        self._process = os.getpid()

    def _idle_connection(self) -> Connection | None:
        """The one that was used last and still lives; the others stay idle, and end with the server's own limits."""
        while connection := self._popped():
            if not _has_ended(connection):
                return connection
            connection.close()
        return None

    def _popped(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:  # another thread may have taken the last one
            return None

    def _open(self, seconds: float) -> Connection:
        connect = max(min(seconds, float(self._options["connect_timeout"])), _LEAST_PATIENCE)
        connection = Connection.connect("", autocommit=True, **self._options | {"connect_timeout": f"{connect:.0f}"})
        try:
            connection.longest_wait = seconds + _GRACE
            connection.execute(_SESSION, {"patience": f"{self._patience * 1000:.0f}"})
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def _has_ended(connection: Connection) -> bool:
    """Whether the server has said something on an idle connection: that it ends, or nothing more ever."""
    look = select.poll()
    look.register(connection.pgconn.socket, select.POLLIN)
    return bool(look.poll(0))


def _options(url: str, patience: float) -> dict[str, Any]:
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        raise ValueError(_ADDRESS) from None
    # An @ or a / of a password that is not encoded moves parts of it into others, which messages would show.
    host, port, database = (str(given.get(name, "")) for name in ("host", "port", "dbname"))
    if "@" in host + database or not re.fullmatch(r"[0-9,]*", port):
        raise ValueError(_ADDRESS)
    return (
        {
            "application_name": "aia-monitoring",
            "connect_timeout": f"{max(patience, _LEAST_PATIENCE):.0f}",
            "keepalives_idle": "60",
            "target_session_attrs": "read-write",  # of several hosts the primary; alone, a standby is refused
        }
        | given
        | {"client_encoding": "utf8"}
    )
