"""Rules of one format each: Cloud Monitoring, CloudWatch, Grafana, the formatted webhook, and our own form."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.events import Finding, Severity, Status
from tests.support.fakes.intake import NOW, World, cloud_monitoring_incident, guide, payload, push, sent

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("resource", "target"),
    [
        ({"type": "cloud_run_revision", "labels": {"service_name": "shop", "location": "eu"}}, "service/shop"),
        ({"type": "aiplatform.googleapis.com/Endpoint", "labels": {"endpoint_id": "12"}}, "endpoint/12"),
        ({"type": "k8s_pod", "labels": {"pod_name": "p-1", "cluster_name": "c"}}, "pod/p-1"),
        ({"type": "bigquery_dataset", "labels": {"dataset_id": "ops"}}, "dataset/ops"),
        ({"type": "new.googleapis.com/Thing", "labels": {"project_id": "p", "thing_id": "t"}}, "thing/t"),
        ({"type": None, "labels": None}, "resource/flanksource"),
        (None, "resource/flanksource"),
    ],
)
def test_the_resource_names_the_target(resource: Any, target: str) -> None:
    assert (
        cloud_monitoring_incident(resource=resource, resource_display_name=None, resource_name="flanksource").target
        == target
    )


def test_labels_of_the_policy_come_before_those_of_the_metric_and_the_resource() -> None:
    metric = {
        "type": "prometheus.googleapis.com/aia_drift_drifted/gauge",
        "labels": {"model": "churn", "feature": "age"},
    }
    assert cloud_monitoring_incident(metric=metric).target == "model/churn"
    assert (
        cloud_monitoring_incident(metric=metric, policy_user_labels={"pipeline": "nightly"}).target
        == "pipeline/nightly"
    )


def test_an_incident_that_recovered_is_resolved_and_of_the_same_condition() -> None:
    closed = cloud_monitoring_incident(state="closed", ended_at=1746179794, observed_value="12.5", severity="Warning")
    assert (closed.status, closed.condition) == (Status.RESOLVED, cloud_monitoring_incident().condition)
    assert closed.observed_at == datetime.fromtimestamp(1746179794, UTC)


@pytest.mark.parametrize(
    "fields",
    [
        {"observed_value": "The alerting policy was deleted."},
        {"observed_value": None, "summary": "The incident was closed because the condition was modified."},
        {"observed_value": "", "summary": "Policy Latency has been disabled"},
        {"observed_value": "no data"},
        {"summary": "It was automatically closed as data stopped reporting"},
    ],
)
def test_an_incident_that_is_closed_without_recovery_goes_on_for_an_hour_and_says_why(fields: dict[str, Any]) -> None:
    opened, closed = (
        cloud_monitoring_incident(),
        cloud_monitoring_incident(state="closed", ended_at=1746179794, **fields),
    )
    ended = datetime.fromtimestamp(1746179794, UTC)
    assert (closed.status, closed.condition) == (Status.FIRING, opened.condition)
    assert (closed.observed_at, closed.holds_until) == (ended, ended + HOUR)
    assert closed.id != opened.id
    assert closed.summary.startswith("No longer watched: ")
    assert "closed" in closed.evidence


@pytest.mark.parametrize("value", ["0.081", "-3", "1e-9", "NaN", "true", None, "", 12, "7 ms"])
def test_an_incident_that_returned_to_normal_has_recovered_whatever_the_value_is(value: Any) -> None:
    summary = "Latency of the policy edited yesterday returned to normal."
    assert cloud_monitoring_incident(state="CLOSED", observed_value=value, summary=summary).status is Status.RESOLVED


@pytest.mark.parametrize("documentation", [None, "plain text", {"content": "c", "links": None}, {"links": ["x", None]}])
def test_documentation_may_be_anything(documentation: Any) -> None:
    assert (
        cloud_monitoring_incident(documentation=documentation, policy_user_labels=None, severity=None).severity
        is Severity.WARNING
    )


def test_the_runbook_is_the_link_that_is_called_so() -> None:
    links = [
        {"displayName": "Dashboard", "url": "https://d.example"},
        {"displayName": "Runbook", "url": "https://r.example"},
    ]
    assert cloud_monitoring_incident(documentation={"links": links}).runbook == "https://r.example"


def test_a_test_notification_ends_by_itself() -> None:
    [finding] = sent(json.loads(payload("gcm_test_notification.json")))
    assert (finding.status, finding.severity, finding.holds_until) == (
        Status.FIRING,
        Severity.WARNING,
        NOW + timedelta(minutes=10),
    )


# Other systems


def cloudwatch(**fields: Any) -> Finding:
    record = json.loads(payload("aws_cloudwatch_alarm_sns_payload_single_metric.json"))["Records"][0]["Sns"]
    [finding] = sent(json.loads(record["Message"]) | fields)
    return finding


def test_an_alarm_of_cloudwatch_resolves_as_the_condition_it_fired_as() -> None:
    fired, over = cloudwatch(), cloudwatch(NewStateValue="OK", StateChangeTime="2015-06-03T18:00:00.000+0000")
    assert (fired.status, over.status) == (Status.FIRING, Status.RESOLVED)
    assert fired.condition == over.condition
    assert fired.observed_at < over.observed_at


def test_missing_data_of_cloudwatch_is_a_warning_for_an_hour() -> None:
    finding = cloudwatch(NewStateValue="INSUFFICIENT_DATA", AlarmDescription="severity: critical")
    assert (finding.status, finding.severity) == (Status.FIRING, Severity.WARNING)
    assert finding.holds_until == finding.observed_at + HOUR


def test_the_description_of_an_alarm_of_cloudwatch_may_say_more() -> None:
    finding = cloudwatch(AlarmDescription="Slow. severity=P1 runbook=https://r.example/slow", Trigger=None)
    assert (finding.severity, finding.runbook) == (Severity.CRITICAL, "https://r.example/slow")
    assert finding.target == "alert/EXAMPLE"
    sagemaker = {
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"name": "VariantName", "value": "v"}, {"name": "EndpointName", "value": "e"}],
    }
    assert cloudwatch(Trigger=sagemaker).target == "endpoint/e"
    assert (
        cloudwatch(Trigger={"Namespace": "Own/Shop", "Dimensions": [{"name": "Shop", "value": "s"}]}).target == "shop/s"
    )


def test_a_rule_of_grafana_is_one_condition_in_all_its_states() -> None:
    body = json.loads(payload("grafana_legacy_webhook.json"))
    [fired], [over] = (
        sent(body, "/grafana"),
        sent(body | {"state": "ok", "title": "[OK] Queue age alert", "evalMatches": []}),
    )
    assert (fired.status, over.status) == (Status.FIRING, Status.RESOLVED)
    assert fired.condition == over.condition
    assert (fired.value, fired.severity) == (71.5, Severity.ERROR)


def legacy_grafana(state: str) -> World:
    world = World()
    world.send(json.dumps(json.loads(payload("grafana_legacy_webhook.json")) | {"state": state}).encode())
    assert world.findings() == []
    return world


@pytest.mark.parametrize("state", ["paused", "pending"])
def test_a_state_of_a_rule_says_nothing_of_the_target(state: str) -> None:
    world = legacy_grafana(state)
    assert (world.park.letters, world.bus.events) == ([], [])


def test_a_state_that_is_not_known_is_parked_and_somebody_hears_of_it_once() -> None:
    world = legacy_grafana("unknown")
    [reason] = world.park.reasons
    assert "'unknown'" in reason
    [heard], [other] = world.unheard(), legacy_grafana("gone").unheard()
    assert (heard.target, heard.status, heard.id) == ("sender/grafana", Status.FIRING, other.id)
    assert "queue age" in heard.evidence["sample"]


def test_a_formatted_webhook_is_one_condition_by_its_id() -> None:
    body = json.loads(payload("formatted_webhook_oncall.json"))
    [fired], [over] = sent(body), sent(body | {"state": "ok", "title": "all is well"})
    assert (fired.condition, over.status) == (over.condition, Status.RESOLVED)
    assert sent(body | {"service": "shop"})[0].target == "service/shop"


def test_our_own_form_says_everything_a_finding_holds() -> None:
    body = {
        "target": "table/ops.bookings",
        "kind": "rows_missing",
        "status": "firing",
        "severity": "P2",
        "observed_at": "2026-11-23T16:00:00Z",
        "source": "airflow",
        "summary": "Half of the rows are missing",
        "value": 500,
        "threshold": "1000",
        "unit": "rows",
        "evidence": {"partition": "2026-11-22"},
        "runbook": "tables.md#rows",
        "holds_until": "2026-11-23T17:00:00Z",
        "link": "https://airflow.example.com/dags/bookings",
    }
    [finding] = sent(body, "/generic")
    assert finding == Finding(
        target="table/ops.bookings",
        kind="rows_missing",
        status=Status.FIRING,
        severity=Severity.ERROR,
        observed_at=datetime(2026, 11, 23, 16, tzinfo=UTC),
        source="airflow",
        summary="Half of the rows are missing",
        value=500.0,
        threshold=1000.0,
        unit="rows",
        evidence={"partition": "2026-11-22", "link": "https://airflow.example.com/dags/bookings"},
        runbook="tables.md#rows",
        holds_until=datetime(2026, 11, 23, 17, tzinfo=UTC),
    )
    [over] = sent([body | {"status": "ok", "observed_at": "2026-11-23T16:30:00Z"}])
    assert (over.condition, over.status, over.observed_at.minute) == (finding.condition, Status.RESOLVED, 30)
    [least] = sent({"target": "shop", "kind": "slow"})
    assert (least.target, least.kind, least.status, least.severity) == (
        "target/shop",
        "slow",
        Status.FIRING,
        Severity.WARNING,
    )


def test_the_example_of_the_guide_is_taken() -> None:
    blocks = [block.split("```")[0] for block in guide().split("```json\n")[1:]]
    assert blocks
    assert all(sent(block.encode(), "/generic") for block in blocks)


def test_two_series_of_our_own_form_are_told_apart_by_labels() -> None:
    one, other = sent([{"target": "a/b", "kind": "k", "labels": {"shard": shard}} for shard in (1, 2)])
    assert one.condition != other.condition


@pytest.mark.parametrize(
    ("body", "says"), [({"target": "a/b"}, "kind: must be"), ({"kind": "k", "target": []}, "target: must be")]
)
def test_our_own_form_says_what_is_missing(body: Any, says: str) -> None:
    world = World()
    world.send(push(json.dumps(body).encode()))
    [reason] = world.park.reasons
    assert says in reason
