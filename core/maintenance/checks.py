"""Checks of upkeep: what must not be, each a condition of its own, as far as it was read.

A finding is repeated by each check while it holds, so that its incident does not expire. What could not be read is not known; after two
checks in a row that is a finding as well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import ConditionSpec, Hysteresis, NoVerdict, Observation, Outcome, Verdict
from core.events import Severity
from core.maintenance.task import SOURCE
from core.text import clean_utf8

LONGEST_SUMMARY = 300
"""Bytes."""
LONGEST_EVIDENCE = 2000
"""Bytes."""


class CheckReason(StrEnum):
    """Reason of a verdict."""

    FOUND = "found"
    NONE_FOUND = "none_found"
    NOT_READ = "not_read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a check looks at.

    Attributes:
        kind: of its findings; the section of the runbook has the same name.
        target: of its findings.
        what: it finds, for people.
        runbook: the file with its section.
        no_verdict_after: less than from one check to the next.
        severity: of its findings.
        fire_after: how many checks in a row must find something.
    """

    kind: str
    target: str
    what: str
    runbook: str
    no_verdict_after: timedelta
    severity: Severity = Severity.WARNING
    fire_after: int = 1


def observation(check: Check, found: Sequence[str] | None, at: datetime, fault: str = "") -> Observation:
    """The verdict of a check.

    Args:
        check: it.
        found: a line for each thing that must not be; None where it could not be read.
        at: the instant that the check was due.
        fault: why it could not be read.
    """
    spec = ConditionSpec(
        target=check.target,
        kind=check.kind,
        source=SOURCE,
        runbook=f"{check.runbook}#{check.kind}",
        hysteresis=Hysteresis(fire_after=check.fire_after),
        repeat=True,
        no_verdict=NoVerdict(after=check.no_verdict_after),
    )
    return Observation(spec=spec, verdict=_verdict(check, found, fault), at=at)


def _verdict(check: Check, found: Sequence[str] | None, fault: str) -> Verdict:
    if found is None:
        text = clean_utf8(f"{check.what}: not known: {fault}", LONGEST_SUMMARY)
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=CheckReason.NOT_READ, summary=text)
    if not found:
        return Verdict(outcome=Outcome.GOOD, reason=CheckReason.NONE_FOUND, summary=f"no {check.what}")
    more = f", and {len(found) - 1} more" if len(found) > 1 else ""
    return Verdict(
        outcome=Outcome.BAD,
        reason=CheckReason.FOUND,
        summary=f"{check.what}: {clean_utf8(found[0], LONGEST_SUMMARY)}{more}",
        severity=check.severity,
        value=float(len(found)),
        threshold=0.0,
        evidence={"found": clean_utf8("; ".join(found), LONGEST_EVIDENCE)},
    )
