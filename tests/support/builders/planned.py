"""The resources of a plan of Terraform, by kind, function and right."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from infra import plan, stage

ROOT = stage.ROOT
DEPLOYMENT = stage.deployment()
FUNCTIONS = list(DEPLOYMENT["functions"])
INTERVAL_OF = {
    rule["alert"]: group["interval"]
    for path in sorted((ROOT / "infra" / "alerts").glob("*.yaml"))
    for group in yaml.load(path.read_text(), Loader=yaml.CSafeLoader)["groups"]
    for rule in group["rules"]
}
"""The rules, each with the interval of its group."""
RULES = list(INTERVAL_OF)
SET_BY = {
    "artifact_registry_repository_iam_member": "roles/artifactregistry.admin",
    "bigquery_dataset_iam_member": "roles/bigquery.admin",
    "bigquery_table_iam_member": "roles/bigquery.admin",
    "billing_budget": "roles/billing.costsManager",
    "cloud_run_v2_service_iam_member": "roles/run.admin",
    "kms_crypto_key_iam_member": "roles/cloudkms.admin",
    "logging_project_sink": "roles/logging.configWriter",
    "project_iam_custom_role": "roles/iam.roleAdmin",
    "project_iam_member": "roles/resourcemanager.projectIamAdmin",
    "pubsub_subscription_iam_member": "roles/pubsub.admin",
    "pubsub_topic_iam_member": "roles/pubsub.admin",
    "secret_manager_secret_iam_member": "roles/secretmanager.admin",
    "service_account_iam_member": "roles/iam.serviceAccountAdmin",
    "storage_bucket_iam_member": "roles/storage.admin",
}
"""What makes each resource that an editor may not make: who grants, and what is outside the project or its settings."""
GUIDE = ROOT / "docs" / "deploy.md"
ON_THE_PROJECT = {
    "projects/example-project/roles/aiaConfiguration",
    "projects/example-project/roles/aiaLive",
    "projects/example-project/roles/aiaPipelineRuns",
    "projects/example-project/roles/aiaRetraining",
    "projects/example-project/roles/aiaSecurityScan",
    "roles/bigquery.jobUser",
    "roles/datastore.user",
    "roles/datastore.viewer",
    "roles/logging.logWriter",
    "roles/monitoring.metricWriter",
    "roles/monitoring.viewer",
    "roles/storage.objectViewer",
}
"""What can be granted on nothing smaller than a project."""
Resources = list[plan.Resource]
SERVICES = ("cloudfunctions2_function", "cloud_run_v2_service")


def of(resources: Resources, *kinds: str) -> Iterator[dict[str, Any]]:
    """The attributes of the resources of some types."""
    return (one["change"]["after"] for one in resources if plan.kind(one) in kinds)


def environments(resources: Resources) -> dict[str, dict[str, str]]:
    return {name: service.environment for name, service in services(resources).items()}


class Service(NamedTuple):
    """What is deployed of a function, whichever kind of service it is."""

    account: str
    environment: dict[str, str]
    secrets: dict[str, str]


def services(resources: Resources) -> dict[str, Service]:
    """The services of the functions by name, with the secrets by their variables."""
    return {one["name"].replace("-", "_"): _service(one) for one in of(resources, *SERVICES)}


def _service(one: dict[str, Any]) -> Service:
    if "template" not in one:
        config = one["service_config"][0]
        secrets = {secret["key"]: secret["secret"] for secret in config["secret_environment_variables"]}
        return Service(config["service_account_email"], config["environment_variables"], secrets)
    [template] = one["template"]
    variables = template["containers"][0]["env"]
    return Service(
        template["service_account"],
        {each["name"]: each["value"] for each in variables if not each["value_source"]},
        {
            each["name"]: each["value_source"][0]["secret_key_ref"][0]["secret"]
            for each in variables
            if each["value_source"]
        },
    )


def granted(resources: Resources, function: str) -> Iterator[dict[str, Any]]:
    """The grants to a function's account."""
    account = f"serviceAccount:fn-{function.replace('_', '-')}@example-project.iam.gserviceaccount.com"
    kinds = {plan.kind(one) for one in resources if plan.kind(one).endswith("_iam_member")}
    return (one for one in of(resources, *kinds) if one.get("member") == account)


def text(folder: Path) -> str:
    """The sources of a folder."""
    return "\n".join(path.read_text() for path in sorted(folder.rglob("*")) if path.suffix in {".py", ".sql"})
