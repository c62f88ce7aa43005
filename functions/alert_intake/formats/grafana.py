"""Grafana's alerts before unified alerting: one rule, its state, and the matching series.

{"ruleId": 1, "ruleName": "...", "state": "alerting", "evalMatches": [{"metric", "value", "tags"}], "tags": {...}, ...}
"""

import re
from collections.abc import Iterable
from datetime import datetime

from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, one, shown
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, items, labels, mapping, number, text

_RULE = ("orgId", "dashboardId", "panelId", "ruleId")
_STATE = re.compile(r"^\[[\w ]{1,20}\]\s*")


def recognise(body: Json) -> bool:
    """Whether it is an object with a state and a rule or its matches."""
    return (
        isinstance(body, dict)
        and "state" in body
        and any(name in body for name in ("ruleName", "ruleId", "evalMatches"))
    )


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding: the state is the rule's, whatever series matched."""
    return one(body, lambda alert: _alert(alert, now))


FORMAT = Format("grafana", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    tags = labels(body.get("tags"))
    matches = [mapping(match) for match in items(body.get("evalMatches"))]
    target, named_by = targets.from_labels(tags)
    seen = {f"match {text(match.get('metric'))}".rstrip(): text(match.get("value")) for match in matches[:3]}
    return Alert(
        source="grafana",
        name=text(body.get("ruleName")) or _STATE.sub("", text(body.get("title"))),
        target=target,
        status=words.status(text(body.get("state"))),
        severity=words.severity(first(tags, "severity", "priority", "level")),
        now=now,
        identity={name: value for name in _RULE if (value := text(body.get(name)))},
        summary=(first(body, "message"), first(body, "title")),
        value=next((found for match in matches if (found := number(match.get("value"))) is not None), None),
        evidence=seen | shown(tags, named_by),
        labels=tags,
        links=(first(body, "ruleUrl"),),
        runbook=first(tags, "runbook_url", "runbook"),
    )
