"""The deployment: Terraform takes it against the provider's schema, and what it would create is what the code needs."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest
from google.cloud.monitoring_dashboard_v1 import Dashboard

from core.maintenance.dead_letters import subscriptions
from infra import plan, stage
from infra.local.pubsub.topology import DEAD_LETTER_RETENTION_SECONDS
from tests.support.builders.planned import DEPLOYMENT, FUNCTIONS, ROOT, Resources, of, text


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
