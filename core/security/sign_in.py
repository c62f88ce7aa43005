"""Sign-ins: many failures of an account, failures of many accounts from one address, and sign-ins too far apart.

Google Workspace writes sign-ins to the organisation's audit log as `google.login.LoginService.loginFailure` and `loginSuccess`
(https://cloud.google.com/logging/docs/audit/gsuite-login-samples); Terraform's `organization` has a sink for them.
"""

from collections.abc import Iterator
from itertools import pairwise

from core.events import Severity
from core.security.entry import AuditEntry
from core.security.marks import Mark, Marks, densest
from core.security.places import Places, distance
from core.security.signal import Measured, Signal, signal
from core.settings import DetectionName, SecuritySettings
from core.text import duration

SERVICE = "login.googleapis.com"
HOUR = 3600.0
"""Seconds."""


def failed_account(entry: AuditEntry) -> str:
    """Whose sign-in failed; empty where none did."""
    return entry.principal if entry.service == SERVICE and entry.short_method == "loginFailure" else ""


def failing_address(entry: AuditEntry) -> str:
    """From where a sign-in failed; empty where none did."""
    return entry.address if failed_account(entry) else ""


def signed_in_account(entry: AuditEntry) -> str:
    """Who signed in from a known address; empty where nobody did."""
    is_success = entry.service == SERVICE and entry.short_method == "loginSuccess"
    return entry.principal if is_success and entry.address else ""


def by_address(entry: AuditEntry) -> Mark:
    """The mark of an entry about an account: from where."""
    return Mark(entry.at, entry.id, entry.address)


def by_account(entry: AuditEntry) -> Mark:
    """The mark of an entry about an address or a secret: who."""
    return Mark(entry.at, entry.id, entry.principal)


def brute_force(entry: AuditEntry, marks: Marks, settings: SecuritySettings, _places: Places) -> Iterator[Signal]:
    """Failed sign-ins of an account, as many within a window as the settings allow."""
    failed = densest(marks, entry.at, settings.failures_within)
    if len(failed) >= settings.failures:
        addresses = len({one.key for one in failed})
        yield signal(
            entry,
            DetectionName.BRUTE_FORCE,
            f"account/{entry.principal}",
            "sign-ins",
            f"{entry.principal}: {len(failed)} failed sign-ins from {addresses} addresses within {duration(settings.failures_within)}",
            measured=Measured(value=len(failed), threshold=settings.failures),
        )


def password_spraying(entry: AuditEntry, marks: Marks, settings: SecuritySettings, _places: Places) -> Iterator[Signal]:
    """Failed sign-ins of several accounts from one address."""
    accounts = _keys(densest(marks, entry.at, settings.sprayed_within, _keys))
    if accounts >= settings.sprayed_accounts:
        yield signal(
            entry,
            DetectionName.PASSWORD_SPRAYING,
            f"host/{entry.address}",
            "sign-ins",
            f"{entry.address}: failed sign-ins of {accounts} accounts within {duration(settings.sprayed_within)}",
            measured=Measured(value=accounts, threshold=settings.sprayed_accounts),
        )


def _keys(marks: Marks) -> int:
    return len({one.key for one in marks})


def impossible_travel(entry: AuditEntry, marks: Marks, settings: SecuritySettings, places: Places) -> Iterator[Signal]:
    """Sign-ins of an account at two places, from one to the other of which nobody gets in that time.

    Neighbours in time are compared, also those that are delivered late. Where the place of an address is not known, nothing is concluded.
    """
    located = [(one, place) for one in marks if (place := places.of(one.key))]
    for (before, start), (after, end) in pairwise(located):
        if entry.id not in (before.id, after.id):
            continue
        kilometres = distance(start, end)
        hours = (after.at - before.at).total_seconds() / HOUR
        if kilometres < settings.travel_distance or kilometres <= settings.travel_speed * hours:
            continue
        yield signal(
            entry,
            DetectionName.IMPOSSIBLE_TRAVEL,
            f"account/{entry.principal}",
            "sign-ins",
            f"{entry.principal}: signed in from {before.key} and {after.key}, {kilometres:.0f} km apart, within {duration(after.at - before.at)}",
            severity=Severity.ERROR,
            measured=Measured(value=kilometres, threshold=settings.travel_speed * hours, unit="kilometres"),
        )
