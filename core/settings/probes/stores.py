"""Probes of databases and caches: whether they answer, and what they say of themselves."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, ClassVar

from core.settings.channels import Secret
from core.settings.declare import Faults, validator
from core.settings.kinds import Share
from core.settings.network import Authority
from core.settings.notes import Default, Pattern, Range, Requires
from core.settings.probes.base import Timing, hides_no_password
from core.settings.probes.endpoints import AddressProbe

_WORD = Pattern(r"[^\x00-\x1f\x7f]{1,63}", "must be a name of 1 to 63 characters")


class DatabaseEncryption(StrEnum):
    """How a connection to PostgreSQL is protected, in the words of libpq's `sslmode`."""

    VERIFY_FULL = "verify-full"
    """TLS, and the certificate must be trusted and of the host."""
    REQUIRE = "require"
    """TLS, with any certificate."""
    NONE = "none"
    """Not at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectPostgresql(Timing):
    """What a PostgreSQL probe expects."""

    value: str | None = None
    """Text of the first column of the first row of the `query`."""
    replication_lag: Annotated[timedelta | None, Range("1s", "7d")] = None
    """Maximum replication lag: of a standby, or of the standbys of a primary server."""
    connections: Share | None = None
    """Maximum share of `max_connections` in use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresqlProbe(AddressProbe):
    """Whether a PostgreSQL database takes a connection and answers a query, in a read-only transaction."""

    kind: ClassVar[str] = "postgresql"
    database: Annotated[str, _WORD] = "postgres"
    """Database to connect to."""
    user: Annotated[str, _WORD] = "postgres"
    """User to connect as."""
    password: Secret = field(default="", repr=False)
    """Password of the user."""
    encryption: DatabaseEncryption = DatabaseEncryption.VERIFY_FULL
    """Encryption of the connection; `none` only if no password leaves this machine."""
    query: str = "SELECT 1"
    """Query to run."""
    expect: ExpectPostgresql = field(default_factory=ExpectPostgresql)
    """What the probe expects."""


@validator(PostgresqlProbe, "address", "password", "encryption")
def _a_database_password_is_encrypted(probe: PostgresqlProbe) -> Faults:
    yield from hides_no_password(
        host=probe.host,
        password=probe.password,
        encrypted=probe.encryption is not DatabaseEncryption.NONE,
        key="encryption",
        given=probe.encryption.value,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectRedis(Timing):
    """What a Redis probe expects."""

    memory: Share | None = None
    """Maximum share of `maxmemory` in use."""
    hit_ratio: Share | None = None
    """Minimum share of look-ups that found their key, since the server's statistics began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisProbe(AddressProbe):
    """Whether a Redis server answers a ping; its memory and hit ratio."""

    kind: ClassVar[str] = "redis"
    user: Annotated[str, Requires("password"), Default("the default user")] = ""
    """User to connect as."""
    password: Secret = field(default="", repr=False)
    """Password of the user."""
    tls: bool = False
    """Whether the connection is over TLS."""
    ca: Annotated[Authority | None, Requires("tls"), Default("those of the machine")] = None
    """Certificate authorities that the server's certificate may be of."""
    expect: ExpectRedis = field(default_factory=ExpectRedis)
    """What the probe expects."""


@validator(RedisProbe, "address", "password", "tls")
def _a_cache_password_is_encrypted(probe: RedisProbe) -> Faults:
    yield from hides_no_password(
        host=probe.host, password=probe.password, encrypted=probe.tls, key="tls", given=probe.tls
    )
