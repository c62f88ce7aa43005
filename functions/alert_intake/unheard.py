"""Alerts that are not understood, as findings: one condition for each sender and reason, so that somebody hears of them."""

import re
from datetime import datetime, timedelta
from typing import Final

from core.events import Finding, Severity, Status
from functions.alert_intake import safe, targets

KIND: Final = "alert_not_understood"
HOLDS_FOR: Final = timedelta(days=1)
"""How long the condition holds unless another one is not understood."""
_SHOWN = 160
_PLACE = re.compile(r"\[\d+\]")
_SENT = re.compile(r", got .*", re.DOTALL)


def finding(sender: str, reason: str, sample: str, alerts: int, now: datetime) -> Finding:
    """What people hear of an alert that is not understood; the same within a minute, so that many are one.

    Args:
        sender: the name of the format, or `unknown`.
        reason: of the refusal.
        sample: the beginning of what was sent.
        alerts: how many it is about.
        now: when it was received, in UTC.
    """
    minute = now.replace(second=0, microsecond=0)
    said = safe.line(reason, _SHOWN)
    return Finding(
        target=targets.make("sender", sender),
        kind=targets.kind(KIND, {"reason": cause(reason)}),
        status=Status.FIRING,
        severity=Severity.WARNING,
        observed_at=minute,
        source="alert_intake",
        summary=safe.line(f"Alerts of {sender} are not understood: {said}"),
        value=float(alerts),
        unit="alerts",
        evidence={name: text for name, text in (("reason", said), ("sample", safe.line(sample, _SHOWN))) if text},
        runbook="system.md#alert-not-understood",
        holds_until=minute + HOLDS_FOR,
    )


def cause(reason: str) -> str:
    """Where and what a reason is about, without what differs from alert to alert.

    >>> cause("$.alerts[3]: status: must say whether it holds, got 'gone'"), cause("body: must be JSON: line 1 column 1")
    ('$.alerts[]: status', 'body: must be JSON')
    >>> cause("unexpected KeyError: 'x'")
    'unexpected KeyError'
    """
    parts = _SENT.sub("", _PLACE.sub("[]", reason)).split(": ")
    return ": ".join(parts[: 1 if parts[0].startswith("unexpected") else 2])[:200]
