"""The deployment: Terraform takes it against the provider's schema, and what it would create is what the code needs."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.cloud.monitoring_v3 import AlertPolicy

from core.maintenance.dead_letters import subscriptions
from core.promql import duration, evaluation_interval
from functions.adapters import config
from functions.alert_intake.mapped import SECTIONS
from infra import plan, stage
from infra.local.pubsub.topology import DEAD_LETTER_RETENTION_SECONDS

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


def checked(folder: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Terraform's own checks of a folder: formatted, valid, and some of its tests."""
    chosen = [f"-filter=tests/{name}" for name in tests]
    with tempfile.TemporaryDirectory() as data:
        plan.install(folder, Path(data))
        for command in (("fmt", "-check", "-diff", "-recursive"), ("validate",), ("test", *chosen)):
            done = plan.terraform(*command, folder=folder, data=Path(data))
            if done.returncode:
                break
    return done


@pytest.mark.timeout(900)  # a dozen plans
def test_terraform_takes_it_and_its_tests_pass(deployed: Resources, with_secrets: Resources) -> None:
    assert deployed
    assert with_secrets
    run = {"plan.tftest.hcl", "access.tftest.hcl"}  # by the two, which would not be there had a test of them failed
    others = {path.name for path in (plan.TERRAFORM / "tests").glob("*.tftest.hcl")} - run
    done = checked(plan.TERRAFORM, sorted(others))
    assert done.returncode == 0, done.stdout + done.stderr


