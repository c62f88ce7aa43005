"""Alerts of Sentry's integration platform: metric alerts, issue alerts, and what becomes of issues; and those of its older plugin.

    {"action": "critical", "data": {"metric_alert": {"alert_rule": {"name", "id"}, "projects", ...}, "web_url", ...}, ...}
    {"action": "triggered", "data": {"event": {"issue_id", "title", "level", "url", "web_url"}, "triggered_rule": "..."}, ...}
    {"action": "resolved", "data": {"issue": {"id", "title", "level", "project": {"slug"}}}, ...}
    {"id": "the issue", "project_slug": "...", "level", "message", "culprit", "url", "event": {...}, ...}    WebHooks

An issue is over when Sentry or a person resolves it; where nobody does, its alert expires.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from core.events import Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import UNENDED_FOR, Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import IrrelevantError, Json, first, instant, items, mapping, text

_RESOURCES = ("metric_alert", "event", "issue")
_PROJECT = re.compile(r"/projects/[^/\s]{1,100}/([^/\s]{1,100})/")
_OPENED, _CLOSED = ("created", "unresolved"), ("resolved", "archived", "ignored")


def recognise(body: Json) -> bool:
    """Whether it is an object with an action and one of the resources, or with a project and an event."""
    data = mapping(body).get("data")
    hook = isinstance(data, dict) and "action" in body and any(name in data for name in _RESOURCES)
    return hook or _is_of_plugin(body)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding; that an issue was assigned is none."""
    return one(
        body,
        lambda hook: _of_plugin(hook, now) if _is_of_plugin(hook) else _alert(text(hook["action"]), hook["data"], now),
    )


FORMAT = Format("sentry", recognise, findings)


def _alert(action: str, data: Mapping[str, Json], now: datetime) -> Alert:
    if "metric_alert" in data:
        return _metric_alert(action, data, now)
    event, issue = mapping(data.get("event")), mapping(data.get("issue"))
    if event:
        return _issue(event, first(event, "issue_id"), _project(event), Status.FIRING, now)
    if action not in (*_OPENED, *_CLOSED):
        raise IrrelevantError(f"action: {action[:40]!r} says nothing of the target")
    status = Status.FIRING if action in _OPENED else Status.RESOLVED
    return _issue(issue, first(issue, "id"), first(mapping(issue.get("project")), "slug", "id"), status, now)


def _is_of_plugin(body: Json) -> bool:
    return isinstance(body, dict) and "project_slug" in body and isinstance(body.get("event"), dict)


def _of_plugin(body: Mapping[str, Json], now: datetime) -> Alert:
    event = mapping(body["event"])
    found = {"title": first(event, "title") or first(body, "message"), "level": body.get("level")}
    found |= {"culprit": body.get("culprit"), "platform": event.get("platform"), "web_url": body.get("url")}
    found["datetime"] = event.get("timestamp")
    return _issue(found, first(body, "id"), first(body, "project_slug"), Status.FIRING, now)


def _metric_alert(action: str, data: Mapping[str, Json], now: datetime) -> Alert:
    alert = mapping(data.get("metric_alert"))
    rule = mapping(alert.get("alert_rule"))
    project = text(next(iter(items(alert.get("projects"))), ""))
    return Alert(
        source="sentry",
        name=first(rule, "name") or first(alert, "title"),
        target=targets.make("service", project),
        status=words.status(action),
        severity=words.severity(action),
        now=now,
        started=instant(alert.get("date_started")),
        ended=instant(alert.get("date_closed")),
        identity={"rule": first(rule, "id"), "organization": first(alert, "organization_id")},
        summary=(first(data, "description_title"), first(data, "description_text")),
        evidence={"description": first(data, "description_text"), "query": first(rule, "query")},
        links=(first(data, "web_url"),),
    )


def _issue(found: Mapping[str, Json], issue: str, project: str, status: Status, now: datetime) -> Alert:
    return Alert(
        source="sentry",
        name="issue",
        target=targets.make("service", project),
        status=status,
        severity=words.severity(first(found, "level")),
        now=now,
        started=instant(found.get("datetime")) or instant(found.get("lastSeen")),
        holds_until=now + UNENDED_FOR,
        identity={"issue": issue},
        summary=(first(found, "title", "message"),),
        evidence={"culprit": first(found, "culprit"), "platform": first(found, "platform")},
        links=(first(found, "web_url"), first(found, "permalink")),
    )


def _project(event: Mapping[str, Json]) -> str:
    """The name of the project, which is in the address of its event alone."""
    named = _PROJECT.search(first(event, "url")[:1000])
    return named[1] if named else first(event, "project")
