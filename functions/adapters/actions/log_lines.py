"""Summary of log lines for people: the count by severity, and the most frequent messages without secrets."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.actions.lifecycle import LONGEST
from functions.adapters.redact import pattern_of, redact

MOST_FREQUENT = 3
SHORT = 120
"""Characters of a message, so that all of them fit into one line of the timeline."""
_SEVERITIES = ("EMERGENCY", "ALERT", "CRITICAL", "ERROR", "WARNING")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log: its severity, as Cloud Logging spells it, and its text as it was written."""

    severity: str
    text: str


def report(lines: Sequence[Line], *, more: bool) -> str:
    """What lines say, in one line without secrets that is no longer than a decision's detail.

    Args:
        lines: that were read.
        more: whether there are older ones, which were not.

    >>> lines = [Line("ERROR", f"order {number}: timeout, token=abc{number}") for number in (7, 8)]
    >>> report([*lines, Line("WARNING", "slow: 812 ms")], more=False)
    '3 lines (2 error, 1 warning): 2 x order #: timeout, token=[hidden]; 1 x slow: # ms'
    """
    if not lines:
        return "no line of a warning or worse"
    counts = Counter(line.severity for line in lines)
    severities = ", ".join(f"{counts[name]} {name.lower()}" for name in _SEVERITIES if counts[name])
    frequent = Counter(pattern_of(redact(line.text)) or "(no text)" for line in lines).most_common(MOST_FREQUENT)
    messages = "; ".join(f"{count} x {_short(message)}" for message, count in frequent)
    counted = f"{'the newest ' if more else ''}{len(lines)} {'line' if len(lines) == 1 else 'lines'}"
    return f"{counted} ({severities}): {messages}"[:LONGEST]


def _short(message: str) -> str:
    return message if len(message) <= SHORT else f"{message[: SHORT - 1]}…"
