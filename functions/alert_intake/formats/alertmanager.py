"""Alertmanager's webhook, version 4, and Grafana's, which adds to it.

{"version": "4", "status": "firing", "alerts": [{"status", "labels", "annotations", "startsAt", "endsAt", ...}], ...}
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain

from core.events import Severity, Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import UNWATCHED_FOR, Alert, Beat, LeftOut, Outcome, Refusal, each, finding, shown
from functions.alert_intake.format import Format
from functions.alert_intake.reading import (
    IrrelevantError,
    Json,
    UnreadableError,
    first,
    instant,
    items,
    labels,
    mapping,
    number,
    text,
)

_SWITCHES = ("Watchdog", "DeadMansSwitch")
_INSTALLATIONS = ("cluster", "prometheus", "environment")
"""External labels that tell installations of Prometheus apart, the best first."""
_DATASOURCE = {"DatasourceNoData": "no data", "DatasourceError": "the rule could not be evaluated"}
_SUMMARY = ("summary", "message", "title", "description")
_SEVERITY = ("severity", "priority", "level", "urgency")
_GRAFANA = ("silenceURL", "dashboardURL", "panelURL", "valueString")


def recognise(body: Json) -> bool:
    """Whether it is an object with a list of alerts."""
    return isinstance(body, dict) and isinstance(body.get("alerts"), list)


def findings(body: Json, now: datetime, replicas: Sequence[str] = ()) -> Iterable[Outcome]:
    """One finding for each alert, and one where alerts of the group were left out."""
    if not body["alerts"]:
        return [Refusal("$.alerts: must hold at least one alert, got none", body)]
    left_out, note = number(body.get("truncatedAlerts")) or 0.0, {}
    if left_out >= 1:
        note = {"left out": f"{left_out:.0f} further alerts of this group: max_alerts of the webhook must be 0"}
    source = "grafana" if _is_grafana(body) else "alertmanager"
    alert = partial(_alert, source=source, group=text(body.get("status")), note=note, replicas=replicas, now=now)
    read = each(items(body["alerts"]), alert, "$.alerts")
    return chain(read, [_left_out(body, source, left_out, now)]) if note else read


FORMAT = Format("alertmanager", recognise, findings, replicated=True)


def beating(element: Json, source: str, status: Status) -> Beat | None:
    """The beat of a dead man's switch, where an alert is one: `Watchdog`, as the Prometheus Operator calls it.

    Raises:
        IrrelevantError: it is resolved, as when a Prometheus is stopped: that it stops is what people hear of.
    """
    own = labels(mapping(element).get("labels"))
    if own.get("alertname") not in _SWITCHES:
        return None
    if status is Status.RESOLVED:
        raise IrrelevantError("status: a dead man's switch is not resolved, it stops")
    return Beat("/".join([source, *(own[name][:40] for name in _INSTALLATIONS if name in own)][:2]))


def labelled(element: Json, source: str, status: Status, replicas: Sequence[str], now: datetime) -> Alert:
    """An alert that Prometheus or one of its kin describes by labels and annotations.

    Every label distinguishes it, also its severity: a rule for warnings and one for critical cases often share a
    name and fire at once, and a label that changes is another alert to Prometheus, which ends the former one.
    Labels that name a replica do not: all replicas speak of one condition.

    Raises:
        UnreadableError: it has no labels.
    """
    element = mapping(element)
    own, notes = labels(element.get("labels")), labels(element.get("annotations"))
    if not own:
        raise UnreadableError("labels: must hold at least one label")
    replica = "/".join(own.pop(label) for label in replicas if label in own)
    target, named_by = targets.from_labels(own)
    name, naming, said = _name(own)
    identity = {label: value for label, value in own.items() if label not in (naming, named_by)}
    summary = (*said, *(notes[note] for note in _SUMMARY if note in notes))
    return Alert(
        source=source,
        name=name,
        target=target,
        status=status,
        severity=words.severity(first(own, *_SEVERITY) or first(notes, *_SEVERITY)),
        now=now,
        started=instant(element.get("startsAt")),
        ended=instant(element.get("endsAt")),
        identity=identity,
        summary=summary,
        value=_value(element, notes),
        threshold=number(notes.get("threshold")),
        unit=notes.get("unit", ""),
        evidence=_evidence(own, named_by, summary, element),
        labels=own,
        links=(first(element, "panelURL"), first(element, "dashboardURL"), first(element, "generatorURL")),
        runbook=first(notes, "runbook_url", "runbook"),
        replica=replica[:200],
    )


def _name(own: Mapping[str, str]) -> tuple[str, str, tuple[str, ...]]:
    """The name of the rule, the label that names it, and what is wrong where that is not the rule's own alert.

    Grafana sends one alert of its own name for all rules without data, with the rule as another label.
    """
    alert, rule = own.get("alertname", ""), own.get("rulename", "")
    if rule and (wrong := _DATASOURCE.get(alert)):
        return rule, "rulename", (f"{rule}: {wrong}",)
    return alert, "alertname", ()


def _left_out(body: Mapping[str, Json], source: str, alerts: float, now: datetime) -> LeftOut:
    """What people hear of alerts that nobody sent; it holds while groups go on being truncated."""
    receiver = first(body, "receiver")
    alert = Alert(
        source=source,
        name="alerts_left_out",
        target=targets.make("sender", source),
        status=Status.FIRING,
        severity=Severity.ERROR,
        now=now,
        holds_until=now + UNWATCHED_FOR,
        identity={"receiver": receiver},
        summary=(f"{source} left out {alerts:.0f} alerts of a group: max_alerts of its webhook must be 0",),
        value=alerts,
        unit="alerts",
        evidence={"receiver": receiver, "group": first(body, "groupKey")},
        runbook="system.md#alerts-left-out",
    )
    return LeftOut(finding(alert), alerts)


def _alert(
    element: Json, *, source: str, group: str, note: Mapping[str, str], replicas: Sequence[str], now: datetime
) -> Alert | Beat:
    given = mapping(element)
    ended = instant(given.get("endsAt"))
    missing = Status.RESOLVED if ended and ended <= now else Status.FIRING
    status = words.status(text(given.get("status")) or group, missing)
    if beat := beating(element, source, status):
        return beat
    alert = labelled(element, source, status, replicas, now)
    return replace(alert, evidence={**note, **alert.evidence}) if note else alert


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
