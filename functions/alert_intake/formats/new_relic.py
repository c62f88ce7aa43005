"""Issues of New Relic, from a workflow with a webhook and the default payload.

{"id": "...", "issueUrl": "https://...", "title": "...", "priority": "CRITICAL", "state": "ACTIVATED",
 "impactedEntities": [...], "alertPolicyNames": [...], "alertConditionNames": [...], "createdAt": 1713755131352, ...}
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from functions.alert_intake import targets, words
from functions.alert_intake.alert import Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, instant, items, text


def recognise(body: Json) -> bool:
    """Whether it is an object with the address of an issue and its state."""
    return isinstance(body, dict) and "issueUrl" in body and "state" in body


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding: an issue is one condition, whatever incidents it gathers."""
    return one(body, lambda issue: _alert(issue, now))


FORMAT = Format("new-relic", recognise, findings)


def _alert(body: Json, now: datetime) -> Alert:
    conditions, entities = _names(body, "alertConditionNames"), _names(body, "impactedEntities")
    entity = entities.partition(", ")[0]
    return Alert(
        source="new-relic",
        name=conditions or "issue",
        target=targets.make("service", entity),
        status=words.status(text(body.get("state"))),
        severity=words.severity(text(body.get("priority"))),
        now=now,
        started=instant(body.get("createdAt")),
        ended=instant(body.get("updatedAt")),
        identity={"issue": first(body, "id")},
        summary=(first(body, "title"),),
        evidence={"policies": _names(body, "alertPolicyNames"), "entities": entities},
        links=(first(body, "issueUrl"),),
    )


def _names(body: Mapping[str, Json], key: str) -> str:
    """The names of a list, or the text that a payload of one's own has in its place."""
    return ", ".join(name for one in items(body.get(key)) if (name := text(one))) or text(body.get(key))
