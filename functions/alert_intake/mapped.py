"""Formats of the settings: a mapping says where in a body an alert has its parts."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial

from core.settings import AlertSender
from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, Refusal, each, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, UnreadableError, instant, number, text

SECTIONS = ("version", "jobs", "alert_senders", "alert_intake")
"""The sections that are read: the variables of the others need not be set."""
_STEP = re.compile(r"[^.\[\]]+")
_PLACE = re.compile(r"\{([^{}]+)\}")


def formats(senders: Sequence[AlertSender]) -> tuple[Format, ...]:
    """The format of each sender, in their order."""
    return tuple(Format(one.name, partial(_recognise, one), partial(_findings, one)) for one in senders)


def at(body: Json, path: str) -> Json:
    """What is at a path of a body, or None.

    >>> at({"a": {"b": [1, {"c": 2}]}}, "a.b[1].c"), at({"a": 1}, "a.b"), at({"a": 1}, "b")
    (2, None, None)
    """
    for step in _STEP.findall(path):
        if isinstance(body, list) and step.isdecimal() and int(step) < len(body):
            body = body[int(step)]
        else:
            body = body.get(step) if isinstance(body, dict) else None
    return body


def filled(template: str, body: Json) -> str:
    """The template with what is at its paths; empty where one of them is.

    >>> filled("host/{a.b}", {"a": {"b": "web-1"}}), filled("host/{a.c}", {"a": {"b": "web-1"}})
    ('host/web-1', '')
    """
    found = {path: text(at(body, path)) for path in _PLACE.findall(template)}
    return _PLACE.sub(lambda place: found[place[1]], template) if all(found.values()) else ""


def _recognise(sender: AlertSender, body: Json) -> bool:
    found = ((text(at(body, path)), wanted) for path, wanted in sender.recognise.items())
    return isinstance(body, dict) and all(value and wanted in ("*", value) for value, wanted in found)


def _findings(sender: AlertSender, body: Json, now: datetime) -> Iterable[Outcome]:
    if sender.alerts is None:
        return one(body, lambda alert: _alert(sender, alert, now))
    alerts = at(body, sender.alerts)
    if not isinstance(alerts, list):
        return [Refusal(f"{sender.alerts}: must be a list, got {type(alerts).__name__}", body)]
    return each(alerts, lambda alert: _alert(sender, alert, now), f"$.{sender.alerts}")


def _alert(sender: AlertSender, body: Json, now: datetime) -> Alert:
    status, severity = filled(sender.status or "", body), filled(sender.severity or "", body)
    if sender.status and not status:
        raise UnreadableError(f"status: {sender.status} must be there")
    identity = {path: value for path in sender.identity if (value := text(at(body, path)))}
    observed = instant(at(body, sender.observed_at)) if sender.observed_at else None
    return Alert(
        source=sender.name,
        name=_required("kind", sender.kind, body),
        target=targets.explicit(_required("target", sender.target, body)),
        status=sender.statuses.get(status) or words.status(status),
        severity=sender.severities.get(severity) or words.severity(severity),
        now=now,
        started=observed,
        ended=observed,
        holds_until=now + sender.holds_for if sender.holds_for else None,
        identity=identity,
        summary=(filled(sender.summary or "", body),),
        value=number(at(body, sender.value)) if sender.value else None,
        threshold=number(at(body, sender.threshold)) if sender.threshold else None,
        evidence=identity,
        links=(filled(sender.link or "", body),),
    )


def _required(name: str, template: str, body: Json) -> str:
    if found := filled(template, body):
        return found
    raise UnreadableError(f"{name}: {template} must be there")
