"""PostgreSQL probe: whether a database takes a connection and answers a query; its connections and its replication lag.

All of it is one read-only transaction, in an event loop of its own: its deadline ends whatever the driver waits for.

References:
    PostgreSQL documentation, The Cumulative Statistics System; Recovery Information Functions.
"""

import asyncio
import os
import socket
import ssl
from typing import Any

import psycopg

from core.health import ProbeReason, ProbeResult
from core.settings.probes import DatabaseEncryption, PostgresqlProbe
from functions.adapters.net import Deadline
from functions.adapters.probes.failure import failed, failed_by, passed
from functions.adapters.probes.reach import reached_address

# Of a standby that has replayed all that it received, while it receives, the lag is 0, however long nothing was written.
# Of a primary server, the lag of its standbys is seen by members of pg_monitor only.
_MEASURES = """
SELECT
  CASE
    WHEN NOT pg_is_in_recovery() THEN (
      SELECT extract(epoch FROM max(coalesce(replay_lag, interval '0'))) FROM pg_stat_replication WHERE state IS NOT NULL
    )
    WHEN EXISTS (SELECT FROM pg_stat_wal_receiver) AND pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
    ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp())
  END::float8 AS replication_lag,
  (SELECT sum(numbackends) FROM pg_stat_database)::float8 / current_setting('max_connections')::float8 AS connections
"""
_NO_ACCESS = ("28", "3D", "42501")
"""Beginnings of SQLSTATE: invalid authorization, no such database, no privilege to connect."""
_CANCELLED = "57014"
_NOT_SERVING = ("57P", "53300")
"""The same: the server starts or stops, or has too many connections."""
_WORDS = (
    ("password", ProbeReason.NOT_AUTHENTICATED),
    ("pg_hba.conf", ProbeReason.NOT_AUTHENTICATED),
    ("does not exist", ProbeReason.NOT_AUTHENTICATED),
    ("certificate", ProbeReason.TLS_FAILED),
    ("SSL", ProbeReason.TLS_FAILED),
    ("the database system is", ProbeReason.NOT_SERVING),
    ("too many clients", ProbeReason.NOT_SERVING),
    ("connection slots", ProbeReason.NOT_SERVING),
)


class _WrongValueError(Exception):
    """The query gave another value."""


def check(probe: PostgresqlProbe) -> ProbeResult:
    """Connect, run the query, and read the server's statistics."""
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        address = reached_address(probe, probe.host, probe.port, deadline)
        measures = asyncio.run(_within(probe, address, deadline))
    except OSError as error:
        return failed_by(error, probe.where, deadline)
    except psycopg.Error as error:
        reason = ProbeReason.TIMEOUT if deadline.is_over() else _why(error)
        return failed(reason, f"{probe.where}{_state(error)}", deadline)
    except _WrongValueError as error:
        return failed(ProbeReason.WRONG_VALUE, f"{probe.where}: {error}", deadline)
    return passed(f"{probe.where} answers", deadline, **measures)


async def _within(probe: PostgresqlProbe, address: str, deadline: Deadline) -> dict[str, float]:
    async with asyncio.timeout(deadline.left()):
        connection = await psycopg.AsyncConnection.connect(
            "", **_options(probe), host=probe.host, hostaddr=address, port=probe.port
        )
    # The driver answers the end of a task by asking the server to cancel, and waits for that: so the connection is cut instead.
    cut = asyncio.get_running_loop().call_later(deadline.left(), _cut, connection.pgconn.socket)
    try:
        return await _ask(probe, connection, deadline)
    finally:
        cut.cancel()
        connection.pgconn.finish()  # at once: the end of a transaction would wait for a server that hangs


def _cut(descriptor: int) -> None:
    with socket.socket(fileno=os.dup(descriptor)) as connection:
        connection.shutdown(socket.SHUT_RDWR)


async def _ask(
    probe: PostgresqlProbe, connection: psycopg.AsyncConnection[Any], deadline: Deadline
) -> dict[str, float]:
    await connection.set_read_only(True)
    # The server ends a statement for which nobody waits any more.
    await connection.execute("SELECT set_config('statement_timeout', %s, true)", [f"{deadline.left():.3f}s"])
    # The settings have the statement: who writes them may run any.
    row = await (await connection.execute(probe.query)).fetchone()
    _compare(probe, row)
    found = await (await connection.execute(_MEASURES)).fetchone()
    return _measures(found)


def _options(probe: PostgresqlProbe) -> dict[str, Any]:
    """The connection as libpq has it; nothing of it comes from the environment or from files of the user."""
    encrypted = probe.encryption is not DatabaseEncryption.NONE
    options = {
        "dbname": probe.database,
        "user": probe.user,
        "password": probe.password or None,
        "passfile": "/dev/null/none",
        "application_name": "aia-monitoring",
        "sslmode": probe.encryption.value if encrypted else "disable",
        "gssencmode": "disable",
        "target_session_attrs": "any",
    }
    if probe.encryption is DatabaseEncryption.VERIFY_FULL:
        options["sslrootcert"] = ssl.get_default_verify_paths().cafile or "system"
    return options


def _compare(probe: PostgresqlProbe, row: Any) -> None:  # noqa: ANN401 - of the driver
    expected = probe.expect.value
    if expected is None:
        return
    if not row:
        raise _WrongValueError(f"the query must give {expected!r}, got no row")
    if str(row[0]) != expected:
        raise _WrongValueError(f"the query must give {expected!r}, got another {type(row[0]).__name__}")


def _measures(row: Any) -> dict[str, float]:  # noqa: ANN401 - of the driver
    lag, connections = row
    known = {"replication_lag": lag, "connections": connections}
    return {name: float(value) for name, value in known.items() if value is not None}


def _why(error: psycopg.Error) -> ProbeReason:
    """The reason of an error. One before the connection has no SQLSTATE, only the words of libpq, in English or of the server."""
    state = error.sqlstate
    if state is None:
        return next((reason for words, reason in _WORDS if words in str(error)), ProbeReason.CLOSED_EARLY)
    if state == _CANCELLED:
        return ProbeReason.TIMEOUT
    if state.startswith(_NO_ACCESS):
        return ProbeReason.NOT_AUTHENTICATED
    return ProbeReason.NOT_SERVING if state.startswith(_NOT_SERVING) else ProbeReason.QUERY_FAILED


def _state(error: psycopg.Error) -> str:
    return f" (SQLSTATE {error.sqlstate})" if error.sqlstate else ""
