"""Alerts that Prometheus posts here directly, so that people are notified when the notification path is down.

Only alerts with the label `path: direct` are stored, which Terraform routes around the functions as well: all others
reach people through `incident_router` alone. Prometheus posts an alert again and again while it fires, and for a while
after its end; each of the two is one message.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from core.events import YEARS, Change, Severity
from infra.local.inbox.messages import Posted, check_year

CHANNEL = "direct"
"""The channel of these messages, which is none of the settings."""
_PATH = "direct"
_KNOWN = frozenset(severity.value for severity in Severity)


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert, as Prometheus posts it to an Alertmanager (API version 2)."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = {}
    starts_at: datetime = msgspec.field(name="startsAt")
    ends_at: datetime | None = msgspec.field(name="endsAt", default=None)
    generator_url: str = msgspec.field(name="generatorURL", default="")


_decoder = msgspec.json.Decoder(list[Alert])


def read(body: bytes, now: datetime) -> list[Posted]:
    """The messages of a request; of alerts that are not about the way to people there are none.

    Args:
        body: the alerts as JSON.
        now: an alert that ended before is over.

    Raises:
        ValueError: the body is no list of alerts; the text says where and why.
    """
    try:
        alerts = _decoder.decode(body)
    except RecursionError as error:
        raise ValueError("body: nested too deeply") from error
    return [_message(alert, now) for alert in alerts if alert.labels.get("path") == _PATH]


def _message(alert: Alert, now: datetime) -> Posted:
    check_year("startsAt", alert.starts_at)
    began = _utc(alert.starts_at)
    # An Alertmanager gives the year 1 where an alert has not ended.
    ended = _utc(alert.ends_at) if alert.ends_at and alert.ends_at.year in YEARS else None
    over = ended is not None and ended <= now
    change = Change.RESOLVED if over else Change.OPENED
    name = alert.labels.get("alertname", "alert")
    severity = alert.labels.get("severity", "")
    return Posted(
        key=f"{_fingerprint(alert.labels)}:{began.isoformat()}:{change}",
        incident_id=name,
        change=change,
        severity=Severity(severity) if severity in _KNOWN else Severity.CRITICAL,
        title=alert.annotations.get("summary") or name,
        text=_text(alert.annotations),
        url=alert.generator_url,
        at=ended if over and ended else began,
        category=alert.labels.get("category", ""),
        target=alert.labels.get("function", ""),
        channel=CHANNEL,
    )


def _text(annotations: Mapping[str, str]) -> str:
    runbook = annotations.get("runbook_url", "")
    return "\n".join(
        line for line in (annotations.get("description", ""), f"What to do: {runbook}" if runbook else "") if line
    )


def _fingerprint(labels: Mapping[str, str]) -> str:
    """The identity of an alert within its rule: all its labels."""
    return hashlib.sha256(msgspec.json.encode(sorted(labels.items()))).hexdigest()[:16]


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
