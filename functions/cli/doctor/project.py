"""What the project has to have: APIs, rights, subscriptions with receivers; and the organisation's policies that stand in the way."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from core.maintenance.dead_letters import subscriptions
from functions.cli.doctor.findings import Finding, Verdict, missing
from functions.cli.doctor.google import Google

APIS: Final = (
    "aiplatform",
    "artifactregistry",
    "bigquery",
    "cloudbuild",
    "cloudfunctions",
    "cloudresourcemanager",
    "cloudscheduler",
    "firestore",
    "iam",
    "logging",
    "monitoring",
    "pubsub",
    "run",
    "secretmanager",
    "storage",
)
"""Those that Terraform enables for any settings (`infra/terraform/services.tf`), without `.googleapis.com`."""
POLICIES: Final = {
    "iam.allowedPolicyMemberDomains": "allUsers is refused, so that no intake can be public: ask for an exception, or leave it behind IAM",
    "gcp.resourceLocations": "the region of the deployment must be among the allowed locations",
    "run.allowedIngress": "alert_intake_public, api_ingress and command_intake need an ingress that it allows",
    "cloudfunctions.allowedIngressSettings": "as run.allowedIngress",
}
"""Constraints that refuse parts of a deployment, each with what to do."""
_DELETED: Final = "_deleted-topic_"


def apis(google: Google) -> Iterator[Finding]:
    """APIs that are not enabled."""
    path = f"v1/projects/{google.project}/services"
    enabled = google.pages("serviceusage", path, "services", filter="state:ENABLED", pageSize="200")
    names = {str(one.get("config", {}).get("name", "")).partition(".")[0] for one in enabled}
    yield from missing("API", APIS, names, advice="terraform apply, or gcloud services enable NAME.googleapis.com")


def policies(google: Google) -> Iterator[Finding]:
    """Policies of the organisation that restrict what a deployment uses."""
    for name, advice in POLICIES.items():
        body = {"constraint": f"constraints/{name}"}
        found = google.call("POST", "cloudresourcemanager", f"v1/projects/{google.project}:getEffectiveOrgPolicy", body)
        rule = found.get("listPolicy", {})
        values = [*rule.get("allowedValues", []), *(f"not {one}" for one in rule.get("deniedValues", []))]
        restricts = bool(values) or rule.get("allValues") == "DENY"
        detail = f"restricts to {', '.join(values) or 'nothing'}: {advice}" if restricts else "does not restrict"
        yield Finding(
            check="organisation policy",
            subject=name,
            verdict=Verdict.BAD if restricts else Verdict.GOOD,
            detail=detail,
        )


def grants(google: Google, deployment: Mapping[str, Any]) -> Iterator[Finding]:
    """Accounts of functions that have no role in the project: they could not even write metrics."""
    found = google.call("POST", "cloudresourcemanager", f"v1/projects/{google.project}:getIamPolicy", {})
    members = {member for binding in found.get("bindings", []) for member in binding.get("members", [])}
    domain = f"{google.project}.iam.gserviceaccount.com"
    wanted = {f"serviceAccount:fn-{name.replace('_', '-')}@{domain}" for name in deployment["functions"]}
    yield from missing("grant", wanted, members, advice="it has no role in the project: terraform apply")


def receivers(google: Google, deployment: Mapping[str, Any]) -> Iterator[Finding]:
    """Subscriptions that are absent, or from which nobody receives."""
    found = {
        str(one.get("name", "")).rpartition("/")[2]: one
        for one in google.pages(
            "pubsub", f"v1/projects/{google.project}/subscriptions", "subscriptions", pageSize="1000"
        )
    }
    pushed = {name for name, _, _ in subscriptions(deployment)}
    wanted = pushed | set(deployment["tables"])
    yield from missing("subscription", wanted, found, advice="messages of its topic are lost: terraform apply")
    for name in sorted(wanted & set(found)):
        if fault := _fault(found[name], pushed=name in pushed):
            yield Finding(check="subscription", subject=name, verdict=Verdict.BAD, detail=fault)


def _fault(subscription: Mapping[str, Any], *, pushed: bool) -> str:
    """Why nothing arrives by a subscription; empty where it does."""
    if subscription.get("topic") == _DELETED:
        return "its topic was deleted: terraform apply"
    if pushed and not subscription.get("pushConfig", {}).get("pushEndpoint"):
        return "it has no receiver: terraform apply"
    table = subscription.get("bigqueryConfig", {})
    states = {subscription.get("state", "ACTIVE"), table.get("state", "ACTIVE")} - {"ACTIVE"}
    if states:
        return f"{', '.join(sorted(states))}: its table or a grant is absent, or a column is (columns before code)"
    return "" if pushed or table.get("table") else "it writes no table: terraform apply"
