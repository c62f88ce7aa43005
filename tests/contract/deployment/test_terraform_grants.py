"""The grants that are easily forgotten, and without which everything is there and nothing works: each by its name."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from infra import plan, stage

pytestmark = pytest.mark.timeout(300)  # plans are made once, by whichever test is first
DEPLOYMENT = stage.deployment()
DOMAIN = "example-project.iam.gserviceaccount.com"
PUBSUB = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
MONITORING = "serviceAccount:service-123456789012@gcp-sa-monitoring-notification.iam.gserviceaccount.com"
PUSH = f"serviceAccount:aia-push@{DOMAIN}"
BUILDER = f"serviceAccount:aia-builder@{DOMAIN}"
Resources = list[plan.Resource]


@pytest.fixture(scope="module")
def acting() -> Resources:
    """The same, with the accounts that actions act as."""
    return plan.planned("access", "actions_people_and_own_keys")


@pytest.fixture(scope="module")
def training() -> Resources:
    """What settings give whose models are trained by pipelines."""
    return plan.planned("access", "pipelines")


def after(resources: Resources, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Key and attributes of the resources of a type; the key is what it is made for each of, if anything."""
    return ((str(one.get("index", "")), one["change"]["after"]) for one in resources if plan.kind(one) == kind)


def granted(resources: Resources, kind: str, role: str, member: str) -> set[str]:
    """For which keys a role is granted to a member."""
    return {key for key, one in after(resources, kind) if (one.get("role"), one.get("member")) == (role, member)}


def function_account(name: str) -> str:
    return f"serviceAccount:fn-{name.replace('_', '-')}@{DOMAIN}"


def test_pubsub_publishes_to_every_dead_letter_topic(deployed: Resources) -> None:
    wanted = {topic["name"] for _, topic in after(deployed, "pubsub_topic") if topic["name"].endswith("-dead-letter")}
    assert wanted
    publishes = granted(deployed, "pubsub_topic_iam_member", "roles/pubsub.publisher", PUBSUB)
    assert {f"{topic}-dead-letter" for topic in publishes} == wanted


def test_pubsub_subscribes_to_every_source_of_dead_letters(deployed: Resources) -> None:
    sources = {one["name"] for _, one in after(deployed, "pubsub_subscription") if one["dead_letter_policy"]}
    assert len(sources) > 10
    assert granted(deployed, "pubsub_subscription_iam_member", "roles/pubsub.subscriber", PUBSUB) == sources


def test_pubsub_writes_the_tables_of_its_subscriptions_and_no_other(deployed: Resources) -> None:
    tables = {
        one["bigquery_config"][0]["table"].removeprefix("example-project.")
        for _, one in after(deployed, "pubsub_subscription")
        if one["bigquery_config"]
    }
    written = {
        f"{one['dataset_id']}.{one['table_id']}"
        for _, one in after(deployed, "bigquery_table_iam_member")
        if (one["role"], one["member"]) == ("roles/bigquery.dataEditor", PUBSUB)
    }
    assert written == tables == {one["table"] for one in DEPLOYMENT["tables"].values()}


def test_pubsub_makes_the_tokens_of_the_push_account(deployed: Resources) -> None:
    [one] = [
        one
        for _, one in after(deployed, "service_account_iam_member")
        if one["role"] != "roles/iam.serviceAccountUser"  # that is how retrain acts as the account of a pipeline
    ]
    assert (one["role"], one["member"]) == ("roles/iam.serviceAccountOpenIdTokenCreator", PUBSUB)


def test_the_push_account_calls_the_service_of_every_function_with_triggers(deployed: Resources) -> None:
    called = {
        one["name"]
        for _, one in after(deployed, "cloud_run_v2_service_iam_member")
        if (one["role"], one["member"]) == ("roles/run.invoker", PUSH)
    }
    assert called == {name.replace("_", "-") for name, one in DEPLOYMENT["functions"].items() if one["triggers"]}
    pushed = [one for _, one in after(deployed, "pubsub_subscription") if one["push_config"]]
    tokens = {one["push_config"][0]["oidc_token"][0]["service_account_email"] for one in pushed}
    assert tokens == {PUSH.partition(":")[2]}


def test_monitoring_publishes_to_alerts_and_calls_the_page(deployed: Resources) -> None:
    assert granted(deployed, "pubsub_topic_iam_member", "roles/pubsub.publisher", MONITORING) == {""}
    calls = [
        one["name"] for _, one in after(deployed, "cloud_run_v2_service_iam_member") if one["member"] == MONITORING
    ]
    assert calls == ["api"]


def test_the_writer_of_every_log_sink_publishes_to_its_topic() -> None:
    text = "\n".join(path.read_text() for path in sorted(plan.TERRAFORM.glob("*.tf")))
    sinks = set(re.findall(r'resource "google_logging_project_sink" "(\w+)"', text))
    writers = set(re.findall(r"member\s+= google_logging_project_sink\.(\w+)\.writer_identity", text))
    assert sinks == writers == {"pipeline_runs", "audit_events", "audit_history"}


