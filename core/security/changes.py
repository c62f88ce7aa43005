"""Changes that an entry shows by itself: grants, credentials, public buckets, open firewalls and audit logging that is turned off.

Each lasts until the log shows that it was taken back. A call that failed changed nothing.
"""

from collections.abc import Iterator

from core.events import Severity
from core.patterns import any_matches
from core.security.entry import PUBLIC, AuditEntry, BindingDelta, FirewallRule
from core.security.signal import Signal, signal
from core.settings import DetectionName, SecuritySettings

EVERYWHERE = ("0.0.0.0/0", "::/0")
_KEY_METHODS = {
    "CreateServiceAccountKey": (True, "made"),
    "UploadServiceAccountKey": (True, "uploaded"),
    "EnableServiceAccountKey": (True, "enabled"),
    "DisableServiceAccountKey": (False, "disabled"),
    "DeleteServiceAccountKey": (False, "deleted"),
}
"""Whether the key can be used afterwards, and what was done to it, by method."""


def privilege_grants(entry: AuditEntry, settings: SecuritySettings) -> Iterator[Signal]:
    """Roles with far-reaching permissions, and any role of a member outside of the organisation (`policyDelta.bindingDeltas`).

    https://cloud.google.com/iam/docs/audit-logging/examples-service-accounts and
    https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditData. A role that one entry takes away and grants again,
    under another condition, is granted.
    """
    granted = {(one.member, one.role) for one in entry.bindings if one.added}
    for delta in entry.bindings:
        is_privileged = any_matches(settings.privileged_roles, delta.role)
        is_outside = _is_outside(delta, settings)
        if not (is_privileged or is_outside) or (delta.member in PUBLIC and _bucket(entry)):
            continue
        bad = (delta.member, delta.role) in granted
        severe = is_outside or delta.member in PUBLIC
        whose = "outside of the organisation, " if is_outside else ""
        verb = f"{whose}was granted" if bad else "no longer has"
        yield signal(
            entry,
            DetectionName.PRIVILEGE_GRANT,
            f"account/{delta.account}",
            f"{delta.role} on {entry.resource}",
            f"{delta.account}: {verb} {delta.role} on {entry.resource} by {entry.principal or 'an unknown caller'}",
            severity=Severity.CRITICAL if is_privileged and severe else Severity.ERROR,
            bad=bad,
        )


def _is_outside(delta: BindingDelta, settings: SecuritySettings) -> bool:
    """Whether a person, a group or a domain is of none of the organisation's domains; not known without these."""
    kind, _, name = delta.member.partition(":")
    domain = name.rpartition("@")[2].lower()
    return bool(settings.domains) and kind in ("user", "group", "domain") and domain not in settings.domains


def credentials_created(entry: AuditEntry, _settings: SecuritySettings) -> Iterator[Signal]:
    """Keys of service accounts that people make (https://cloud.google.com/iam/docs/audit-logging/examples-service-accounts)."""
    if entry.short_method not in _KEY_METHODS or entry.service != "iam.googleapis.com":
        return
    bad, done = _KEY_METHODS[entry.short_method]
    account, _, key = (entry.key or entry.resource).partition("/keys/")
    name = account.rpartition("/")[2]
    yield signal(
        entry,
        DetectionName.CREDENTIAL_CREATED,
        f"account/{name}",
        f"key {key or 'unknown'}",
        f"{name}: key {key or 'unknown'} was {done} by {entry.principal or 'an unknown caller'}",
        bad=bad,
    )


def public_access(entry: AuditEntry, _settings: SecuritySettings) -> Iterator[Signal]:
    """Buckets that everybody may read (`storage.setIamPermissions`, https://cloud.google.com/storage/docs/audit-logging)."""
    bucket = _bucket(entry)
    everybody = [delta for delta in entry.bindings if delta.member in PUBLIC]
    if not bucket:
        return
    granted = {(one.member, one.role) for one in everybody if one.added}
    for delta in everybody:
        bad = (delta.member, delta.role) in granted
        yield signal(
            entry,
            DetectionName.PUBLIC_ACCESS,
            f"bucket/{bucket}",
            f"{delta.role} of {delta.member}",
            f"{bucket}: {delta.member} {'has' if bad else 'no longer has'} {delta.role}",
            severity=Severity.CRITICAL,
            bad=bad,
        )


def _bucket(entry: AuditEntry) -> str:
    """The bucket that the entry is about, of `projects/_/buckets/NAME`; empty for another resource."""
    if entry.service != "storage.googleapis.com":
        return ""
    return entry.resource.partition("/buckets/")[2].partition("/")[0]


def firewalls_opened(entry: AuditEntry, _settings: SecuritySettings) -> Iterator[Signal]:
    """Firewall rules that let traffic in from everywhere (https://cloud.google.com/compute/docs/logging/audit-logging).

    A call that leaves the sources as they are and disables nothing says nothing.
    """
    if ".firewalls." not in entry.method:
        return
    bad = False if entry.short_method == "delete" else _opens(entry.firewall)
    if bad is None:
        return
    name = entry.resource.rpartition("/")[2]
    yield signal(
        entry,
        DetectionName.FIREWALL_OPENED,
        f"firewall/{name}",
        entry.resource,
        f"{name}: traffic from everywhere is {'' if bad else 'no longer '}let in",
        severity=Severity.CRITICAL,
        bad=bad,
    )


def _opens(rule: FirewallRule | None) -> bool | None:
    """Whether the rule lets traffic in from everywhere; None where the call does not say."""
    if rule is None:
        return None
    if rule.disabled or rule.ingress is False or rule.allows is False:
        return False
    return None if rule.ranges is None else any(one in EVERYWHERE for one in rule.ranges)


def audit_logging_off(entry: AuditEntry, _settings: SecuritySettings) -> Iterator[Signal]:
    """Audit logs that are no longer written or exported (`policyDelta.auditConfigDeltas`, and sinks).

    https://cloud.google.com/logging/docs/audit/configure-data-access and https://cloud.google.com/logging/docs/audit/api.
    """
    for subject, bad in _logging_changes(entry):
        yield signal(
            entry,
            DetectionName.AUDIT_LOGGING_OFF,
            f"compliance/{entry.project or entry.resource or 'unknown'}",
            subject,
            f"{subject}: {'turned off' if bad else 'on again'} by {entry.principal or 'an unknown caller'}",
            severity=Severity.CRITICAL,
            bad=bad,
        )


def _logging_changes(entry: AuditEntry) -> Iterator[tuple[str, bool]]:
    added = {(one.service, one.log_type, one.exempted) for one in entry.audit_configs if one.added}
    for delta in entry.audit_configs:
        is_added = (delta.service, delta.log_type, delta.exempted) in added
        of = f" of {delta.exempted}" if delta.exempted else ""
        yield f"audit log {delta.log_type} of {delta.service}{of}", is_added is bool(delta.exempted)
    name = entry.resource.rpartition("/")[2]
    match entry.short_method:
        case "DeleteSink":
            yield f"log sink {name}", True
        case "CreateSink" | "UpdateSink" if entry.sink_disabled is not None:
            yield f"log sink {name}", entry.sink_disabled
        case "CreateExclusion" | "DeleteExclusion":
            yield f"log exclusion {name}", entry.short_method == "CreateExclusion"
