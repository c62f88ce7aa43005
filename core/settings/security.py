"""The section `security`: what the detections over the audit log go by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from core.events import Severity
from core.settings.kinds import AnyPattern
from core.settings.notes import Items, NoneAs, Pattern, Range

_Domain = Annotated[
    str,
    Pattern(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9-]+)+", "must be a domain, as in 'example.com'"),
]


class DetectionName(StrEnum):
    """The detections over the audit log: the kinds of their findings."""

    BRUTE_FORCE = "brute_force"
    PASSWORD_SPRAYING = "password_spraying"  # noqa: S105 - the name of an attack
    IMPOSSIBLE_TRAVEL = "impossible_travel"
    PRIVILEGE_GRANT = "privilege_grant"
    CREDENTIAL_CREATED = "credential_created"
    EXFILTRATION = "exfiltration"
    PUBLIC_ACCESS = "public_access"
    FIREWALL_OPENED = "firewall_opened"
    AUDIT_LOGGING_OFF = "audit_logging_off"
    SECRET_ACCESS = "secret_access"  # noqa: S105 - the name of a detection


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuritySettings:
    """Detections over Cloud Audit Logs."""

    domains: Annotated[tuple[_Domain, ...], Items(unique=True)] = ()
    """Domains of the organisation. Without any, whether a member is from outside is not known, and no finding."""
    places: Annotated[
        str | None,
        Pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.csv", "must be the name of a CSV file in infra/places"),
    ] = None
    """File in `infra/places` with the columns `network`, `latitude` and `longitude`. Without it, travel is not known."""
    expected: Mapping[DetectionName, tuple[AnyPattern, ...]] = field(default_factory=dict)
    """Principals whose deeds are expected, by detection: patterns of e-mail addresses."""
    privileged_roles: tuple[AnyPattern, ...] = (
        "roles/owner",
        "roles/editor",
        "*admin",
        "*Admin",
        "roles/iam.serviceAccountTokenCreator",
    )
    """Patterns of roles whose grant is a finding."""
    failures: Annotated[int, Range(2, 100)] = 10
    """Number of failed sign-ins of an account within `failures_within` that is brute force."""
    failures_within: Annotated[timedelta, Range("1m", "1d")] = timedelta(minutes=10)
    """Window of failed sign-ins of an account."""
    sprayed_accounts: Annotated[int, Range(2, 100)] = 5
    """Number of accounts with failed sign-ins from one address within `sprayed_within` that is password spraying."""
    sprayed_within: Annotated[timedelta, Range("1m", "1d")] = timedelta(hours=1)
    """Window of failed sign-ins from an address."""
    travel_speed: Annotated[float, Range(100, 5000, "kilometres an hour")] = 900.0
    """Speed between two sign-ins of an account beyond which nobody travels."""
    travel_distance: Annotated[float, Range(50, 20_000, "kilometres")] = 500.0
    """Least distance between them: places of networks are inexact."""
    read_factor: Annotated[float, Range(1.5, 1000)] = 5.0
    """A day's reads are unusual above this multiple of the median day of the account, and 6 robust standard deviations above it."""
    read_minimum: Annotated[float, Range(0.001, 1_000_000, "GiB")] = 10.0
    """Reads of a day up to this size are never a finding."""
    learn_for: Annotated[timedelta, Range("1d", "30d", step="d")] = timedelta(days=7)
    """How long an account's reads, a secret's readers and the rhythm of the log are learnt first; until then they are not known."""
    quiet_for: Annotated[timedelta, Range("1h", "7d")] = timedelta(days=1)
    """An event that is not repeated for this time is over, if entries of the log keep arriving."""
    gap: Annotated[timedelta, Range("15m", "7d")] = timedelta(hours=3)
    """Shortest time without any entry of the audit log that is a finding; it must also be twice as long as is usual."""
    no_verdict_after: Annotated[timedelta | None, Range("15m", "90d"), NoneAs("never")] = timedelta(days=10)
    """How long it may not be known whether the audit log arrives before that is a finding."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding."""
