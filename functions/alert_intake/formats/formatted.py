"""The formatted webhook of Grafana OnCall, which many small tools can send.

{"alert_uid": "...", "title": "...", "state": "alerting", "message": "...", "link_to_upstream_details": "https://..."}
"""

from collections.abc import Iterable
from datetime import datetime

from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, labels, text


def recognise(body: Json) -> bool:
    """Whether it is an object with the alert's id, or with a title and a state."""
    return isinstance(body, dict) and ("alert_uid" in body or ("title" in body and "state" in body))


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding."""
    return one(body, lambda alert: _alert(alert, now))


FORMAT = Format("formatted", recognise, findings, turn=2)


def _alert(body: Json, now: datetime) -> Alert:
    """The title may say the state, so the id names the alert where there is one."""
    own = labels(body)
    target, _ = targets.from_labels(
        {name: own[name] for name in ("target", "model", "pipeline", "service") if name in own}
    )
    called = first(body, "alert_uid", "title")
    return Alert(
        source="webhook",
        name="alert",
        target=target or targets.make("alert", called),
        status=words.status(text(body.get("state"))),
        severity=words.severity(first(body, "severity", "priority")),
        now=now,
        identity={"alert": called} if target and called else {},
        summary=(first(body, "title"), first(body, "message")),
        evidence={"message": first(body, "message")},
        links=(first(body, "link_to_upstream_details"),),
    )
