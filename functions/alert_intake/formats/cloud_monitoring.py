"""Notifications of Google Cloud Monitoring, by Pub/Sub or by webhook.

    {"version": "1.2", "incident": {"state": "open", "started_at": 1746178794, "resource": {...}, "metric": {...}, ...}}

An incident is closed for two reasons, and only one of them is recovery. Where the policy was edited, disabled or
deleted, or data stopped arriving, nobody saw the thing recover: its finding goes on firing, says why, and holds for an
hour. If it is still bad, the policy's next incident says so; else it ends by itself.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from core.events import Status
from functions.alert_intake import targets, words
from functions.alert_intake.alert import UNWATCHED_FOR, Alert, Outcome, one, shown
from functions.alert_intake.format import Format
from functions.alert_intake.reading import Json, first, instant, items, labels, mapping, number, text

TEST_FOR = timedelta(minutes=10)
"""How long a test notification holds: no other one closes it."""
_RESOURCES = {
    "cloud_run_revision": ("service", "service_name"),
    "cloud_run_job": ("job", "job_name"),
    "cloud_function": ("function", "function_name"),
    "aiplatform.googleapis.com/Endpoint": ("endpoint", "endpoint_id"),
    "aiplatform.googleapis.com/PipelineJob": ("pipeline", "pipeline_job_id"),
    "aiplatform.googleapis.com/ReasoningEngine": ("agent", "reasoning_engine_id"),
    "bigquery_dataset": ("dataset", "dataset_id"),
    "bigquery_table": ("table", "table_id"),
    "pubsub_topic": ("topic", "topic_id"),
    "pubsub_subscription": ("subscription", "subscription_id"),
    "gce_instance": ("instance", "instance_id"),
    "gcs_bucket": ("bucket", "bucket_name"),
    "cloudsql_database": ("database", "database_id"),
    "redis_instance": ("redis", "instance_id"),
    "dataflow_job": ("pipeline", "job_name"),
    "uptime_url": ("host", "host"),
    "k8s_service": ("service", "service_name"),
    "k8s_container": ("container", "container_name"),
    "k8s_pod": ("pod", "pod_name"),
    "k8s_node": ("node", "node_name"),
    "k8s_cluster": ("cluster", "cluster_name"),
}
"""The types of resource that have a better name than their own, and the label that names the target."""
_NAMING = ("target", "model", "model_name", "pipeline", "endpoint_id", "probe", "function", "table", "service")
"""The labels of a policy or a metric that name a target."""
_PLACES = ("project_id", "location", "zone", "region", "resource_container", "cluster", "namespace")
_PROSE = re.compile(r"[^\W\d_]{2,}\W+[^\W\d_]{2,}")
_NOT_RECOVERED = re.compile(
    r"\b(?:policy|condition|alert|incident)\b.{0,60}\b(?:edit(?:ed)?|modified|updated|changed|deleted|removed|disabled"
    r"|expired|snoozed)\b|\bauto(?:matically)?[ -]?closed?\b"
    r"|\b(?:no|absence of|missing|stopped receiving) (?:new )?data\b"
    r"|\bstopped reporting\b|\bno longer (?:exists|monitored|reporting)\b",
    re.IGNORECASE,
)


def recognise(body: Json) -> bool:
    """Whether it is an object with an incident."""
    return isinstance(body, dict) and isinstance(body.get("incident"), dict)


def findings(body: Json, now: datetime) -> Iterable[Outcome]:
    """One finding: an incident of Cloud Monitoring is about one series of one condition."""
    test = text(body.get("version")).lower() == "test"
    return one(body, lambda given: _alert(mapping(given["incident"]), now, test=test))


FORMAT = Format("cloud-monitoring", recognise, findings)


def unrecovered(incident: Mapping[str, Json]) -> str:
    """Why an incident was closed though nothing recovered, in its own words; empty when it recovered.

    The observed value is a number where a value recovered, and prose where none did.

    >>> unrecovered({"observed_value": "0.081"}), unrecovered({"observed_value": "The policy was deleted."})
    ('', 'The policy was deleted.')
    """
    observed, summary = text(incident.get("observed_value"))[:300], text(incident.get("summary"))[:1000]
    if number(observed) is None and _PROSE.search(observed):
        return observed
    return summary if _NOT_RECOVERED.search(summary) and "returned to normal" not in summary else ""


def _alert(incident: Mapping[str, Json], now: datetime, *, test: bool) -> Alert:
    policy_labels = labels(incident.get("policy_user_labels"))
    status = words.status(text(incident.get("state")))
    started, ended = instant(incident.get("started_at")), instant(incident.get("ended_at")) or now
    why = unrecovered(incident) if status is Status.RESOLVED else ""
    until = now + TEST_FOR if test else None
    if why:
        status, started, until = Status.FIRING, ended, ended + UNWATCHED_FOR
    threshold = mapping(mapping(incident.get("condition")).get("conditionThreshold")).get("thresholdValue")
    return Alert(
        source="cloud-monitoring",
        name=first(incident, "condition_name", "policy_name"),
        target=_target(incident, policy_labels),
        status=status,
        severity=words.severity(text(incident.get("severity")) or first(policy_labels, "severity", "priority")),
        now=now,
        started=started,
        ended=ended,
        holds_until=until,
        identity=_identity(incident),
        summary=(f"No longer watched: {why}",) if why else (first(incident, "summary"),),
        value=number(incident.get("observed_value")),
        threshold=number(incident.get("threshold_value")) if "threshold_value" in incident else number(threshold),
        evidence=_evidence(incident, policy_labels, why),
        labels=_labels(incident) | policy_labels,
        links=(first(incident, "url"),),
        runbook=_runbook(incident, policy_labels),
    )


def _labels(incident: Mapping[str, Json]) -> dict[str, str]:
    """The labels of the resource and of the metric."""
    return {
        name: value
        for part in ("resource", "metric")
        for name, value in labels(mapping(incident.get(part)).get("labels")).items()
    }


def _target(incident: Mapping[str, Json], policy_labels: Mapping[str, str]) -> str:
    """The labels of the policy come first, then those of the metric, then the resource."""
    metric_labels = labels(mapping(incident.get("metric")).get("labels"))
    for given in (policy_labels, metric_labels):
        target, _ = targets.from_labels({name: given[name] for name in _NAMING if name in given})
        if target:
            return target
    resource = mapping(incident.get("resource"))
    kind, own = text(resource.get("type")), labels(resource.get("labels"))
    sort, label = _RESOURCES.get(kind, ("", ""))
    if label in own:
        return targets.make(sort, own[label])
    named = next((own[name] for name in sorted(own) if name not in _PLACES), "")
    name = first(incident, "resource_display_name") or named or first(incident, "resource_id", "resource_name")
    return targets.make(sort or kind.rpartition("/")[2] or "resource", name)


def _identity(incident: Mapping[str, Json]) -> dict[str, str]:
    """The condition and the series; not the incident's id, which is another one each time it opens."""
    names = {"condition": first(mapping(incident.get("condition")), "name"), "policy": first(incident, "policy_name")}
    for name in ("resource", "metric"):
        part = mapping(incident.get(name))
        names |= {f"{name}.type": text(part.get("type"))}
        names |= {f"{name}.{label}": value for label, value in labels(part.get("labels")).items()}
    return {name: value for name, value in names.items() if value}


def _evidence(incident: Mapping[str, Json], policy_labels: Mapping[str, str], why: str) -> dict[str, str]:
    metric = mapping(incident.get("metric"))
    told = {
        "closed": why,
        "policy": first(incident, "policy_name"),
        "metric": first(metric, "type"),
        "resource": first(incident, "resource_display_name", "resource_name"),
    }
    return (
        {name: value for name, value in told.items() if value}
        | shown(labels(metric.get("labels")))
        | shown(policy_labels)
    )


def _runbook(incident: Mapping[str, Json], policy_labels: Mapping[str, str]) -> str:
    """The first link of the documentation, one that is called runbook before others."""
    links = [mapping(link) for link in items(mapping(incident.get("documentation")).get("links"))]
    links.sort(key=lambda link: "book" not in first(link, "displayName", "display_name").lower())
    return next((url for link in links if (url := first(link, "url"))), "") or first(policy_labels, "runbook")
