"""Alerts as Prometheus posts them to an Alertmanager: a list, repeated while they fire.

    [{"labels": {...}, "annotations": {...}, "startsAt": "...", "endsAt": "...", "generatorURL": "..."}, ...]

`endsAt` is ahead of now while an alert fires: until then it holds unless it is posted again. Without one it holds for five minutes, as
`resolve_timeout` of Alertmanager has it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.events import Status
from functions.alert_intake.alert import Alert, Beat, Outcome, each
from functions.alert_intake.format import Format
from functions.alert_intake.formats.alertmanager import beating, labelled
from functions.alert_intake.reading import Json, instant, mapping

RESOLVE_TIMEOUT = timedelta(minutes=5)
"""How long an alert without an end holds: the default of Alertmanager."""


def recognise(body: Json) -> bool:
    """Whether it is a list in which something has labels, and no target as our own form has."""
    given = body if isinstance(body, list) else []
    return any(isinstance(element, dict) and "labels" in element and "target" not in element for element in given)


def findings(body: Json, now: datetime, replicas: Sequence[str] = ()) -> Iterable[Outcome]:
    """One finding for each alert."""
    return each(body, lambda element: _alert(element, replicas, now), "$")


FORMAT = Format("prometheus", recognise, findings, replicated=True)


def _alert(element: Json, replicas: Sequence[str], now: datetime) -> Alert | Beat:
    ends = instant(mapping(element).get("endsAt"))
    status = Status.RESOLVED if ends and ends <= now else Status.FIRING
    if beat := beating(element, "prometheus", status):
        return beat
    until = (ends or now + RESOLVE_TIMEOUT) if status is Status.FIRING else None
    return replace(labelled(element, "prometheus", status, replicas, now), holds_until=until)
