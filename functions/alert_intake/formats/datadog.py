"""Alerts of Datadog's monitors: the default payload of its webhooks, or one with more of its variables.

    {"id": "...", "event_type": "query_alert_monitor", "title": "[Triggered on {host:web-1}] High CPU", "date": "...",
     "org": {"id", "name"}, "body": "...", and perhaps "alert_id", "alert_transition", "alert_scope", "alert_priority", ...}

The default payload says its state and its group only in the title.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from core.events import Severity
from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, one, shown
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, instant, items, text

_TITLE = re.compile(
    r"^(?:\[P[1-5]\]\s{0,3})?\[(?P<state>[\w -]{1,20}?)(?: on \{(?P<scope>[^}]{0,500})\})?\]\s{0,3}(?P<name>.*)$",
    re.DOTALL,
)
_PRIORITY = re.compile(r"^\[(P[1-5])\]")


def recognise(body: Json) -> bool:
    """Whether it is an object with the type of an event and an organisation, or with a transition."""
    return isinstance(body, dict) and (
        ("event_type" in body and "org" in body) or "alert_transition" in body or "alert_cycle_key" in body
    )


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding: a webhook is about one group of one monitor."""
    return one(body, lambda event: _alert(event, now))


FORMAT = Format("datadog", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    title = first(body, "title", "alert_title")[:1000]
    told = _TITLE.match(title)
    state = first(body, "alert_transition") or (told["state"] if told else "")
    scope = _tags(body.get("alert_scope")) or _tags(told["scope"] if told else "")
    tags = scope or _tags(body.get("tags"))
    target, named_by = targets.from_labels(tags | _host(body, tags))
    at = instant(body.get("date")) or instant(body.get("last_updated"))
    return Alert(
        source="datadog",
        name=(told["name"] if told else title).strip(),
        target=target,
        status=words.status(state or "triggered"),
        severity=_severity(body, title, state),
        now=now,
        started=at,
        ended=at,
        identity={"monitor": first(body, "alert_id")} | scope if "alert_id" in body else scope,
        summary=(_summary(told) if told else title,),
        evidence=shown(tags, named_by) | {"body": first(body, "text_only_msg", "body").replace("%%%", "").strip()},
        labels=tags,
        links=(first(body, "link"),),
    )


def _summary(told: re.Match[str]) -> str:
    """The name of the monitor and its group; the incident says by itself whether it fires."""
    return f"{told['name'].strip()} on {told['scope']}" if told["scope"] else told["name"]


def _severity(body: Mapping[str, Json], title: str, state: str) -> Severity:
    priority = _PRIORITY.match(title)
    told = first(body, "alert_priority") or (priority[1] if priority else "")
    return words.severity(told or ("warning" if "warn" in state.lower() else first(body, "alert_type")))


def _host(body: Mapping[str, Json], tags: Mapping[str, str]) -> dict[str, str]:
    host = first(body, "hostname")
    return {"host": host} if host and "host" not in tags else {}


def _tags(given: Json) -> dict[str, str]:
    """Tags as in `env:prod,service:shop`, or a list of them; of those without a colon none."""
    parts = [text(tag) for tag in items(given)] or text(given).split(",")
    pairs = (part.strip().partition(":") for part in parts)
    return {name: value for name, colon, value in pairs if colon and name and value}
