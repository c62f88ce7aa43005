"""What checkov has against the deployment: nothing that has no written reason, and no reason for what it has nothing against."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra import plan, stage

CHECKOV = stage.ROOT / ".venv" / "checkov" / "bin" / "checkov"
ACCEPTED = plan.TERRAFORM / "checkov-accepted.yaml"
OWN_KEYS = {"CKV_GCP_80", "CKV_GCP_81", "CKV_GCP_83", "CKV_GCP_84"}
"""What it says where things are not encrypted with a key of one's own."""
ENCRYPTED = {"artifact_registry_repository", "bigquery_dataset", "bigquery_table", "pubsub_topic"}
"""The resources of which it says so."""
# What runs must not depend on what can be reached, nor tell anybody of it.
NO_NETWORK = {"HTTP_PROXY": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9", "PATH": "/usr/bin:/bin"}
# What `for_each` and `dynamic` make of the files Terraform itself has made in the plans, and they are looked at too.
AS_WRITTEN = {"CHECKOV_ENABLE_FOREACH_HANDLING": "false", "CHECKOV_ENABLE_MODULES_FOREACH_HANDLING": "false"}

pytestmark = [
    pytest.mark.skipif(not CHECKOV.exists(), reason="checkov is absent: `make test` installs it"),
    pytest.mark.timeout(300),
]


Resources = list[plan.Resource]
Found = dict[str, set[tuple[str, str]]]


def made(resource: str, **attributes: str) -> plan.Resource:
    """A resource as a plan has it."""
    return {
        "address": f"{resource}.bad",
        "type": resource,
        "name": "bad",
        "change": {"actions": ["create"], "before": None, "after": attributes},
    }


BAD = [
    made("google_project_iam_member", role="roles/owner", member="user:a@example.com", project="p"),
    made("google_storage_bucket_iam_member", role="roles/storage.objectViewer", member="allUsers", bucket="b"),
]


def scanned(folder: Path) -> dict[str, Any]:
    """What checkov says of the files and of the plans of a folder, by the kind of them; most of a scan is its start."""
    options = ("--skip-download", "--download-external-modules", "false", "--output", "json", "--compact")
    command = [str(CHECKOV), "--directory", str(folder), "--framework", "terraform", "terraform_plan", *options]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=NO_NETWORK | AS_WRITTEN)
    assert done.stdout, done.stderr
    said: dict[str, Any] = {one["check_type"]: one for one in json.loads(done.stdout)}
    for one in said.values():
        assert one["summary"]["parsing_errors"] == 0, one["results"]["parsing_errors"]
    return said


def as_plan(resources: Iterable[plan.Resource]) -> dict[str, Any]:
    """The resources as `terraform show -json` writes a plan."""
    own = [
        {"mode": "managed", "values": one["change"]["after"]} | {key: one[key] for key in ("address", "type", "name")}
        for one in resources
    ]
    return {
        "format_version": "1.2",
        "terraform_version": "1.7.0",
        "planned_values": {"root_module": {"resources": own}},
        "resource_changes": list(resources),
        "configuration": {"root_module": {}},
    }


PLANS = "plans"
"""The folder of the plans, beside the files."""


@pytest.fixture(scope="module")
def plans(deployed: Resources) -> dict[str, Resources]:
    """The plan that is looked at, and what is bad amid those resources of another plan that can have a key of one's own."""
    made_with_keys = plan.planned("access", "actions_people_and_own_keys")
    keyed = [one for one in made_with_keys if plan.kind(one) in ENCRYPTED]
    assert {plan.kind(one) for one in keyed} == ENCRYPTED
    return {"deployed": deployed, "own_keys": [*keyed, *BAD]}


@pytest.fixture(scope="module")
def said(plans: dict[str, Resources], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What checkov has against the files and the plans."""
    folder = tmp_path_factory.mktemp("scanned") / "terraform"
    shutil.copytree(plan.TERRAFORM, folder, ignore=shutil.ignore_patterns("samples", ".terraform*"))
    (folder / PLANS).mkdir()
    for name, resources in plans.items():
        (folder / PLANS / f"{name}.json").write_text(json.dumps(as_plan(resources)))
    return scanned(folder)


@pytest.fixture(scope="module")
def found(plans: dict[str, Resources], said: dict[str, Any]) -> Found:
    """Check and resource of what checkov has against each plan."""
    of_plans = said["terraform_plan"]
    assert of_plans["summary"]["resource_count"] == sum(map(len, plans.values()))
    files = {name: f"/{PLANS}/{name}.json" for name in plans}
    passed = Counter(one["file_path"] for one in of_plans["results"]["passed_checks"])
    assert all(passed[files[name]] > 50 for name in plans)
    return {
        name: {
            (one["check_id"], one["resource"])
            for one in of_plans["results"]["failed_checks"]
            if one["file_path"] == file
        }
        for name, file in files.items()
    }


def accepts(reason: dict[str, str], check: str, resource: str) -> bool:
    """Whether a reason is about a finding; `*` at its end stands for anything."""
    about = reason["resource"]
    there = resource.startswith(about[:-1]) if about.endswith("*") else resource == about
    return reason["check"] == check and there


def test_what_it_has_against_the_plan_has_a_written_reason_that_still_holds(found: Found) -> None:
    reasons: list[dict[str, str]] = yaml.load(ACCEPTED.read_text(), Loader=yaml.CSafeLoader)
    unexplained = sorted(one for one in found["deployed"] if not any(accepts(reason, *one) for reason in reasons))
    assert not unexplained, "mend it, or write a reason into infra/terraform/checkov-accepted.yaml"
    stale = [reason for reason in reasons if not any(accepts(reason, *one) for one in found["deployed"])]
    assert not stale, "take these out of infra/terraform/checkov-accepted.yaml"
    assert all(len(reason["why"]) > 40 for reason in reasons)


def test_with_a_key_of_ones_own_nothing_is_encrypted_otherwise(found: Found) -> None:
    views = "google_bigquery_table.view["  # which have no data
    assert not [one for one in found["own_keys"] if one[0] in OWN_KEYS and not one[1].startswith(views)]


def test_it_has_nothing_against_the_files_but_what_they_explain(said: dict[str, Any]) -> None:
    files = said["terraform"]
    assert not [f"{one['file_path']}: {one['check_id']} {one['resource']}" for one in files["results"]["failed_checks"]]
    assert files["summary"]["passed"] > 30
    assert all(len(one["check_result"]["suppress_comment"]) > 40 for one in files["results"]["skipped_checks"])


def test_it_would_say_so(found: Found) -> None:
    assert ("CKV_GCP_117", "google_project_iam_member.bad") in found["own_keys"]
    assert ("CKV_GCP_28", "google_storage_bucket_iam_member.bad") in found["own_keys"]
