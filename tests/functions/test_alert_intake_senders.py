"""What each vendor's own sample becomes, whatever it is wrapped in."""

import base64
import gzip
import json
import zlib
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from core.events import Finding, RegistryChange, Severity, Status
from functions.alert_intake.body import LARGEST
from functions.alert_intake.formats import FORMATS
from tests.support.fakes.intake import NOW, World, guide, payload, push, sent

FIRING, RESOLVED = Status.FIRING, Status.RESOLVED


def sample(name: str, **fields: Any) -> Finding:
    [finding] = sent(json.loads(payload(name)) | fields)
    return finding


@pytest.mark.parametrize(
    ("name", "target", "kind", "status", "severity"),
    [
        ("kapacitor_post_critical.json", "alert/tenant-00:resource-002:cpu:used", "tenant-00-resource", FIRING, "critical"),
        ("zabbix_webhook_high.json", "host/www.example.com", "Zabbix-agent-on", FIRING, "error"),
        ("datadog_webhook_default_triggered.json", "alert/[TEST] Host Cluster Alert", "TEST-Host", FIRING, "warning"),
        ("newrelic_workflow_activated.json", "service/zulip_app", "Zulip-Server-Low", FIRING, "critical"),
        ("newrelic_workflow_closed.json", "service/main_app-UBUNTU", "High-CPU", RESOLVED, "critical"),
        ("azure_common_schema_metric_resolved.json", "instance/wcus-r2-gen2", "WCUS-R2-Gen2", RESOLVED, "info"),
        ("azure_common_schema_log_fired.json", "instance/testvm", "AcmeRule", FIRING, "info"),
        ("pagerduty_v2_trigger.json", "alert/samplekeyhere", "samplekeyhere", FIRING, "info"),
        ("pagerduty_v2_resolve.json", "alert/dedupkeyhere", "dedupkeyhere", RESOLVED, "warning"),
        ("eventbridge_cloudwatch_alarm.json", "instance/i-12345678901234567", "ServerCpuTooHigh", FIRING, "warning"),
        ("billing_budget_exceeded.json", "budget/name-of-budget", "budget_exceeded", FIRING, "error"),
        ("vertex_model_monitoring_anomaly.json", "deployed-model/1645828169292316672", "raw_feature_skew", FIRING, "warning"),
        ("sentry_metric_alert_resolved.json", "service/bar", "Too-many-errors", RESOLVED, "warning"),
        ("sentry_issue_alert_triggered.json", "service/front-end", "issue", FIRING, "error"),
        ("sentry_plugin_event.json", "service/python", "issue", FIRING, "error"),
        ("sentry_issue_resolved.json", "service/zulip-integration-testing", "issue", RESOLVED, "error"),
    ],
)  # fmt: skip
def test_the_sample_of_a_vendor_is_understood(name: str, target: str, kind: str, status: Status, severity: str) -> None:
    finding = sample(name)
    assert (finding.target, finding.status, finding.severity.value) == (target, status, severity)
    assert finding.kind.startswith(kind)
    assert finding.summary


@pytest.mark.parametrize(
    ("name", "value", "threshold"),
    [
        ("azure_common_schema_metric_resolved.json", 7.727, 25.0),
        ("azure_common_schema_log_fired.json", 0.0, 1.0),
        ("eventbridge_cloudwatch_alarm.json", 99.50160229693434, 50.0),
        ("billing_budget_exceeded.json", 100.01, 100.0),
        ("vertex_model_monitoring_anomaly.json", 0.9, 0.7),
    ],
)
def test_a_sample_with_a_number_and_its_limit_keeps_both(name: str, value: float, threshold: float) -> None:
    finding = sample(name)
    assert (finding.value, finding.threshold) == (value, threshold)


def test_a_title_has_the_name_of_the_rule() -> None:
    fired = sample("azure_common_schema_log_fired.json")
    assert (fired.summary, fired.evidence["query"]) == ("AcmeRule: log alert rule V2", "Heartbeat")


def test_every_format_is_in_the_guide() -> None:
    assert [one.name for one in FORMATS if f"`{one.name}`" not in guide()] == []


# Firing and over are one condition


@pytest.mark.parametrize(
    ("name", "over"),
    [
        ("kapacitor_post_critical.json", {"level": "OK", "previousLevel": "CRITICAL"}),
        ("zabbix_webhook_high.json", {"status": "OK", "item": "Agent ping is Up (0)"}),
        ("datadog_webhook_default_triggered.json", {"title": "[Recovered] [TEST] Host Cluster Alert", "id": "9"}),
        ("newrelic_workflow_activated.json", {"state": "CLOSED", "trigger": "INCIDENT_CLOSED"}),
        ("pagerduty_v2_trigger.json", {"event_action": "resolve", "payload": None}),
        ("billing_budget_exceeded.json", {"alertThresholdExceeded": None, "costAmount": 0.5}),
    ],
)
def test_an_alert_that_is_over_is_the_condition_that_fired(name: str, over: dict[str, Any]) -> None:
    fired, ended = sample(name), sample(name, **over)
    assert (fired.status, ended.status) == (FIRING, RESOLVED)
    assert fired.condition == ended.condition
    assert fired.observed_at <= ended.observed_at