def test_each_sink_writes_to_its_topic_or_dataset(deployed: Resources) -> None:
    sinks = {sink["name"]: sink for _, sink in after(deployed, "logging_project_sink")}
    assert set(sinks) == {"pipeline-runs", "audit-events", "audit-history"}
    assert all(sink["unique_writer_identity"] for sink in sinks.values())
    # The writer is known once the sink is there: the grants without a member yet.
    unnamed = [one for _, one in after(deployed, "pubsub_topic_iam_member") if not one.get("member")]
    assert {one["topic"] for one in unnamed} == {"pipeline-runs", "audit-events"}
    assert {one["role"] for one in unnamed} == {"roles/pubsub.publisher"}
    unnamed = [one for _, one in after(deployed, "bigquery_dataset_iam_member") if not one.get("member")]
    assert [(one["dataset_id"], one["role"]) for one in unnamed] == [("audit", "roles/bigquery.dataEditor")]


def test_what_runs_pipelines_may_use_vertex_ai_and_act_as_their_account(acting: Resources) -> None:
    roles = {one["role_id"]: set(one["permissions"]) for _, one in after(acting, "project_iam_custom_role")}
    assert "aiplatform.pipelineJobs.create" in roles["aiaActions2"]
    acts_as = granted(
        acting, "service_account_iam_member", "roles/iam.serviceAccountUser", function_account("action_runner")
    )
    assert f"pipelines@{DOMAIN}" in acts_as


def holders(resources: Resources, role: str) -> set[str]:
    """Who has a role of the project's own."""
    grants = (one for _, one in after(resources, "project_iam_member"))
    return {one["member"] for one in grants if str(one.get("role")).endswith(f"/roles/{role}")}


def test_probes_of_endpoints_and_clusters_of_the_project_may_ask_them(acting: Resources, deployed: Resources) -> None:
    roles = {one["role_id"]: set(one["permissions"]) for _, one in after(acting, "project_iam_custom_role")}
    assert roles["aiaProbes2"] == {"aiplatform.endpoints.predict", "container.clusters.connect"}
    assert holders(acting, "aiaProbes2") == {function_account("health_check")}
    assert "aiaProbes" not in {one["role_id"] for _, one in after(deployed, "project_iam_custom_role")}


def test_the_security_scan_reads_policies_and_keys(deployed: Resources) -> None:
    assert holders(deployed, "aiaSecurityScan") == {function_account("maintenance")}
    enabled = {one["service"] for _, one in after(deployed, "project_service")}
    assert {"cloudresourcemanager.googleapis.com", "iam.googleapis.com"} <= enabled


def test_the_check_of_the_configuration_lists_what_is_deployed_and_reads_no_value(deployed: Resources) -> None:
    assert holders(deployed, "aiaConfiguration") == {function_account("maintenance")}
    roles = {one["role_id"]: set(one["permissions"]) for _, one in after(deployed, "project_iam_custom_role")}
    assert all(permission.endswith(".list") for permission in roles["aiaConfiguration"])
    [record] = [
        one
        for _, one in after(deployed, "storage_bucket_iam_member")
        if one["member"] == function_account("maintenance")
    ]
    assert record["condition"][0]["expression"].endswith('/objects/deployment.json"')


def test_every_grant_on_the_project_and_every_policy_is_in_the_record_of_the_apply() -> None:
    text = "\n".join(path.read_text() for path in sorted(plan.TERRAFORM.rglob("*.tf")))
    for kind in ("google_project_iam_member", "google_monitoring_alert_policy"):
        made = set(re.findall(rf'resource "{kind}" "(\w+)"', text))
        assert made == set(re.findall(rf"[(\s]{kind}\.(\w+)[\[)]", text)), kind


def test_nobody_else_may_use_vertex_ai_or_act_as_an_account(acting: Resources) -> None:
    users = {
        one["member"]
        for _, one in after(acting, "service_account_iam_member")
        if one.get("role") == "roles/iam.serviceAccountUser"
    }
    assert users == {function_account("action_runner")}
    on_project = {str(one.get("role")) for _, one in after(acting, "project_iam_member")}
    assert not {role for role in on_project if role.startswith("roles/aiplatform")}


def test_the_retraining_function_may_use_vertex_ai_and_act_as_the_pipelines_account(training: Resources) -> None:
    roles = {one["role_id"]: set(one["permissions"]) for _, one in after(training, "project_iam_custom_role")}
    assert roles["aiaRetraining"] == {f"aiplatform.pipelineJobs.{verb}" for verb in ("create", "get", "list")}
    retrain = function_account("retrain")
    assert holders(training, "aiaRetraining") == {retrain}
    acts_as = granted(training, "service_account_iam_member", "roles/iam.serviceAccountUser", retrain)
    assert acts_as == {f"trainer@{DOMAIN}", "returns@shop-project.iam.gserviceaccount.com"}


