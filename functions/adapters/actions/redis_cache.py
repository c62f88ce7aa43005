"""A cache in Redis: its client, as far as the actions use it. A call respects its timeout for any number of keys."""

import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

from redis import Redis
from redis import exceptions as errors
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.errors import ActionError, Fault, SettingsError
from functions.adapters import request_deadline

PATIENCE = 5.0
"""Seconds that an answer is waited for."""
SECONDS = 8.0
"""How long keys are deleted for in one call."""
BATCH = 1000
"""Keys per SCAN command, which blocks Redis for less than a millisecond."""
SAMPLE = 10_000
"""Keys that are sampled to estimate how many have a prefix."""
_TLS = {"1": True, "": False}
_ADDRESS = re.compile(r"(?P<host>\[[\da-fA-F:.]+\]|[^\s:/@\[\]]+):(?P<port>\d{1,5})(?:/(?P<database>\d{1,5}))?")
_REFUSED = (errors.AuthenticationError, errors.AuthorizationError, errors.ResponseError)
_LATER = (errors.ClusterDownError, errors.TryAgainError)  # of the refusals, those that pass; also that a master is down


@dataclass(frozen=True, slots=True)
class Size:
    """How many keys there are: counted, or estimated from a sample."""

    keys: int
    exact: bool

    def __str__(self) -> str:
        return f"{'' if self.exact else 'about '}{self.keys} {'key' if self.keys == 1 else 'keys'}"


class Caches:
    """Caches by their addresses.

    Args:
        password: of all of them; none where it is empty.
        tls: whether connections use TLS.
        patience: seconds that an answer is waited for.
        seconds: how long keys are deleted for in one call.
        batch: keys per SCAN command.
    """

    def __init__(
        self,
        *,
        password: str = "",
        tls: bool = False,
        patience: float = PATIENCE,
        seconds: float = SECONDS,
        batch: int = BATCH,
    ) -> None:
        self._password = password
        self._tls = tls
        self._patience = patience
        self._seconds = seconds
        self._batch = batch

    @contextmanager
    def open(self, address: str) -> Iterator["Cache"]:
        """A connection to one database; `host:port` or `host:port/database`.

        Raises:
            UnavailableError: it does not answer, or is not ready.
            ActionError: it refuses, or the address is none.
        """
        with _answers(f"cache {address}"), Redis(**self._arguments(address)) as client:
            yield Cache(client, f"cache {address}", self._seconds, self._batch)

    def _arguments(self, address: str) -> dict[str, Any]:
        match = _ADDRESS.fullmatch(address)
        if not match:
            raise ActionError(f"redis: must be host:port or host:port/database, got {address!r}")
        seconds = request_deadline.within(self._patience)
        return {
            "host": match["host"].strip("[]"),
            "port": int(match["port"]),
            "db": int(match["database"] or 0),
            "password": self._password or None,
            "ssl": self._tls,
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
            "retry": Retry(NoBackoff(), 0),  # who asks is asked again
            "protocol": 2,  # all that is needed here, and no handshake for what is not
        }


class Cache:
    """One database of a Redis server, while the connection is open."""

    def __init__(self, client: "Redis", name: str, seconds: float, batch: int) -> None:
        self._client = client
        self._name = name
        self._seconds = seconds
        self._batch = batch

    def require_whole(self) -> str:
        """`ActionError` where the server has only a part of the keys, or may not delete any; else the id of its process."""
        said = cast("Mapping[str, Any]", self._client.info())
        if said.get("redis_mode") == "cluster":
            raise ActionError(f"{self._name}: must be a standalone server, is a node of a cluster")
        if said.get("role") == "slave":  # Redis's own word
            raise ActionError(f"{self._name}: must be a primary, is a replica")
        return str(said.get("run_id", ""))

    def size(self, prefix: str) -> Size:
        """The number of keys with a prefix; estimated if there are more than `SAMPLE` in all."""
        total = self._client.dbsize()
        if not prefix:
            return Size(total, exact=True)
        seen, matching, cursor = 0, 0, 0
        while seen < SAMPLE:
            cursor, keys = self._scan(cursor)
            seen += len(keys)
            matching += sum(key.startswith(prefix.encode()) for key in keys)
            if not cursor:
                return Size(matching, exact=True)
        return Size(round(matching / seen * total), exact=False)

    def flush(self, prefix: str, cursor: int = 0) -> tuple[int, int]:
        """Delete the keys with a prefix, or all keys if it is empty.

        Args:
            prefix: of the keys.
            cursor: where to go on, as an earlier call to the same process of the server said.

        Returns:
            How many were deleted; and where to go on when the time is over, or 0 when no more are left.
        """
        if not prefix:
            return self._empty(), 0
        gone, until, pattern = 0, time.monotonic() + request_deadline.within(self._seconds), _literally(prefix) + b"*"
        while True:
            cursor, keys = self._scan(cursor, pattern)
            if keys:
                gone += self._client.unlink(*keys)
            if not cursor or time.monotonic() > until:
                return gone, cursor

    def note(self, name: str, text: str, seconds: int) -> None:
        """Keep a text for some time, where there is room for it."""
        with suppress(errors.OutOfMemoryError):
            self._client.set(name, text, ex=seconds)

    def noted(self, name: str) -> str:
        """The stored text, or empty."""
        value = cast("bytes | None", self._client.get(name))
        return value.decode() if value else ""

    def _empty(self) -> int:
        total = self._client.dbsize()
        if total:
            self._client.flushdb(asynchronous=True)
        return total

    def _scan(self, cursor: int, pattern: bytes | None = None) -> tuple[int, list[bytes]]:
        """The next matching keys, perhaps with repetitions, and the next cursor; 0 after the last."""
        return cast("tuple[int, list[bytes]]", self._client.scan(cursor, match=pattern, count=self._batch))


def connect() -> Caches:
    """Caches as the environment has them: AIA_REDIS_PASSWORD, and AIA_REDIS_TLS, which is 1 or not set.

    An authority of one's own is trusted through SSL_CERT_FILE or SSL_CERT_DIR, which OpenSSL reads.

    Raises:
        SettingsError: AIA_REDIS_TLS is something else.
    """
    tls = os.environ.get("AIA_REDIS_TLS", "")
    if tls not in _TLS:
        raise SettingsError((Fault("environment.AIA_REDIS_TLS", "must be 1 or not set", tls),))
    return Caches(password=os.environ.get("AIA_REDIS_PASSWORD", ""), tls=_TLS[tls])


@contextmanager
def _answers(name: str) -> Iterator[None]:
    """Errors of the client as ours; none of them holds a password."""
    try:
        yield
    except _REFUSED as error:
        if isinstance(error, _LATER) or str(error).startswith("BUSY "):  # a script runs
            raise request_deadline.no_answer(f"{name}: does not answer: {error}") from error
        raise ActionError(f"{name}: refused: {error}") from error
    except (errors.RedisError, OSError) as error:
        raise request_deadline.no_answer(f"{name}: does not answer: {error}") from error


def _literally(text: str) -> bytes:
    """A text as a pattern that only itself matches."""
    return re.sub(rb"([*?\[\]\\])", rb"\\\1", text.encode())
