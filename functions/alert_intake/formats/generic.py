"""Our own format, for systems without a supported one: an object, or a list of objects.

    {"target": "table/ops.bookings", "kind": "rows_missing", "status": "firing", "severity": "error", "summary": "..."}

`target` and `kind` are needed; docs/alerts.md has the rest. The names are those of a finding.
"""

from collections.abc import Iterable
from datetime import datetime

from core.events import Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, each, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, UnreadableError, first, instant, labels, mapping, number, text


def recognise(body: Json) -> bool:
    """Whether it, or something in it, has a target or a kind."""
    given = body if isinstance(body, list) else [body]
    return any(isinstance(element, dict) and ("target" in element or "kind" in element) for element in given)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding for each object."""
    if isinstance(body, list):
        return each(body, lambda element: _alert(element, now), "$")
    return one(body, lambda element: _alert(element, now))


FORMAT = Format("generic", recognise, findings, turn=1)


def _alert(element: Json, now: datetime) -> Alert:
    given = mapping(element)
    target, kind = text(given.get("target")), text(given.get("kind"))
    for name, value in (("target", target), ("kind", kind)):
        if not value:
            raise UnreadableError(f"{name}: must be a text that is not empty, got {str(given.get(name))[:80]!r}")
    own = labels(given.get("labels"))
    at, status = instant(given.get("observed_at")), words.status(text(given.get("status")))
    return Alert(
        source=first(given, "source") or "webhook",
        name=kind,
        target=targets.explicit(target),
        status=status,
        severity=words.severity(text(given.get("severity"))),
        now=now,
        started=instant(given.get("started_at")) or (at if status is Status.FIRING else None),
        ended=instant(given.get("ended_at")) or at,
        holds_until=instant(given.get("holds_until")),
        identity=own,
        summary=(text(given.get("summary")),),
        value=number(given.get("value")),
        threshold=number(given.get("threshold")),
        unit=text(given.get("unit")),
        evidence=labels(given.get("evidence")) | own,
        labels=own,
        links=(text(given.get("link")),),
        runbook=text(given.get("runbook")),
    )
