"""Alerts of Kapacitor, as its post handler sends them.

    {"id": "cpu:host=web01", "level": "CRITICAL", "message": "...", "time": "...", "duration": 60000000000,
     "data": {"series": [{"name": "cpu", "tags": {"host": "web01"}, "columns": [...], "values": [[...]]}]}, ...}

The id names the alert and its group, in every level; the duration is since it left OK, in nanoseconds.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.events import Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, one, shown
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, instant, items, labels, mapping, number, text


def recognise(body: Json) -> bool:
    """Whether it is an object with an id, a level and a message."""
    return isinstance(body, dict) and "level" in body and "id" in body and ("previousLevel" in body or "data" in body)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding."""
    return one(body, lambda alert: _alert(alert, now))


FORMAT = Format("kapacitor", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    level, series = text(body.get("level")), _series(body)
    tags = labels(series.get("tags"))
    target, named_by = targets.from_labels(tags)
    at = instant(body.get("time"))
    return Alert(
        source="kapacitor",
        name=text(body.get("id")),
        target=target,
        status=Status.FIRING if level.upper() in ("INFO", "WARNING") else words.status(level),
        severity=words.severity(level),
        now=now,
        started=_since(at, body),
        ended=at,
        summary=(first(body, "message"),),
        evidence={"details": first(body, "details")} | _values(series) | shown(tags, named_by),
        labels=tags,
    )


def _since(at: datetime | None, body: Mapping[str, Json]) -> datetime | None:
    """When it left OK, so that a repetition is the same finding."""
    duration = number(body.get("duration")) or 0.0
    try:
        return at and at - timedelta(microseconds=duration / 1000)
    except OverflowError:
        return at


def _series(body: Mapping[str, Json]) -> Mapping[str, Json]:
    return mapping(next(iter(items(mapping(body.get("data")).get("series"))), None))


def _values(series: Mapping[str, Json]) -> dict[str, str]:
    """The newest values by their columns."""
    rows = [items(row) for row in items(series.get("values"))]
    columns = [text(column) for column in items(series.get("columns"))]
    newest = zip(columns, map(text, rows[-1] if rows else []), strict=False)
    return {name: value for name, value in newest if name and value and name != "time"}
