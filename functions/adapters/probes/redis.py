"""Redis probe: whether a server answers a ping; its memory and its hit ratio.

All of it runs in an event loop of its own: its deadline ends whatever the client waits for.

References:
    Redis documentation, INFO: sections memory and stats.
"""

import asyncio
import socket
import ssl
from collections.abc import Mapping
from typing import Any

import redis.asyncio as client
from redis._parsers import _AsyncRESP2Parser  # the client has no other way to bound what it reads
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    InvalidResponse,
    MasterDownError,
    NoPermissionError,
    OutOfMemoryError,
    RedisError,
    ResponseError,
)

from core.health import ProbeReason, ProbeResult
from core.settings.probes import RedisProbe
from functions.adapters.net import Deadline, trusting_only
from functions.adapters.probes.failure import failed, failed_by, passed, why
from functions.adapters.probes.reach import reach

LARGEST = 64 * 1024
"""Bytes of an answer: a server may announce gigabytes, of which the client would read what the deadline allows."""
_REASONS: tuple[tuple[type[RedisError], ProbeReason], ...] = (
    (AuthenticationError, ProbeReason.NOT_AUTHENTICATED),
    (AuthorizationError, ProbeReason.NOT_AUTHENTICATED),
    (NoPermissionError, ProbeReason.NOT_AUTHENTICATED),
    (BusyLoadingError, ProbeReason.NOT_SERVING),
    (MasterDownError, ProbeReason.NOT_SERVING),
    (OutOfMemoryError, ProbeReason.NOT_SERVING),
)


def check(probe: RedisProbe) -> ProbeResult:
    """Connect, ping, and read the server's statistics."""
    # Loaded now, because it must not count as latency of the target.
    context = trusting_only(probe.ca) if probe.tls else None
    deadline = Deadline(probe.timeout.total_seconds())
    try:
        with reach(probe, probe.host, probe.port, deadline) as stream:
            measures = asyncio.run(_within(probe, stream, context, deadline))
    except OSError as error:
        return failed_by(error, probe.where, deadline)
    except RedisError as error:
        return failed(_why(error), probe.where, deadline)
    except RecursionError:
        return failed(ProbeReason.BAD_ANSWER, probe.where, deadline)  # lists within lists
    return passed(f"{probe.where} answers", deadline, **measures)


class _Parser(_AsyncRESP2Parser):
    """The parser of the client, for answers up to a size."""

    async def _read(self, length: int) -> bytes:
        if length > LARGEST:
            raise InvalidResponse(f"answer: must have at most {LARGEST} bytes, got {length}")
        return await super()._read(length)


class _Connection(client.Connection):
    """A connection over a socket that is connected to a checked address."""

    def __init__(self, *, stream: socket.socket, context: ssl.SSLContext | None, name: str, **options: Any) -> None:  # noqa: ANN401 - of the client
        self._over: dict[str, Any] = {"sock": stream, "ssl": context, "server_hostname": name if context else None}
        super().__init__(**options)

    def _connection_arguments(self) -> Mapping[str, Any]:
        return self._over


async def _within(
    probe: RedisProbe, stream: socket.socket, context: ssl.SSLContext | None, deadline: Deadline
) -> dict[str, float]:
    pool = client.ConnectionPool(
        connection_class=_Connection,
        stream=stream,
        context=context,
        name=probe.host,
        username=probe.user or None,
        password=probe.password or None,
        protocol=2,
        parser_class=_Parser,
        driver_info=None,
        retry=Retry(NoBackoff(), 0),
    )
    async with asyncio.timeout(deadline.left()):
        server = client.Redis(connection_pool=pool)
        await server.ping()
        measures = _measures(await server.info("memory"), await server.info("stats"))
        await pool.disconnect()
    return measures


def _measures(memory: Mapping[str, Any], stats: Mapping[str, Any]) -> dict[str, float]:
    """The measures that the server knows: no share of a memory without a bound, no hit ratio before a look-up."""
    hits, misses = stats.get("keyspace_hits", 0), stats.get("keyspace_misses", 0)
    shares = {"memory": (memory.get("used_memory", 0), memory.get("maxmemory", 0)), "hit_ratio": (hits, hits + misses)}
    return {name: part / whole for name, (part, whole) in shares.items() if whole}


def _why(error: RedisError) -> ProbeReason:
    """The reason of an error; the client wraps those of the network."""
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    if isinstance(error.__context__, OSError):
        return why(error.__context__)
    return ProbeReason.BAD_ANSWER if isinstance(error, ResponseError | InvalidResponse) else ProbeReason.CLOSED_EARLY