def test_an_issue_of_sentry_is_one_condition_when_its_alert_fires_and_when_a_person_resolves_it() -> None:
    resolved = json.loads(payload("sentry_issue_resolved.json"))
    resolved["data"]["issue"] |= {"id": "1117540176", "project": {"slug": "front-end"}}
    [over] = sent(resolved)
    assert over.condition == sample("sentry_issue_alert_triggered.json").condition


def test_an_alarm_over_eventbridge_resolves_as_it_fired() -> None:
    body = json.loads(payload("eventbridge_cloudwatch_alarm.json"))
    body["detail"]["state"] |= {"value": "OK", "timestamp": "2019-10-02T18:00:00.000+0000"}
    [over] = sent(body)
    fired = sample("eventbridge_cloudwatch_alarm.json")
    assert (over.status, over.condition) == (RESOLVED, fired.condition)
    assert fired.threshold == 50.0


def test_an_alert_of_azure_resolves_as_it_fired_whatever_the_case_of_its_resource() -> None:
    body = json.loads(payload("azure_common_schema_metric_resolved.json"))
    [over] = sent(body)
    essentials = body["data"]["essentials"]
    essentials |= {"monitorCondition": "Fired", "severity": "Sev1", "resolvedDateTime": None}
    essentials["alertTargetIDs"] = [one.upper() for one in essentials["alertTargetIDs"]]
    [fired] = sent(body)
    assert (fired.status, fired.severity, over.status) == (FIRING, Severity.ERROR, RESOLVED)
    assert fired.condition == over.condition
    assert fired.observed_at < over.observed_at


def test_groups_of_one_monitor_of_datadog_are_conditions_of_their_own() -> None:
    titles = ("[Triggered on {host:a}] CPU", "[Triggered on {host:b}] CPU", "[P1] [Recovered on {host:a}] CPU")
    first, other, over = (sample("datadog_webhook_default_triggered.json", title=title) for title in titles)
    assert (first.target, other.target) == ("host/a", "host/b")
    assert (first.condition, over.status, over.severity) == (over.condition, RESOLVED, Severity.CRITICAL)
    assert (first.summary, over.summary) == ("CPU on host:a", "CPU on host:a")


def test_a_key_of_pagerduty_may_name_the_target_and_the_kind() -> None:
    fired = sample("pagerduty_v2_trigger.json", dedup_key="model/churn:latency")
    assert (fired.target, fired.kind, fired.evidence["component"]) == ("model/churn", "latency", "postgres")


def test_what_never_says_that_it_is_over_expires() -> None:
    ends = [
        sample(name).holds_until
        for name in ("vertex_model_monitoring_anomaly.json", "sentry_issue_alert_triggered.json")
    ]
    assert all(end and end > NOW for end in ends)
    assert sample("pagerduty_v2_trigger.json", dedup_key=None).holds_until
    assert sample("pagerduty_v2_trigger.json").holds_until is None


# What is no alert


@pytest.mark.parametrize("name", ["pagerduty_v2_acknowledge.json", "pagerduty_v2_change.json"])
def test_what_says_nothing_of_a_target_is_neither_published_nor_parked(name: str) -> None:
    world = World()
    assert world.send(payload(name)).json == {"accepted": 0, "parked": 0, "ignored": 1}
    assert (world.bus.events, world.park.letters) == ([], [])


def test_a_version_that_mlflow_registers_is_passed_on() -> None:
    world = World()
    assert world.send(payload("mlflow_webhook_version_created.json"), "/mlflow").json == {
        "accepted": 1,
        "parked": 0,
        "ignored": 0,
    }
    [change] = world.bus.events
    assert isinstance(change, RegistryChange)
    assert (change.registry, change.model, change.number) == ("mlflow", "example_model", "1")
    other = json.loads(payload("mlflow_webhook_version_created.json")) | {"entity": "prompt"}
    assert world.send(json.dumps(other).encode()).json == {"accepted": 0, "parked": 0, "ignored": 1}


# Wrappings

