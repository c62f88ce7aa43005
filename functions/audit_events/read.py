"""Messages of a log sink: an entry of the audit log, or a tick.

Cloud Logging publishes a `LogEntry` as JSON (https://cloud.google.com/logging/docs/export/pubsub). Which fields are read: see
`core.security.entry`. Policy deltas stand in `serviceData`
(https://cloud.google.com/logging/docs/reference/audit/auditlog/rest/Shared.Types/AuditData); BigQuery writes a finished job as
`serviceData.jobCompletedEvent` or `metadata.jobChange`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

from core.errors import PoisonError
from core.events import YEARS, Tick, stamp
from core.security.entry import AuditConfigDelta, AuditEntry, BindingDelta, FirewallRule
from core.text import clean_utf8
from functions.adapters.events import type_of
from functions.runtime.endpoint import read_tick
from functions.runtime.push import Message

AHEAD = timedelta(minutes=10)
"""How far the clock of a service may be ahead of that of the bus."""
LONGEST = 300
"""Bytes of a name that are read."""
_LOG = "cloudaudit.googleapis.com%2F"
"""What the names of audit logs have before their last word."""
_INGRESS, _EGRESS = "INGRESS", "EGRESS"


class _Status(msgspec.Struct):
    code: int = 0


class _Authentication(msgspec.Struct, rename="camel"):
    principal_email: str = ""
    principal_subject: str = ""


class _Caller(msgspec.Struct, rename="camel"):
    caller_ip: str = ""


class _AuditLog(msgspec.Struct, rename="camel"):
    method_name: str
    service_name: str = ""
    resource_name: str = ""
    status: _Status = msgspec.field(default_factory=_Status)
    authentication_info: _Authentication = msgspec.field(default_factory=_Authentication)
    request_metadata: _Caller = msgspec.field(default_factory=_Caller)
    request: dict[str, Any] = msgspec.field(default_factory=dict)
    response: dict[str, Any] = msgspec.field(default_factory=dict)
    service_data: dict[str, Any] = msgspec.field(default_factory=dict)
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class _Resource(msgspec.Struct):
    labels: dict[str, str] = msgspec.field(default_factory=dict)


class _LogEntry(msgspec.Struct, rename="camel"):
    insert_id: str
    log_name: str
    timestamp: Annotated[datetime, msgspec.Meta(tz=True)]
    proto_payload: _AuditLog
    resource: _Resource = msgspec.field(default_factory=_Resource)


_decoder = msgspec.json.Decoder(_LogEntry)


def read(message: Message, cron: str) -> AuditEntry | Tick:
    """The event of a message.

    Args:
        message: from one of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it is neither an entry of an audit log nor a tick.
    """
    if _has_type(message.data):
        if (kind := type_of(message.data)) != Tick.TYPE:
            raise PoisonError(f"type: must be {Tick.TYPE!r}, got {kind!r:.80}")
        return read_tick(message, cron)
    entry = read_entry(message.data)
    if entry.at > message.published_at + AHEAD:
        published = stamp(message.published_at)
        raise PoisonError(f"timestamp: must not be after {published}, when it was published, got {stamp(entry.at)}")
    return entry


def _has_type(data: bytes) -> bool:
    """Whether it is one of our own events; a log entry has no type."""
    try:
        return "type" in msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"message: must be a JSON object: {error}") from error


def read_entry(data: bytes) -> AuditEntry:
    """The entry of an audit log.

    Raises:
        PoisonError: it is none; the message carries the path.
    """
    try:
        return _entry(_decoder.decode(data))
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PoisonError(f"log entry: {error}") from error


def _entry(found: _LogEntry) -> AuditEntry:
    payload = found.proto_payload
    _, is_audit, log = found.log_name.rpartition(_LOG)
    if not is_audit or not found.insert_id:
        raise ValueError(
            f"logName must be of an audit log, and insertId given, got {found.log_name!r:.200}, {found.insert_id!r:.80}"
        )
    if found.timestamp.year not in YEARS:
        raise ValueError(f"timestamp must be a year {YEARS[0]} to {YEARS[-1]}, got {found.timestamp.isoformat()}")
    job, read_bytes = _job(payload)
    delta = _policy_delta(payload)
    return AuditEntry(
        id=_line(found.insert_id),
        at=found.timestamp.astimezone(UTC),
        log=log[:40],
        principal=_line(_principal(payload.authentication_info)),
        method=_line(payload.method_name),
        service=_line(payload.service_name),
        resource=_line(payload.resource_name),
        project=_line(found.resource.labels.get("project_id", "")),
        address=_line(payload.request_metadata.caller_ip),
        succeeded=payload.status.code == 0,
        bindings=tuple(map(_binding, _mappings(delta, "bindingDeltas"))),
        audit_configs=tuple(map(_audit_config, _mappings(delta, "auditConfigDeltas"))),
        firewall=_firewall(payload) if ".firewalls." in payload.method_name else None,
        sink_disabled=_sink_disabled(payload),
        key=_text(payload.response, "name") if payload.method_name.endswith("ServiceAccountKey") else "",
        job=_line(job),
        bytes_read=read_bytes,
    )


def _principal(authentication: _Authentication) -> str:
    """The e-mail address; of a federated identity, which has none, its subject."""
    return authentication.principal_email or authentication.principal_subject


def _policy_delta(payload: _AuditLog) -> Mapping[str, Any]:
    return _mapping(payload.service_data, "policyDelta")


def _binding(delta: Mapping[str, Any]) -> BindingDelta:
    return BindingDelta(added=_text(delta, "action") == "ADD", role=_text(delta, "role"), member=_text(delta, "member"))


def _audit_config(delta: Mapping[str, Any]) -> AuditConfigDelta:
    return AuditConfigDelta(
        added=_text(delta, "action") == "ADD",
        service=_text(delta, "service"),
        log_type=_text(delta, "logType"),
        exempted=_text(delta, "exemptedMember"),
    )


def _firewall(payload: _AuditLog) -> FirewallRule | None:
    """What the request of a rule says; the second entry of an operation, when it has ended, has no request."""
    request = payload.request
    if not request:
        return None
    sources = request.get("sourceRanges")
    direction = _text(request, "direction") or (_INGRESS if payload.method_name.endswith(".insert") else "")
    disabled = request.get("disabled")
    denies = bool(request.get("denieds") or request.get("denied"))
    return FirewallRule(
        ranges=tuple(map(str, sources)) if isinstance(sources, list) else None,
        ingress=direction != _EGRESS if direction else None,
        allows=False if denies else None,
        disabled=disabled if isinstance(disabled, bool) else None,
    )


def _sink_disabled(payload: _AuditLog) -> bool | None:
    """Whether a sink is switched off; None where the call does not write that, by its `updateMask`."""
    mask = _text(payload.request, "updateMask").split(",")
    if not payload.method_name.endswith(("CreateSink", "UpdateSink")) or not {"", "disabled"} & set(mask):
        return None
    return bool(_mapping(payload.request, "sink").get("disabled", False))


def _job(payload: _AuditLog) -> tuple[str, int]:
    """The name of a finished job of BigQuery and the bytes that it processed."""
    change = _mapping(payload.metadata, "jobChange")
    if change and _text(change, "after") == "DONE":
        job = _mapping(change, "job")
        stats = _mapping(_mapping(job, "jobStats"), "queryStats")
        return _text(job, "jobName"), _whole(stats.get("totalProcessedBytes"))
    job = _mapping(_mapping(payload.service_data, "jobCompletedEvent"), "job")
    name = _mapping(job, "jobName")
    bytes_read = _whole(_mapping(job, "jobStatistics").get("totalProcessedBytes"))
    return (f"projects/{_text(name, 'projectId')}/jobs/{_text(name, 'jobId')}" if name else ""), bytes_read


def _line(text: str) -> str:
    """Foreign text that may be a part of a key of the store."""
    return clean_utf8(text, LONGEST)


def _whole(value: object) -> int:
    """A whole number, which JSON of Google's APIs writes as text; 0 for anything else."""
    return int(value) if isinstance(value, (str, int)) and str(value).isdecimal() else 0


def _mapping(mapping: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = mapping.get(name)
    return found if isinstance(found, dict) else {}


def _mappings(mapping: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = mapping.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _text(mapping: Mapping[str, Any], name: str) -> str:
    found = mapping.get(name)
    return found if isinstance(found, str) else ""
