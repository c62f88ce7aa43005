"""Severities and statuses of other systems as ours; docs/alerts.md has the same tables."""

import re

from core.events import Severity, Status
from functions.alert_intake.reading import IrrelevantError, UnreadableError

_SEVERITIES = {
    word: severity
    for severity, words in {
        Severity.CRITICAL: "critical crit fatal disaster emergency emerg panic page pager blocker highest urgent severe"
        " p0 p1 s0 s1 sev0 sev1",
        Severity.ERROR: "error err high major average p2 s2 sev2",
        Severity.WARNING: "warning warn medium moderate minor low ticket p3 p4 s3 s4 sev3 sev4",
        Severity.INFO: "info information informational notice none debug trace p5 s5 sev5",
    }.items()
    for word in words.split()
}
_STATUSES = {
    word: status
    for status, words in {
        Status.FIRING: "firing fire fired alerting alarm alert open opened triggered trigger retriggered problem active"
        " activated created down nodata renodata error acknowledged critical warning warn rewarn renotify",
        Status.RESOLVED: "resolved resolve ok okay normal closed close recovered recovery inactive up clear"
        " cleared healthy",
    }.items()
    for word in words.split()
}
_IRRELEVANT = frozenset({"paused", "pending", "snoozed"})
"""Statuses of a rule or of a person's doing, which say nothing of the target."""
_NO_WORD = re.compile(r"[\W_]+")
_LONGEST = 80


def severity(given: str) -> Severity:
    """The severity that a word means; a word that is not known, and none at all, means a warning.

    Of several words the worst counts, and they never mean less than a warning: `P1 - Database` is critical.

    >>> severity("SEV-1").value, severity("none").value, severity("whatever").value, severity("P1 - Database").value
    ('critical', 'info', 'warning', 'critical')
    """
    word = given[:_LONGEST].lower()
    if level := _SEVERITIES.get(_NO_WORD.sub("", word)):
        return level
    known = [_SEVERITIES[part] for part in _NO_WORD.split(word) if part in _SEVERITIES]
    return max([Severity.WARNING, *known], key=lambda level: level.rank)


def status(given: str, missing: Status = Status.FIRING) -> Status:
    """The status that a word means.

    Args:
        given: the word.
        missing: what no word at all means.

    Raises:
        IrrelevantError: the word is about the rule, as in `paused`.
        UnreadableError: the word is none that says whether something holds.

    >>> status("OPEN").value, status("").value, status("No_Data").value
    ('firing', 'firing', 'firing')
    """
    word = _NO_WORD.sub("", given[:_LONGEST].lower())
    if not word and not given:
        return missing
    if word in _IRRELEVANT:
        raise IrrelevantError(f"status: {word} says nothing of the target")
    known = _STATUSES.get(word)
    if known is None:
        raise UnreadableError(f"status: must say whether it holds, as firing or resolved do, got {given[:_LONGEST]!r}")
    return known
