"""What an entry of the audit log means for a target."""

from dataclasses import dataclass
from datetime import datetime

from core.events import Severity
from core.security.entry import AuditEntry
from core.settings import DetectionName
from core.text import clean_utf8

LONGEST_TARGET = 200
"""Bytes of a target: names in the log are foreign text."""
LONGEST_SUBJECT = 300
"""Bytes of a subject."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What an entry says about one subject of a target.

    Attributes:
        detection: which detection.
        target: the target, as in `account/ada@example.com`.
        subject: what of the target, as in a role on a resource; signals on one subject follow each other.
        bad: whether it is a finding from then on; else it is over.
        at: when.
        entry_id: of the entry.
        severity: while it is bad.
        summary: one line for people.
        principal: who acted.
        method: of the call.
        resource: of the call.
        address: of the caller.
        value: the observed number, if there is one.
        threshold: what it is compared with.
        unit: of both.
    """

    detection: DetectionName
    target: str
    subject: str
    bad: bool
    at: datetime
    entry_id: str
    severity: Severity
    summary: str
    principal: str = ""
    method: str = ""
    resource: str = ""
    address: str = ""
    value: float | None = None
    threshold: float | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A number that a signal rests on, and what it is compared with."""

    value: float
    threshold: float
    unit: str = ""


def signal(
    entry: AuditEntry,
    detection: DetectionName,
    target: str,
    subject: str,
    summary: str,
    *,
    severity: Severity = Severity.ERROR,
    bad: bool = True,
    measured: Measured | None = None,
) -> Signal:
    """The signal of an entry; foreign text is shortened."""
    return Signal(
        detection=detection,
        target=clean_utf8(target, LONGEST_TARGET),
        subject=clean_utf8(subject, LONGEST_SUBJECT),
        bad=bad,
        at=entry.at,
        entry_id=entry.id,
        severity=severity,
        summary=clean_utf8(summary, LONGEST_SUBJECT),
        principal=clean_utf8(entry.principal, LONGEST_TARGET),
        method=clean_utf8(entry.method, LONGEST_TARGET),
        resource=clean_utf8(entry.resource, LONGEST_TARGET),
        address=clean_utf8(entry.address, LONGEST_TARGET),
        value=measured.value if measured else None,
        threshold=measured.threshold if measured else None,
        unit=measured.unit if measured else "",
    )
