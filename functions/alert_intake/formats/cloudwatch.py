"""Alarms of AWS CloudWatch: as SNS posts them, as a Lambda function receives them from SNS, or raw.

    {"Type": "Notification", "TopicArn": "...", "Message": "<the alarm as JSON text>"}

What asks to confirm a subscription is refused, so that a person sees it, and confirms it on the page.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime

from core.events import Severity, Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import UNWATCHED_FOR, Alert, Outcome, each, one
from functions.alert_intake.format import Format
from functions.alert_intake.reading import (
    Json,
    UnreadableError,
    decode,
    first,
    instant,
    items,
    labels,
    mapping,
    number,
    text,
)

_CONFIRMATIONS = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
_SORTS = {
    "EndpointName": "endpoint",
    "ServiceName": "service",
    "FunctionName": "function",
    "DBInstanceIdentifier": "database",
    "TableName": "table",
    "QueueName": "queue",
    "TopicName": "topic",
    "BucketName": "bucket",
    "LoadBalancer": "loadbalancer",
    "InstanceId": "instance",
    "ClusterName": "cluster",
}
"""The dimensions that name a target, the most specific first."""
_SEVERITY = re.compile(r"\b(?:severity|priority)\s{0,3}[:=]\s{0,3}([\w-]{1,20})", re.IGNORECASE)
_RUNBOOK = re.compile(r"\brunbook\s{0,3}[:=]\s{0,3}(\S{1,300})", re.IGNORECASE)
_DATAPOINT = re.compile(r"\[(-?[0-9][0-9.eE+-]{0,40}) \(")


def recognise(body: Json) -> bool:
    """Whether it is a notification of SNS, a list of them, or an alarm by itself."""
    if not isinstance(body, dict):
        return False
    enveloped = "Message" in body and ("TopicArn" in body or "Type" in body)
    return enveloped or "SubscribeURL" in body or "NewStateValue" in body or isinstance(body.get("Records"), list)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding for each alarm."""
    if records := items(body.get("Records")):
        return each(records, lambda record: _notified(mapping(record).get("Sns"), now), "$.Records")
    if "NewStateValue" in body:
        return one(body, lambda alarm: of_alarm(alarm, now))
    return one(body, lambda notification: _notified(notification, now))


FORMAT = Format("cloudwatch", recognise, findings)


def _notified(notification: Json, now: datetime) -> Alert:
    notification = mapping(notification)
    kind = text(notification.get("Type"))
    if kind in _CONFIRMATIONS or "SubscribeURL" in notification:
        topic = text(notification.get("TopicArn"))[:200]
        raise UnreadableError(
            f"Type: {kind!r} of {topic!r} is for a person: confirm it on the page /maintenance if you asked for it"
        )
    return of_alarm(_alarm(notification.get("Message")), instant(notification.get("Timestamp")) or now)


def _alarm(message: Json) -> Json:
    try:
        return decode(message.encode(errors="replace")) if isinstance(message, str) else message
    except UnreadableError as error:
        raise UnreadableError(f"Message: must hold an alarm of CloudWatch as JSON, got {message[:80]!r}") from error


def of_alarm(alarm: Json, now: datetime) -> Alert:
    """An alarm, with the names that SNS gives its fields.

    Raises:
        UnreadableError: it has no name or no state.
    """
    alarm = mapping(alarm)
    name, state = first(alarm, "AlarmName"), first(alarm, "NewStateValue")
    if not name or not state:
        raise UnreadableError("Message: must be an alarm of CloudWatch, with AlarmName and NewStateValue")
    at, unknown = instant(alarm.get("StateChangeTime")) or now, state.upper() == "INSUFFICIENT_DATA"
    trigger, said = mapping(alarm.get("Trigger")), text(alarm.get("AlarmDescription"))
    target, dimensions = _target(trigger)
    severity = words.severity(_found(_SEVERITY, said))
    return Alert(
        source="cloudwatch",
        name=name,
        target=target,
        status=Status.FIRING if unknown else words.status(state),
        severity=Severity.WARNING if unknown else severity,
        now=now,
        started=at if unknown or state.upper() == "ALARM" else None,
        ended=at,
        holds_until=at + UNWATCHED_FOR if unknown else None,
        identity=_identity(alarm),
        summary=(_summary(name, state, alarm), said, name),
        value=number(_found(_DATAPOINT, text(alarm.get("NewStateReason")))),
        threshold=number(trigger.get("Threshold")),
        unit=text(trigger.get("Unit")),
        evidence={"description": said, "metric": first(trigger, "MetricName"), "region": first(alarm, "Region")}
        | dimensions,
        runbook=_found(_RUNBOOK, said),
    )


def _summary(name: str, state: str, alarm: Mapping[str, Json]) -> str:
    reason = text(alarm.get("NewStateReason"))
    return f"{name} is {state}: {reason}" if reason else ""


def _identity(alarm: Mapping[str, Json]) -> dict[str, str]:
    """The account and the region: the name of an alarm is unique within both."""
    return labels({name: alarm.get(name) for name in ("AWSAccountId", "Region", "AlarmArn")})


def _found(pattern: re.Pattern[str], said: str) -> str:
    match = pattern.search(said[:2000])
    return match[1] if match else ""


def _target(trigger: Mapping[str, Json]) -> tuple[str, dict[str, str]]:
    """The target that the metric's dimensions name, and the dimensions."""
    metrics = [
        mapping(mapping(mapping(query).get("MetricStat")).get("Metric")) for query in items(trigger.get("Metrics"))
    ]
    metric = next((candidate for candidate in (trigger, *metrics) if items(candidate.get("Dimensions"))), {})
    dimensions = {}
    for given in map(mapping, items(metric.get("Dimensions"))):
        if (name := first(given, "name", "Name")) and (value := first(given, "value", "Value")):
            dimensions[name] = value
    for name, sort in _SORTS.items():
        if name in dimensions:
            return targets.make(sort, dimensions[name]), dimensions
    if not dimensions:
        return "", {}
    sort = first(metric, "Namespace").rpartition("/")[2] or "cloudwatch"
    return targets.make(sort, "/".join(value for _, value in sorted(dimensions.items()))), dimensions
