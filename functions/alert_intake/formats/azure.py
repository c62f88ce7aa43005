"""Alerts of Azure Monitor in the common alert schema.

{"schemaId": "azureMonitorCommonAlertSchema", "data": {"essentials": {"alertRule", "severity", "monitorCondition",
 "alertTargetIDs": ["/subscriptions/.../virtualmachines/vm-1"], "firedDateTime", ...}, "alertContext": {...}}}
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from core.events import Severity
from functions.alert_intake import targets, words
from functions.alert_intake.alert import UNENDED_FOR, Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, UnreadableError, first, instant, items, mapping, number, text

_SEVERITIES: Final = {
    "sev0": Severity.CRITICAL,
    "sev1": Severity.ERROR,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.INFO,
}
"""Azure's own scale: critical, error, warning, informational, verbose."""
_SORTS: Final = {
    "virtualmachines": "instance",
    "onlineendpoints": "endpoint",
    "sites": "service",
    "containerapps": "service",
    "databases": "database",
    "flexibleservers": "database",
    "storageaccounts": "bucket",
    "components": "service",
}


def recognise(body: Json) -> bool:
    """Whether it is an object that names the schema."""
    return isinstance(body, dict) and text(body.get("schemaId")).lower() == "azuremonitorcommonalertschema"


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding."""
    return one(body, lambda given: _alert(mapping(given.get("data")), now))


FORMAT = Format("azure-monitor", recognise, findings)


def _alert(data: Mapping[str, Json], now: datetime) -> Alert:
    essentials, criterion = mapping(data.get("essentials")), _criterion(data)
    rule, ids = first(essentials, "alertRule"), _texts(essentials, "alertTargetIDs")
    if not rule:
        raise UnreadableError("data.essentials.alertRule: must be the name of a rule")
    dimensions = {
        text(one.get("name")): text(one.get("value")) for one in map(mapping, items(criterion.get("dimensions")))
    }
    told, described = first(essentials, "severity"), first(essentials, "description")
    return Alert(
        source="azure-monitor",
        name=rule,
        target=_target(ids),
        status=words.status(first(essentials, "monitorCondition")),
        severity=_SEVERITIES.get(told.lower()) or words.severity(told),
        now=now,
        started=instant(essentials.get("firedDateTime")),
        ended=instant(essentials.get("resolvedDateTime")),
        holds_until=now + UNENDED_FOR if first(essentials, "signalType").lower() == "activity log" else None,
        identity={"targets": " ".join(ids).lower()} | dimensions,
        summary=(f"{rule}: {described}" if described else rule,),
        value=number(criterion.get("metricValue")),
        threshold=number(criterion.get("threshold")),
        evidence={"metric": first(criterion, "metricName"), "query": first(criterion, "searchQuery")}
        | {"resource": next(iter(ids), "")}
        | dimensions,
        links=(first(mapping(data.get("alertContext")), "LinkToSearchResults"),),
    )


def _criterion(data: Mapping[str, Json]) -> Mapping[str, Json]:
    """The first of the criteria: those of a rule are all met at once."""
    condition = mapping(mapping(data.get("alertContext")).get("condition"))
    return mapping(next(iter(items(condition.get("allOf"))), None))


def _texts(essentials: Mapping[str, Json], key: str) -> list[str]:
    given = items(essentials.get(key)) or [essentials.get(key)]
    return [found for one in given if (found := text(one))]


def _target(ids: list[str]) -> str:
    """The last type and name of a resource's id; ids differ in case from message to message."""
    parts = next(iter(ids), "").rstrip("/").lower().split("/")
    if len(parts) < 2 or not parts[-1]:  # noqa: PLR2004 - a type and a name
        return ""
    return targets.make(_SORTS.get(parts[-2], parts[-2] or "resource"), parts[-1])
