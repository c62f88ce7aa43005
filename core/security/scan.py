"""The verdicts of the security scan: who has access, how old keys are, and advisories on packages, as far as they were read.

A finding is repeated by each scan while it holds, so that its incident does not expire. What could not be read is not known; after two
scans in a row that is a finding as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, NoVerdict, Observation, Outcome, Verdict
from core.events import Severity
from core.maintenance.task import SOURCE
from core.text import clean_utf8

NO_VERDICT_AFTER = timedelta(days=6)
"""From one scan to the next are seven."""
LONGEST_SUMMARY = 300
"""Bytes."""
LONGEST_EVIDENCE = 2000
"""Bytes."""


class ScanKind(StrEnum):
    """The kinds of findings of the scan."""

    IAM_EXPOSURE = "iam_exposure"
    OLD_KEY = "old_key"
    VULNERABLE_DEPENDENCY = "vulnerable_dependency"


class ScanReason(StrEnum):
    """Reason of a verdict."""

    FOUND = "found"
    NONE_FOUND = "none_found"
    NOT_READ = "not_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What the scan looks at.

    Attributes:
        kind: of its findings.
        target: of its findings.
        what: it finds, for people.
        severity: of its findings.
    """

    kind: ScanKind
    target: str
    what: str
    severity: Severity = Severity.WARNING


CHECKS = {
    one.kind: one
    for one in (
        Check(
            kind=ScanKind.IAM_EXPOSURE,
            target="compliance/iam-policy",
            what="roles that everybody has",
            severity=Severity.ERROR,
        ),
        Check(kind=ScanKind.OLD_KEY, target="compliance/service-account-keys", what="old keys of service accounts"),
        Check(kind=ScanKind.VULNERABLE_DEPENDENCY, target="compliance/dependencies", what="packages with advisories"),
    )
}


def observation(kind: ScanKind, found: Sequence[str] | None, at: datetime, fault: str = "") -> Observation:
    """The verdict of a check.

    Args:
        kind: of the check.
        found: a line for each thing that must not be; None where it could not be read.
        at: the instant that the scan was due.
        fault: why it could not be read.
    """
    check = CHECKS[kind]
    spec = ConditionSpec(
        target=check.target,
        kind=kind,
        source=SOURCE,
        runbook=f"security.md#{kind}",
        repeat=True,
        no_verdict=NoVerdict(after=NO_VERDICT_AFTER),
    )
    return Observation(spec=spec, verdict=_verdict(check, found, fault), at=at)


def _verdict(check: Check, found: Sequence[str] | None, fault: str) -> Verdict:
    if found is None:
        text = clean_utf8(f"{check.what}: not known: {fault}", LONGEST_SUMMARY)
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=ScanReason.NOT_READ, summary=text)
    if not found:
        return Verdict(outcome=Outcome.GOOD, reason=ScanReason.NONE_FOUND, summary=f"no {check.what}")
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Verdict(
        outcome=Outcome.BAD,
        reason=ScanReason.FOUND,
        summary=f"{check.what}: {clean_utf8(found[0], LONGEST_SUMMARY)}{more}",
        severity=check.severity,
        value=float(len(found)),
        threshold=0.0,
        evidence={"found": clean_utf8("; ".join(found), LONGEST_EVIDENCE)},
    )