def test_nobody_else_may_start_trainings_or_act_as_their_account(training: Resources) -> None:
    users = {
        one["member"]
        for _, one in after(training, "service_account_iam_member")
        if one.get("role") == "roles/iam.serviceAccountUser"
    }
    assert users == {function_account("retrain")}
    creators = [
        one["role_id"]
        for _, one in after(training, "project_iam_custom_role")
        if "aiplatform.pipelineJobs.create" in one["permissions"]
    ]
    assert creators == ["aiaRetraining"]
    on_project = {str(one.get("role")) for _, one in after(training, "project_iam_member")}
    assert not {role for role in on_project if role.startswith("roles/aiplatform")}


def templates(resources: Resources) -> list[dict[str, Any]]:
    """The repositories of templates."""
    return [one for _, one in after(resources, "artifact_registry_repository") if one["format"] == "KFP"]


def test_a_packaged_pipeline_reads_what_it_trains_on_and_writes_its_results(training: Resources) -> None:
    trainer = f"serviceAccount:trainer@{DOMAIN}"
    tables = {
        role: {
            f"{one['dataset_id']}.{one['table_id']}"
            for _, one in after(training, "bigquery_table_iam_member")
            if (one["member"], one["role"]) == (trainer, f"roles/bigquery.{role}")
        }
        for role in ("dataViewer", "dataEditor")
    }
    assert tables == {
        "dataViewer": {"telemetry.flight_predictions", "telemetry.flight_labels", "ops.retraining_requests"},
        "dataEditor": {"ops.model_versions", "ops.model_aliases", "ops.training_results"},
    }
    on_project = {one["role"] for _, one in after(training, "project_iam_member") if one["member"] == trainer}
    assert on_project == {"roles/bigquery.jobUser", "projects/example-project/roles/aiaRegistry"}
    [repository] = templates(training)
    assert (repository["location"], repository["repository_id"], repository["format"]) == (
        "europe-west1",
        "pipelines",
        "KFP",
    )


def test_a_pipeline_of_somebody_else_is_granted_no_table(training: Resources) -> None:
    members = {one["member"] for _, one in after(training, "bigquery_table_iam_member")}
    assert "serviceAccount:returns@shop-project.iam.gserviceaccount.com" not in members


def test_where_nothing_trains_nobody_may_start_trainings(with_secrets: Resources) -> None:
    assert "aiaRetraining" not in {one["role_id"] for _, one in after(with_secrets, "project_iam_custom_role")}
    assert templates(with_secrets) == []


def test_each_secret_is_readable_by_the_functions_that_need_it_and_no_other(with_secrets: Resources) -> None:
    read: dict[str, set[str]] = {}
    listed = set[str]()
    for _, one in after(with_secrets, "secret_manager_secret_iam_member"):
        if one["role"].endswith("/roles/aiaSecretVersions"):
            assert one["member"] == function_account("maintenance")
            listed.add(one["secret_id"])
            continue
        assert one["role"] == "roles/secretmanager.secretAccessor"
        read.setdefault(one["secret_id"], set()).add(one["member"])
    people = {function_account("incident_router"), function_account("incident_sweep")}
    assert read == {
        "pagerduty-key": people,
        "other-pagerduty-key": people,
        "slack-webhook-url": people,
        "teams-webhook-url": people,
        "other-teams-webhook-url": people,
        "smtp-password": people | {function_account("bi_rollup")},  # a report is sent by mail
        "partner-token": {function_account("health_check")},
        "aia-redis-password": {function_account("action_runner")},
        "slack-signing-secret": {function_account("command_intake")},
        "pagerduty-webhook-secret": {function_account("command_intake")},
        "mail-links-secret": people | {function_account("command_intake")},
        "mlflow-token": {function_account("pipeline_monitor"), function_account("promotion")},
        "mlflow-webhook-secret": {function_account("command_intake")},
    }
    assert listed == set(read)


def test_the_build_account_can_build_and_no_more(deployed: Resources) -> None:
    kinds = {plan.kind(one) for one in deployed if plan.kind(one).endswith("_iam_member")}
    roles = {(kind, one["role"]) for kind in kinds for _, one in after(deployed, kind) if one.get("member") == BUILDER}
    assert roles == {
        ("artifact_registry_repository_iam_member", "roles/artifactregistry.writer"),
        ("project_iam_member", "roles/logging.logWriter"),
        ("project_iam_member", "roles/storage.objectViewer"),
        ("storage_bucket_iam_member", "roles/storage.objectViewer"),
    }
    kinds = ("cloudfunctions2_function", "cloud_run_v2_service")
    assert sum(len(list(after(deployed, kind))) for kind in kinds) == len(DEPLOYMENT["functions"])