BROKEN: dict[str, tuple[tuple[str, str, str], ...]] = {
    "an unknown attribute, a value outside its enumeration, an unknown resource and no required block": (
        ("topics.tf", "ack_deadline_seconds ", "acknowledge_deadline "),
        ("store.tf", '"FIRESTORE_NATIVE"', '"FIRESTORE"'),
        ("budget.tf", "google_billing_budget", "google_billing_budgets"),
        ("modules/function/subscriptions.tf", "push_endpoint = ", "# push_endpoint = "),
    ),
    # Each by itself: Terraform looks at no resource whose others are broken, and at no value amid unknown attributes.
    "an unknown attribute of an alert policy": (("alerts.tf", "evaluation_interval ", "evaluated_every "),),
    "a value outside an enumeration of an alert policy": (
        ("alerts.tf", 'combiner              = "OR"', 'combiner = "EITHER"'),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused_by_its_file(name: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "infra", tmp_path / "infra", ignore=shutil.ignore_patterns("tests", "local"))
    folder = tmp_path / "infra" / "terraform"
    for file, sound, broken in BROKEN[name]:
        before = (folder / file).read_text()
        assert sound in before
        (folder / file).write_text(before.replace(sound, broken))
    plan.install(folder, tmp_path / "data")
    done = plan.terraform("validate", "-json", folder=folder, data=tmp_path / "data")
    assert done.returncode == 1
    errors = [one for one in json.loads(done.stdout)["diagnostics"] if one["severity"] == "error"]
    refused = sorted(one["range"]["filename"] for one in errors)
    assert refused == sorted(file for file, _, _ in BROKEN[name]), errors


def test_its_subscriptions_are_those_of_the_local_stack(deployed: Resources) -> None:
    retry = DEPLOYMENT["retry"]
    pushed = {one["name"]: one for one in of(deployed, "pubsub_subscription") if one["push_config"]}
    wanted = {name: trigger for name, _, trigger in subscriptions(DEPLOYMENT)}
    assert set(pushed) == set(wanted)
    for name, trigger in wanted.items():
        one = pushed[name]
        assert (one["filter"] or "") == trigger.get("filter", "")
        assert one["ack_deadline_seconds"] == trigger["ack_deadline_seconds"]
        assert one["message_retention_duration"] == f"{trigger.get('retention_seconds', 604800)}s"
        assert one["retry_policy"] == [
            {
                "minimum_backoff": f"{retry['minimum_backoff_seconds']}s",
                "maximum_backoff": f"{retry['maximum_backoff_seconds']}s",
            }
        ]
        assert one["dead_letter_policy"][0]["max_delivery_attempts"] == retry["max_delivery_attempts"]
    kept = {one["name"]: one for one in of(deployed, "pubsub_subscription") if one["name"].endswith("-dead-letter")}
    assert {one["message_retention_duration"] for one in kept.values()} == {f"{DEAD_LETTER_RETENTION_SECONDS}s"}


def test_the_tables_that_are_written_without_a_function_are_those_of_the_local_stack(deployed: Resources) -> None:
    written = {
        one["name"]: (
            one["filter"] or "",
            one["bigquery_config"][0]["table"],
            one["bigquery_config"][0]["use_table_schema"],
        )
        for one in of(deployed, "pubsub_subscription")
        if one["bigquery_config"]
    }
    assert written == {
        name: (one.get("filter", ""), f"example-project.{one['table']}", True)
        for name, one in DEPLOYMENT["tables"].items()
    }


def test_it_finds_the_archives_as_they_are_packaged(tmp_path: Path) -> None:
    [pattern] = re.findall(
        r'fileset\(local.packages, "\$\{name\}(.*)"\)', (plan.TERRAFORM / "deployment.tf").read_text()
    )
    assert stage.archive("api", tmp_path) in tmp_path.glob(f"api{pattern}")


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_as_its_own_account(deployed: Resources, function: str) -> None:
    account = services(deployed)[function].account
    accounts = [one["account_id"] for one in of(deployed, "service_account")]
    assert account == f"fn-{function.replace('_', '-')}@example-project.iam.gserviceaccount.com"
    assert accounts.count(account.partition("@")[0]) == 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_use_the_tables_that_it_names(deployed: Resources, function: str) -> None:
    own = text(ROOT / "functions" / function)
    named = set(re.findall(r"\b(?:FROM|INTO|JOIN|MERGE)\s+((?:marts|ops)\.[a-z_]+)", own))
    named |= {"ops.models"} if "ports.models" in own else set()
    tables = {f"{one['dataset_id']}.{one['table_id']}" for one in granted(deployed, function) if "table_id" in one}
    assert named <= tables
    written = set(re.findall(r"\b(?:MERGE|INSERT INTO)\s+((?:marts|ops)\.[a-z_]+)", own))
    written |= set(
        re.findall(
            r'"(ops\.(?:[a-z_]+_raw|profile_cells|window_distributions|experiment_looks|recommendation_decisions))"',
            own,
        )
    )
    written |= {"ops.models"} if "models.put(" in own else set()
    written |= {"ops.maintenance_runs"} if "append(RUNS" in own else set()
    written |= {"ops.model_aliases"} if "set_aliases" in own else set()
    edited = {
        f"{one['dataset_id']}.{one['table_id']}"
        for one in granted(deployed, function)
        if one["role"] == "roles/bigquery.dataEditor" and "table_id" in one
    }
    assert written <= edited <= written | {"ops.dead_letters"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_has_the_environment_that_it_asks_for(deployed: Resources, function: str) -> None:
    own = text(ROOT / "functions" / function)
    asked = set(re.findall(r'os\.environ\["(\w+)"\]', own + text(ROOT / "functions" / "runtime")))
    if not re.search(r"ports\.(store|ledger)\b", own):  # a port is opened when it is asked for
        asked.remove("AIA_STORE")
    # alert_intake asks for the account only where it has an audience, which is where it is public
    assert asked - {"AIA_PUSH_ACCOUNT"} <= set(environments(deployed)[function])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_can_read_its_settings(deployed: Resources, function: str) -> None:
    only = SECTIONS if function == "alert_intake" else None
    settings = config.load(ROOT / "infra" / "monitoring.yaml", environments(deployed)[function], only=only)
    assert [probe.name for probe in settings.probes][:1] == ([] if only else ["api"])


@pytest.mark.parametrize("function", [name for name in FUNCTIONS if name != "alert_intake"])
def test_settings_with_secrets_are_sound_for_those_who_have_them_and_for_those_who_have_not(
    with_secrets: Resources, function: str
) -> None:
    values = {
        "PAGERDUTY_KEY": "a" * 32,
        "OTHER_PAGERDUTY_KEY": "b" * 32,
        "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
        "TEAMS_WEBHOOK_URL": "https://prod-01.westeurope.logic.azure.com/workflows/1/triggers/manual/paths/invoke?sig=x",
        "OTHER_TEAMS_WEBHOOK_URL": "https://prod-01.westeurope.logic.azure.com/workflows/2/triggers/manual/paths/invoke?sig=y",
        "SMTP_PASSWORD": "correct horse",
        "PARTNER_TOKEN": "battery",
        "SLACK_SIGNING_SECRET": "c" * 32,
        "PAGERDUTY_WEBHOOK_SECRET": "d" * 32,
        "MLFLOW_TOKEN": "e" * 32,
        "MLFLOW_WEBHOOK_SECRET": "f" * 32,
        "MAIL_LINKS_SECRET": "e" * 32,
    }
    kept = set(services(with_secrets)[function].secrets)
    environ = environments(with_secrets)[function]
    assert not kept & set(environ)
    config.load(
        plan.TERRAFORM / "tests" / "samples" / "settings.yaml",
        environ | {name: value for name, value in values.items() if name in kept},
    )


def test_a_secret_is_read_by_those_who_have_it_and_by_nobody_else(with_secrets: Resources) -> None:
    had = {(secret, one.account) for one in services(with_secrets).values() for secret in one.secrets.values()}
    read = {
        (one["secret_id"], one["member"].removeprefix("serviceAccount:"))
        for one in of(with_secrets, "secret_manager_secret_iam_member")
        if not one["role"].endswith("/roles/aiaSecretVersions")  # which lists, and reads no value
    }
    assert had == read
    # six of channels by two functions, one of them by a third one, which sends reports; one of a probe, one of the caches, three of answers, one of them by two more, two of MLflow
    assert len(read) == 23
    assert not list(of(with_secrets, "secret_manager_secret_version"))


def test_every_grant_is_to_one_account_and_as_small_as_it_can_be(deployed: Resources) -> None:
    kinds = {plan.kind(one) for one in deployed if "_iam_" in plan.kind(one)}
    kinds -= {"project_iam_custom_role", "project_iam_audit_config"}  # what a role may do, and what is logged
    assert all(kind.endswith("_iam_member") for kind in kinds), "bindings and policies would take away what others have"
    grants = list(of(deployed, *kinds))
    assert len(grants) > 50
    assert not [one for one in grants if one.get("member") in {"allUsers", "allAuthenticatedUsers"}]
    assert not {one["role"] for one in grants} & {"roles/owner", "roles/editor", "roles/viewer"}
    assert {one["role"] for one in of(deployed, "project_iam_member")} <= ON_THE_PROJECT
    for one in of(deployed, "project_iam_member"):
        limited = one["role"] in {"roles/storage.objectViewer", "roles/datastore.user", "roles/datastore.viewer"}
        assert bool(one["condition"]) == limited


def test_the_guide_names_the_roles_that_it_takes_to_apply() -> None:
    files = "\n".join(path.read_text() for path in plan.TERRAFORM.rglob("*.tf"))
    made = set(re.findall(r'resource "google_(\w+)"', files))
    assert {kind for kind in made if kind.endswith("_iam_member")} <= SET_BY.keys() <= made
    guide = GUIDE.read_text()
    assert not {role for role in SET_BY.values() if f"`{role}`" not in guide}


def test_the_guide_names_the_roles_whose_names_are_kept_after_a_destroy() -> None:
    files = "\n".join(path.read_text() for path in plan.TERRAFORM.glob("*.tf"))
    names = re.findall(r'role_id\s+= "(\w+)\$\{var\.role_suffix\}"', files)
    assert len(names) == files.count('resource "google_project_iam_custom_role"') == 13
    section = GUIDE.read_text().partition("## Take it down")[2].partition("\n## ")[0]
    assert not {name for name in (*names, "role_suffix") if f"`{name}" not in section}


def test_calls_are_counted_against_the_project() -> None:
    """The API of budgets refuses a person's credentials otherwise; no plan shows how the provider is set."""
    [provider] = re.findall(r'provider "google" \{\n(.*?)\n\}', (plan.TERRAFORM / "versions.tf").read_text(), re.DOTALL)
    settings = dict(re.findall(r"^\s*(\w+)\s*= (.+)$", provider, re.MULTILINE))
    assert settings["user_project_override"] == "true"
    assert settings["billing_project"] == settings["project"] == "var.project"
    assert "user_project_override" in GUIDE.read_text()


def test_roles_of_our_own_read_or_start_trainings_and_no_more(deployed: Resources) -> None:
    roles = {role["role_id"]: set(role["permissions"]) for role in of(deployed, "project_iam_custom_role")}
    assert roles == {
        "aiaConfiguration": {
            "cloudfunctions.functions.list",
            "monitoring.alertPolicies.list",
            "monitoring.dashboards.list",
            "run.services.list",
        },
        "aiaLive": {f"pubsub.subscriptions.{verb}" for verb in ("consume", "create", "delete", "get")},
        "aiaPipelineRuns": {"aiplatform.pipelineJobs.get"},
        "aiaRetraining": {f"aiplatform.pipelineJobs.{verb}" for verb in ("create", "get", "list")},
        "aiaSecurityScan": {
            "iam.serviceAccountKeys.list",
            "iam.serviceAccounts.list",
            "resourcemanager.projects.getIamPolicy",
        },
    }
    for function, role in (
        ("api", "aiaLive"),
        ("pipeline_monitor", "aiaPipelineRuns"),
        ("retrain", "aiaRetraining"),
        ("maintenance", "aiaConfiguration"),
        ("maintenance", "aiaSecurityScan"),
    ):
        [grant] = [one for one in granted(deployed, function) if one["role"].endswith(f"/{role}")]
        assert grant["project"] == "example-project"


def test_pubsub_may_do_what_it_does_for_every_subscription(deployed: Resources) -> None:
    agent = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
    delivering = {one["name"] for one in of(deployed, "pubsub_subscription") if one["dead_letter_policy"]}
    consumed = {
        one["index"]
        for one in deployed
        if plan.kind(one) == "pubsub_subscription_iam_member" and one["change"]["after"]["member"] == agent
    }
    assert consumed == delivering
    kept = {one["name"] for one in of(deployed, "pubsub_subscription") if not one["dead_letter_policy"]}
    topics = {one["name"] for one in of(deployed, "pubsub_topic")}
    assert kept == {name for name in topics if name.endswith("-dead-letter")}


def test_pubsub_calls_every_function_with_triggers_and_no_other(deployed: Resources) -> None:
    called = {
        one["name"]
        for one in of(deployed, "cloud_run_v2_service_iam_member")
        if one["member"] == "serviceAccount:aia-push@example-project.iam.gserviceaccount.com"
    }
    assert called == {name.replace("_", "-") for name, one in DEPLOYMENT["functions"].items() if one["triggers"]}


def test_what_is_asked_for_by_its_value_is_indexed(deployed: Resources) -> None:
    sources = "\n".join(text(ROOT / "functions" / name) for name in (*FUNCTIONS, "adapters", "services"))
    asked = {name for group in re.findall(r"where=\{([^}]*)\}", sources) for name in re.findall(r'"(\w+)":', group)}
    asked |= set(re.findall(r"_copies\(service, (\w+)=", sources))
    indexed = {
        one["field"].removeprefix("data.")
        for one in of(deployed, "firestore_field")
        if one["index_config"][0]["indexes"]
    }
    together = {
        tuple(field["field_path"].removeprefix("data.") for field in one["fields"])
        for one in of(deployed, "firestore_index")
    }
    assert together == {("severity", "due_at")}
    assert {"open", "over_on", "waiting"} <= asked
    assert asked == indexed | {"severity"}


def test_no_collection_indexes_whole_documents(deployed: Resources) -> None:
    sources = text(ROOT / "functions")
    names = "COLLECTION|GROUPS|INCIDENTS|SILENCES|ACTIONS|CLAIMS|LOSSES|USUAL|TEXTS|ANSWERS"
    names = "COLLECTION|GROUPS|INCIDENTS|SILENCES|ACTIONS|CLAIMS|ANSWERS|LOSSES|USUAL|TEXTS"
    named = set(re.findall(rf'^(?:{names})(?:: Final)? = "(\w+)"', sources, re.MULTILINE))
    named |= set(re.findall(r'"(security_\w+)"', sources))
    named |= set(re.findall(r'store\.(?:get|find|create)\("(\w+)"', sources))
    exempt = {
        one["collection"]
        for one in of(deployed, "firestore_field")
        if one["field"] == "data" and not one["index_config"][0]["indexes"]
    }
    assert {"incident_groups", "ledger", "probes", "conditions"} <= named
    assert named == exempt


def as_json(value: Any) -> Any:
    """A block as the API has it: without what is not set, and one block of its kind by itself."""
    single = (
        "alert_strategy",
        "documentation",
        "condition_prometheus_query_language",
        "condition_threshold",
        "trigger",
    )
    if isinstance(value, dict):
        kept = {name: one for name, one in value.items() if one not in (None, [], {}) and name != "timeouts"}
        return {name: as_json(one[0] if name in single else one) for name, one in kept.items()}
    return [as_json(one) for one in value if one is not None] if isinstance(value, list) else value


def test_the_api_takes_every_policy(deployed: Resources) -> None:
    policies = [AlertPolicy.from_json(json.dumps(as_json(one))) for one in of(deployed, "monitoring_alert_policy")]
    rules = {one.conditions[0].condition_prometheus_query_language.alert_rule: one for one in policies}
    assert set(rules) - {""} == set(RULES)
    for name in RULES:
        condition = rules[name].conditions[0].condition_prometheus_query_language
        assert condition.query
        assert condition.duration.total_seconds() % 30 == 0
        wanted = duration(INTERVAL_OF[name])
        assert condition.evaluation_interval == evaluation_interval(condition.query, wanted), name
        assert condition.evaluation_interval.total_seconds() % 30 == 0
        assert "{{" not in rules[name].documentation.subject + rules[name].documentation.content, name


@pytest.fixture(scope="module")
def needs() -> dict[str, set[str]]:
    """What each resource waits for, as Terraform reads the files; modules and resources by their addresses."""
    with tempfile.TemporaryDirectory() as data:
        plan.install(plan.TERRAFORM, Path(data))
        done = plan.terraform("graph", data=Path(data))
    found: dict[str, set[str]] = {}
    for what, waits_for in re.findall(r'"(\S+)" -> "(\S+)";', done.stdout):
        found.setdefault(what, set()).add(waits_for)
    return found


def before(what: str, needs: dict[str, set[str]]) -> set[str]:
    """Everything that is there when a resource is made."""
    known, todo = set[str](), [what]
    while todo:
        new = needs.get(todo.pop(), set()) - known
        known |= new
        todo += new
    return known


@pytest.mark.parametrize("policy", ["rule", "burn", "uptime"])
def test_what_alerts_pass_and_look_at_is_there_before_a_policy(needs: dict[str, set[str]], policy: str) -> None:
    there = before(f"google_monitoring_alert_policy.{policy}", needs)
    assert "google_pubsub_topic_iam_member.alerts" in there
    assert "module.function.google_pubsub_subscription.push" in there
    assert policy != "rule" or "google_cloud_scheduler_job.this" in there


@pytest.mark.parametrize(
    "writer", ["google_pubsub_subscription.table", "module.function.google_cloudfunctions2_function.this"]
)
def test_columns_are_there_before_what_writes_them(needs: dict[str, set[str]], writer: str) -> None:
    assert "google_bigquery_table.this" in before(writer, needs)


NEEDS_NO_API = {
    "data.google_monitoring_notification_channel.direct": "reads a channel that was made before",
    "data.google_project.this": "the two APIs that docs/deploy.md enables by hand",
    "google_project_service.this": "enables them",
    "terraform_data.checked": "checks values and calls nothing",
}


def test_everything_waits_until_its_api_is_enabled(needs: dict[str, set[str]]) -> None:
    everything = set(needs) | {one for waited in needs.values() for one in waited}
    assert len(everything) > 80
    early = {one for one in everything if "google_project_service.this" not in before(one, needs)}
    assert early == set(NEEDS_NO_API)


APIS = {"resourcemanager": "cloudresourcemanager"}
"""The API of permissions that do not begin with its name."""


def test_the_apis_that_roles_of_our_own_name_are_enabled(deployed: Resources, with_secrets: Resources) -> None:
    for resources in (deployed, with_secrets):
        enabled = {one["service"].partition(".")[0] for one in of(resources, "project_service")}
        roles = [one["permissions"] for one in of(resources, "project_iam_custom_role")]
        assert roles
        named = {name.partition(".")[0] for names in roles for name in names}
        assert {APIS.get(name, name) for name in named} <= enabled


def test_the_example_of_the_variables_is_planned_as_it_is(tmp_path: Path) -> None:
    folder = "-test-directory=tests/example"
    plan.install(plan.TERRAFORM, tmp_path, folder)
    done = plan.terraform("test", "-no-color", folder, "-var-file=terraform.tfvars.example", data=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'run "example"... pass' in done.stdout


def test_a_function_ends_with_its_timeout(deployed: Resources) -> None:
    for one in of(deployed, "cloudfunctions2_function"):
        service = one["service_config"][0]
        found = service["environment_variables"]
        assert found["THREADS"] == str(service["max_instance_request_concurrency"]), one["name"]
        assert found["CLOUD_RUN_TIMEOUT_SECONDS"] == str(service["timeout_seconds"])
        assert found["THREADED_TIMEOUT_ENABLED"] == "true"
    told = {
        name: seconds
        for one in of(deployed, "cloudfunctions2_function")
        for name, seconds in json.loads(one["service_config"][0]["environment_variables"]["AIA_ACK_DEADLINES"]).items()
    }
    pushed = (one for one in of(deployed, "pubsub_subscription") if one.get("push_config"))
    assert told == {one["name"]: one["ack_deadline_seconds"] for one in pushed}


def test_an_asgi_application_is_a_service_that_keeps_connections_for_an_hour(deployed: Resources) -> None:
    [one] = of(deployed, "cloud_run_v2_service")
    [template], [build] = one["template"], one["build_config"]
    [container] = template["containers"]
    assert (one["name"], one["ingress"], template["timeout"]) == ("api", "INGRESS_TRAFFIC_ALL", "3600s")
    [archive] = (each for each in of(deployed, "storage_bucket_object") if each["name"].startswith("api-"))
    assert build["source_location"].endswith(f"/{archive['name']}")
    assert container["image"] == build["image_uri"]
    assert build["image_uri"].rpartition("/")[2] == archive["name"].removesuffix(".zip")
    assert [*container["command"], *container["args"]] == ["/cnb/lifecycle/launcher", "python", "main.py"]


def test_the_api_takes_every_dashboard_as_it_is_sent(deployed: Resources) -> None:
    sent = [one["dashboard_json"] for one in of(deployed, "monitoring_dashboard")]
    taken = {Dashboard.from_json(text, ignore_unknown_fields=False).display_name for text in sent}
    files = sorted((ROOT / "dashboards").glob("*.json"))
    assert taken == {json.loads(path.read_text())["displayName"] for path in files}
    assert len(sent) == len(files) == 5
    assert not [text for text in sent if "](docs/" in text], "a link that leads nowhere"
    assert all("(docs/runbooks/" in text for text in sent)


def test_the_report_of_the_plan_names_what_there_is(deployed: Resources) -> None:
    said = plan.report(deployed)
    for name in FUNCTIONS:
        assert f"    {name.replace('_', '-')}: " in said
    for line in (
        "Dashboards (5)\n",
        "AIA: executive",
        "    roles/pubsub.publisher on action-decisions-dead-letter, ",
        "    roles/iam.serviceAccountOpenIdTokenCreator on aia-push@example-project.iam.gserviceaccount.com\n",
        "  Cloud Monitoring itself (service-123456789012@gcp-sa-monitoring-notification.iam.gserviceaccount.com)\n",
        '    health-check: calls its function, attributes.job = "health_check"\n',
    ):
        assert line in said
    assert f"\n{len(deployed)} resources: " in said
    assert max(map(len, said.splitlines())) < 320  # only filters are that long


def test_a_plan_of_a_run_that_is_not_there_is_refused() -> None:
    with pytest.raises(plan.PlanError, match=r"tests/plan.tftest.hcl: must have a run 'nothing' that plans"):
        plan.planned("plan", "nothing")
