"""What the API takes, and what is made before what."""

import json
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from google.cloud.monitoring_v3 import AlertPolicy

from core.promql import duration, evaluation_interval
from infra import plan
from infra.costs.facts import facts
from tests.support.builders.planned import INTERVAL_OF, RULES, Resources, of


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


def test_the_bill_has_every_condition_of_the_policies(deployed: Resources) -> None:
    assert sum(len(one["conditions"]) for one in of(deployed, "monitoring_alert_policy")) == facts().conditions


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
