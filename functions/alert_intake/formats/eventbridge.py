"""Alarms of AWS CloudWatch, as EventBridge sends them to an API destination.

{"detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch", "region": "us-east-1",
 "detail": {"alarmName": "...", "state": {"value": "ALARM", "reason", "reasonData", "timestamp"}, "configuration": {...}}}
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from functions.alert_intake.alert import Alert, Outcome, one
from functions.alert_intake.format import Format
from functions.alert_intake.formats.cloudwatch import of_alarm
from functions.alert_intake.reading import Json, UnreadableError, decode, first, items, labels, mapping, text

_ALARM = "CloudWatch Alarm State Change"


def recognise(body: Json) -> bool:
    """Whether it is an object with the type of an event and its detail."""
    return isinstance(body, dict) and "detail-type" in body and "detail" in body


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding."""
    return one(body, lambda event: _alert(event, now))


FORMAT = Format("eventbridge", recognise, findings)


def _alert(event: Json, now: datetime) -> Alert:
    kind = text(event.get("detail-type"))
    if kind != _ALARM:
        raise UnreadableError(f"detail-type: must be {_ALARM!r}, got {kind[:80]!r}")
    detail = mapping(event.get("detail"))
    state, configuration = mapping(detail.get("state")), mapping(detail.get("configuration"))
    alarm = {
        "AlarmName": detail.get("alarmName"),
        "AlarmDescription": configuration.get("description"),
        "AWSAccountId": event.get("account"),
        "Region": event.get("region"),
        "NewStateValue": state.get("value"),
        "NewStateReason": state.get("reason"),
        "StateChangeTime": state.get("timestamp") or event.get("time"),
        "Trigger": _trigger(configuration) | {"Threshold": _threshold(state)},
    }
    return of_alarm(alarm, now)


def _trigger(configuration: Mapping[str, Json]) -> dict[str, Json]:
    """The first metric of the alarm that has dimensions, as SNS would have it."""
    stats = (mapping(mapping(metric).get("metricStat")) for metric in items(configuration.get("metrics")))
    metrics = [mapping(stat.get("metric")) for stat in stats]
    metric = next((one for one in metrics if labels(one.get("dimensions"))), {})
    dimensions = [{"name": name, "value": value} for name, value in labels(metric.get("dimensions")).items()]
    return {"MetricName": metric.get("name"), "Namespace": metric.get("namespace"), "Dimensions": dimensions}


def _threshold(state: Mapping[str, Json]) -> Json:
    try:
        return mapping(decode(first(state, "reasonData").encode(errors="replace"))).get("threshold")
    except UnreadableError:
        return None