PLAIN = payload("kapacitor_post_critical.json")
MESSAGE = {"data": base64.b64encode(PLAIN).decode(), "messageId": "1", "publishTime": "2026-11-23T16:00:00Z"}
EVENT = {"specversion": "1.0", "type": "t", "source": "s", "id": "1"}


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (gzip.compress(PLAIN), {"Content-Encoding": "gzip"}),
        (gzip.compress(PLAIN), {}),
        (zlib.compress(PLAIN), {"Content-Encoding": "deflate"}),
        (urlencode({"payload": PLAIN.decode()}).encode(), {"Content-Type": "application/x-www-form-urlencoded"}),
        (urlencode({"payload": PLAIN.decode()}).encode(), {}),
        (json.dumps(EVENT | {"data": json.loads(PLAIN)}).encode(), {"Content-Type": "application/cloudevents+json"}),
        (json.dumps(EVENT | {"data_base64": base64.b64encode(PLAIN).decode()}).encode(), {}),
        (json.dumps(EVENT | {"data": {"message": MESSAGE}}).encode(), {}),
        (json.dumps({"message": MESSAGE}).encode(), {}),
        (gzip.compress(push(PLAIN)), {}),
    ],
)
def test_a_wrapping_is_taken_off(body: bytes, headers: dict[str, str]) -> None:
    world = World()
    assert world.send(body, "/kapacitor", **headers).status_code == 200
    assert world.park.letters == []
    assert world.findings() == [sample("kapacitor_post_critical.json")]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (gzip.compress(b" " * (LARGEST + 1)), "when it is unpacked"),
        (gzip.compress(PLAIN)[:-9], "its end is missing"),
        (b"\x1f\x8bnot gzip at all", "body: must be gzip"),
        (urlencode([("a", str(number)) for number in range(200)]).encode(), "at most 100 fields"),
    ],
)
def test_a_wrapping_that_is_broken_or_hides_too_much_is_parked(body: bytes, says: str) -> None:
    world = World()
    world.send(body, "/x", **{"Content-Type": "application/x-www-form-urlencoded"} if body[:2] == b"a=" else {})
    [(letter, reason, _)] = world.park.letters
    assert letter == body
    assert says in reason
    [heard] = world.unheard()
    assert heard.target == "sender/x"


# Prometheus, Alertmanager and Grafana


def test_an_alert_without_an_end_holds_for_the_resolve_timeout_of_alertmanager() -> None:
    [finding] = sent([{"labels": {"alertname": "A"}, "startsAt": "2026-11-23T16:00:00Z"}], "/api/v2/alerts")
    assert (finding.status, finding.holds_until) == (FIRING, NOW + timedelta(minutes=5))


def test_alerts_that_are_left_out_are_counted_told_and_noted_in_the_others() -> None:
    world = World()
    alerts = [{"status": "firing", "labels": {"alertname": name}} for name in "AB"]
    body = {"version": "4", "receiver": "intake", "truncatedAlerts": 30, "alerts": alerts}
    assert world.send(json.dumps(body).encode()).json == {"accepted": 2, "parked": 0, "ignored": 0}
    *others, told = world.findings()
    assert [one.evidence["left out"].partition(" ")[0] for one in others] == ["30", "30"]
    assert (told.target, told.value, told.evidence["receiver"]) == ("sender/alertmanager", 30.0, "intake")
    assert world.metrics.values["aia_alerts_left_out_total", "alertmanager"] == 30


@pytest.mark.parametrize("alert", ["DatasourceNoData", "DatasourceError"])
def test_rules_of_grafana_without_data_are_told_apart_and_named_by_their_rule(alert: str) -> None:
    def labels(rule: str) -> dict[str, Any]:
        return {"status": "firing", "labels": {"alertname": alert, "rulename": rule, "datasource_uid": "p"}}

    latency, errors = sent({"orgId": 1, "alerts": [labels("High latency"), labels("Errors")]}, "/grafana")
    assert (latency.target, errors.target) == ("alert/High latency", "alert/Errors")
    assert latency.summary.startswith("High latency: ")
    [own] = sent({"orgId": 1, "alerts": [{"status": "firing", "labels": {"alertname": "High latency"}}]}, "/grafana")
    assert own.condition != latency.condition


@pytest.mark.parametrize("name", ["Watchdog", "DeadMansSwitch"])
def test_a_dead_mans_switch_is_a_time_and_no_incident(name: str) -> None:
    world = World()
    labels = {"alertname": name, "severity": "none", "cluster": "eu"}
    assert world.send(json.dumps([{"labels": labels}]).encode()).json == {"accepted": 1, "parked": 0, "ignored": 0}
    webhook = {
        "version": "4",
        "alerts": [{"status": "firing", "labels": labels}, {"status": "resolved", "labels": labels}],
    }
    assert world.send(json.dumps(webhook).encode()).json == {"accepted": 1, "parked": 0, "ignored": 1}
    assert world.bus.events == []
    beats = [world.metrics.values["aia_watchdog_timestamp_seconds", of] for of in ("prometheus/eu", "alertmanager/eu")]
    assert beats == [NOW.timestamp()] * 2


def test_dead_mans_switches_of_very_many_senders_are_one_beyond_a_limit() -> None:
    world = World()
    body = [{"labels": {"alertname": "Watchdog", "cluster": f"c{number}"}} for number in range(300)]
    world.send(json.dumps(body).encode())
    series = [key for key in world.metrics.values if key[0] == "aia_watchdog_timestamp_seconds"]
    assert len(series) == 51
