"""Alertmanager's webhook, version 4, and Grafana's, which adds to it.

{"version": "4", "status": "firing", "alerts": [{"status", "labels", "annotations", "startsAt", "endsAt", ...}], ...}
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime

from core.events import Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, Refusal, each, shown
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, UnreadableError, first, instant, items, labels, mapping, number, text

log = logging.getLogger(__name__)
_SUMMARY = ("summary", "message", "title", "description")
_SEVERITY = ("severity", "priority", "level", "urgency")
_GRAFANA = ("silenceURL", "dashboardURL", "panelURL", "valueString")


def recognise(body: Json) -> bool:
    """Whether it is an object with a list of alerts."""
    return isinstance(body, dict) and isinstance(body.get("alerts"), list)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding for each alert."""
    if not body["alerts"]:
        return [Refusal("$.alerts: must hold at least one alert, got none", body)]
    if left_out := number(body.get("truncatedAlerts")):
        log.error("Alertmanager left out %s alerts: max_alerts of its webhook must be 0", left_out)
    source = "grafana" if _is_grafana(body) else "alertmanager"
    group = text(body.get("status"))
    return each(items(body["alerts"]), lambda alert: _alert(alert, source, group, now), "$.alerts")


FORMAT = Format("alertmanager", recognise, findings)


def labelled(
    element: Json, *, source: str, status: Status, now: datetime, holds_until: datetime | None = None
) -> Alert:
    """An alert that Prometheus or one of its kin describes by labels and annotations.

    Every label distinguishes it, also its severity: a rule for warnings and one for critical cases often share a
    name and fire at once, and a label that changes is another alert to Prometheus, which ends the former one.

    Raises:
        UnreadableError: it has no labels.
    """
    element = mapping(element)
    own, notes = labels(element.get("labels")), labels(element.get("annotations"))
    if not own:
        raise UnreadableError("labels: must hold at least one label")
    target, named_by = targets.from_labels(own)
    name = own.get("alertname", "")
    identity = {label: value for label, value in own.items() if label not in ("alertname", named_by)}
    summary = tuple(notes[note] for note in _SUMMARY if note in notes)
    return Alert(
        source=source,
        name=name,
        target=target,
        status=status,
        severity=words.severity(first(own, *_SEVERITY) or first(notes, *_SEVERITY)),
        now=now,
        started=instant(element.get("startsAt")),
        ended=instant(element.get("endsAt")),
        holds_until=holds_until,
        identity=identity,
        summary=summary,
        value=_value(element, notes),
        threshold=number(notes.get("threshold")),
        unit=notes.get("unit", ""),
        evidence=_evidence(own, named_by, summary, element),
        labels=own,
        links=(first(element, "panelURL"), first(element, "dashboardURL"), first(element, "generatorURL")),
        runbook=first(notes, "runbook_url", "runbook"),
    )


def _alert(element: Json, source: str, group: str, now: datetime) -> Alert:
    given = mapping(element)
    ended = instant(given.get("endsAt"))
    missing = Status.RESOLVED if ended and ended <= now else Status.FIRING
    status = words.status(text(given.get("status")) or group, missing)
    return labelled(element, source=source, status=status, now=now)


def _is_grafana(body: Mapping[str, Json]) -> bool:
    return "orgId" in body or any(name in mapping(alert) for alert in items(body["alerts"])[:1] for name in _GRAFANA)


def _value(element: Mapping[str, Json], notes: Mapping[str, str]) -> float | None:
    """The annotation `value`, else the first of Grafana's values by name."""
    values = mapping(element.get("values"))
    first_value = next((values[name] for name in sorted(values) if number(values[name]) is not None), None)
    return number(notes.get("value")) if "value" in notes else number(first_value)


def _evidence(
    own: Mapping[str, str], named_by: str, summary: tuple[str, ...], element: Mapping[str, Json]
) -> dict[str, str]:
    values = labels(element.get("values"))
    told = {"values": ", ".join(f"{name} {value}" for name, value in sorted(values.items())[:4])} if values else {}
    more = {"description": summary[1]} if len(summary) > 1 else {}
    return told | more | shown(own, named_by)
