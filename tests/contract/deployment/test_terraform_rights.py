"""What each function may do, reads and is given, and what the guide asks of who applies it."""

import re

import pytest

from functions.adapters import config
from functions.alert_intake.mapped import SECTIONS
from infra import plan
from tests.support.builders.planned import (
    FUNCTIONS,
    GUIDE,
    ON_THE_PROJECT,
    ROOT,
    SET_BY,
    Resources,
    environments,
    granted,
    of,
    services,
    text,
)


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
