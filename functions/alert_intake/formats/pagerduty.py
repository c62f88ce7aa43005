"""Events for PagerDuty's Events API v2, from systems whose integration with it is pointed here.

    {"event_action": "trigger", "dedup_key": "...", "payload": {"summary", "source", "severity", "component", ...}, ...}

An event that resolves has nothing but the key, so the key alone is the condition: `model/churn:latency` names a target and
a kind, any other key an alert. What was triggered without a key can never be resolved, and expires.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from functions.alert_intake import targets, words
from functions.alert_intake.alert import UNENDED_FOR, Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import (
    IrrelevantError,
    Json,
    UnreadableError,
    first,
    instant,
    items,
    labels,
    mapping,
    text,
)

_KEY = re.compile(r"(?P<target>[a-z][a-z0-9_-]{0,39}/[^:]{1,160}):(?P<kind>[\w.-]{1,60})")


def recognise(body: Json) -> bool:
    """Whether it is an object with a routing key, and an action or a payload."""
    return isinstance(body, dict) and "routing_key" in body and ("event_action" in body or "payload" in body)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding; an acknowledgement and a change are none."""
    return one(body, lambda event: _alert(event, now))


FORMAT = Format("pagerduty", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    action = text(body.get("event_action"))
    if not action or action == "acknowledge":
        raise IrrelevantError(f"event_action: {action or 'a change event'} says nothing of the target")
    payload, key = mapping(body.get("payload")), first(body, "dedup_key")
    if not key and not first(payload, "summary", "source"):
        raise UnreadableError("dedup_key: must be given, or payload.summary and payload.source")
    named, at = _KEY.fullmatch(key), instant(payload.get("timestamp"))
    return Alert(
        source=first(body, "client") or "pagerduty-events",
        name=named["kind"] if named else key or first(payload, "summary"),
        target=targets.explicit(named["target"])
        if named
        else targets.make("service", "" if key else first(payload, "source")),
        status=words.status(action),
        severity=words.severity(first(payload, "severity")),
        now=now,
        started=at,
        ended=at,
        holds_until=None if key else now + UNENDED_FOR,
        summary=(first(payload, "summary"),),
        evidence=_evidence(payload),
        links=(*(first(mapping(link), "href") for link in items(body.get("links"))), first(body, "client_url")),
    )


def _evidence(payload: Mapping[str, Json]) -> dict[str, str]:
    told = labels({name: payload.get(name) for name in ("source", "component", "group", "class")})
    return told | labels(payload.get("custom_details"))
