"""What the check of the configuration reads, over the wire: the record of an apply and Google's APIs, as their references document them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from core.errors import QueryError, UnavailableError
from core.maintenance.alert_policies import policy_differences
from core.maintenance.dashboards import dashboard_differences
from core.maintenance.deployed_functions import function_differences
from core.maintenance.secrets import old_secrets, unusable_secrets
from core.security.grants import grant_differences
from core.security.inventory import Binding, IamPolicy
from functions.adapters.deployed_functions import digest
from functions.adapters.deployment import Deployment
from infra import stage
from tests.support.servers.deployment_rest import RECORD, Deployed, copied, deployed
from tests.support.servers.google_rest import PROJECT

AT = datetime(2026, 6, 8, 4, tzinfo=UTC)
BOARDS = {path.stem: json.loads(path.read_text()) for path in (stage.ROOT / "dashboards").glob("*.json")}
CHANNEL = "projects/shop/notificationChannels/7"
QUERY = {"query": "aia_drift_rows == 0", "duration": "600s", "evaluationInterval": "60s"}
BURN = {
    "filter": 'select_slo_burn_rate("projects/1/services/api/serviceLevelObjectives/availability", "3600s")',
    "comparison": "COMPARISON_GT",
    "thresholdValue": 14.4,
    "duration": "0s",
    "aggregations": [{"alignmentPeriod": "3600s", "perSeriesAligner": "ALIGN_DELTA"}],
}
POLICIES: list[dict[str, Any]] = [
    {
        "name": "projects/shop/alertPolicies/11",
        "displayName": "models/Drift",
        "enabled": True,
        "severity": "WARNING",
        "combiner": "OR",
        "userLabels": {"system": "aia", "severity": "warning"},
        "notificationChannels": [CHANNEL],
        "conditions": [{"displayName": "Drift", "conditionPrometheusQueryLanguage": QUERY}],
    },
    {
        "name": "projects/shop/alertPolicies/12",
        "displayName": "slo/api/fast",
        "enabled": True,
        "severity": "CRITICAL",
        "combiner": "AND",
        "userLabels": {"system": "aia"},
        "notificationChannels": [CHANNEL],
        "conditions": [{"displayName": "Burns", "conditionThreshold": BURN}],
    },
]
OTHERS: dict[str, Any] = {
    "name": "projects/shop/alertPolicies/90",
    "displayName": "of another team",
    "conditions": [{"displayName": "silent", "conditionAbsent": {"filter": 'metric.type="x"', "duration": "60s"}}],
}
OTLP: dict[str, Any] = {
    "name": "projects/shop/locations/europe-west1/functions/otlp",
    "state": "ACTIVE",
    "buildConfig": {"source": {"storageSource": {"bucket": "shop-aia-sources", "object": "otlp-4567.zip"}}},
    "serviceConfig": {
        "environmentVariables": {"AIA_LOCATION": "europe-west1", "LOG_EXECUTION_ID": "true"},
        "secretEnvironmentVariables": [
            {"key": "AIA_OTLP_TOKEN", "projectId": "shop", "secret": "aia-otlp-token", "version": "latest"}
        ],
    },
}
API: dict[str, Any] = {
    "name": "projects/shop/locations/europe-west1/services/api",
    "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED"},
    "buildConfig": {"sourceLocation": "gs://shop-aia-sources/api-0123.zip", "functionTarget": "main"},
    "template": {
        "containers": [
            {
                "image": "europe-west1-docker.pkg.dev/shop/aia/api-0123",
                "env": [
                    {"name": "AIA_LOCATION", "value": "europe-west1"},
                    {"name": "AIA_EMPTY", "value": ""},
                    {"name": "KEY", "valueSource": {"secretKeyRef": {"secret": "api-key", "version": "latest"}}},
                ],
            }
        ]
    },
}
OF_A_FUNCTION: dict[str, Any] = {
    "name": "projects/shop/locations/europe-west1/services/otlp",
    "labels": {"goog-managed-by": "cloudfunctions"},
    "terminalCondition": {"type": "Ready", "state": "CONDITION_SUCCEEDED"},
    "template": {"containers": [{"env": [{"name": "FUNCTION_TARGET", "value": "main"}]}]},
}
MADE: dict[str, Any] = {
    "settings": "0" * 64,
    "accounts": ["serviceAccount:fn-api@shop.iam.gserviceaccount.com"],
    "grants": [
        {
            "member": "serviceAccount:fn-api@shop.iam.gserviceaccount.com",
            "role": "roles/datastore.viewer",
            "condition": "x",
        }
    ],
    "secrets": ["aia-otlp-token"],
    "functions": [
        {
            "name": "api",
            "archive": "api-0123.zip",
            "environment": {"AIA_LOCATION": digest("europe-west1"), "AIA_EMPTY": digest("")},
            "secrets": {"KEY": "api-key:latest"},
        },
        {
            "name": "otlp",
            "archive": "otlp-4567.zip",
            "environment": {"AIA_LOCATION": digest("europe-west1")},
            "secrets": {"AIA_OTLP_TOKEN": "aia-otlp-token:latest"},
        },
    ],
    "policies": POLICIES,
    "dashboards": [
        {"id": f"projects/123456789012/dashboards/{number}", "content": board}
        for number, board in enumerate(BOARDS.values())
    ],
}


def version(number: int, state: str, age: timedelta) -> dict[str, str]:
    name = f"projects/123456789012/secrets/aia-otlp-token/versions/{number}"
    return {"name": name, "state": state, "createTime": (AT - age).isoformat().replace("+00:00", ".123456Z")}


@pytest.fixture
def google() -> Iterator[Deployed]:
    """A deployment in which nothing has changed since the last apply."""
    with deployed() as running:
        running.record = copied(MADE)
        running.policies = copied({"of": [OTHERS, *POLICIES]})["of"]
        names = (f"projects/123456789012/dashboards/{number}" for number in range(len(BOARDS)))
        running.dashboards = [
            copied(board) | {"name": name} for board, name in zip(BOARDS.values(), names, strict=True)
        ]
        running.functions = [copied(OTLP)]
        running.services = [copied(OF_A_FUNCTION), copied(API)]
        running.versions = {"aia-otlp-token": [version(1, "ENABLED", timedelta(days=30))]}
        yield running


def there(google: Deployed) -> Deployment:
    urls = dict.fromkeys(
        ("Cloud Storage", "Cloud Monitoring", "Cloud Functions", "Cloud Run", "Secret Manager"), google.url
    )
    return Deployment(PROJECT, "europe-west1", RECORD, requests.Session, urls=urls, patience=1.0)


def differences(google: Deployed) -> list[str]:
    read = there(google)
    record = read.record()
    versions = {secret: read.versions(secret) for secret in record.secrets}
    return [
        *policy_differences(record.policies, read.policies()),
        *dashboard_differences(record.dashboards, read.dashboards()),
        *function_differences(record.functions, read.functions()),
        *old_secrets(versions, AT, timedelta(days=365)),
        *unusable_secrets(versions),
    ]


def test_nothing_differs_after_an_apply_though_google_writes_what_it_was_given_in_its_own_way(google: Deployed) -> None:
    assert differences(google) == []
    assert sum("/dashboards" in path for path in google.asked) == 3, "two of a page"


def _policy(google: Deployed) -> None:
    condition = google.policies[1]["conditions"][0]["conditionPrometheusQueryLanguage"]
    condition["query"], condition["duration"] = "aia_drift_rows == 1", "0s"
    google.policies[1] |= {"enabled": False, "notificationChannels": []}
    google.policies[2]["conditions"][0]["conditionThreshold"]["thresholdValue"] = 100
    google.policies.append(POLICIES[0] | {"name": "projects/shop/alertPolicies/99", "displayName": "copy"})


def _tile(google: Deployed) -> None:
    google.dashboards[0]["mosaicLayout"]["tiles"][0]["widget"]["title"] = "mine"
    google.dashboards[1]["mosaicLayout"]["tiles"].pop()
    del google.dashboards[2]


def _function(google: Deployed) -> None:
    google.functions[0]["buildConfig"]["source"]["storageSource"]["object"] = "otlp/function-source.zip"
    service = google.functions[0]["serviceConfig"]
    service["environmentVariables"] |= {"AIA_LOCATION": "us-east1", "DEBUG": "1"}
    service["secretEnvironmentVariables"] = []


def _service(google: Deployed) -> None:
    google.services[1]["terminalCondition"]["state"] = "CONDITION_FAILED"
    google.services[1]["buildConfig"]["sourceLocation"] = "gs://run-sources-shop-europe-west1/services/api/9.zip#17"
    variables = google.services[1]["template"]["containers"][0]["env"]
    variables[0]["value"] = "us-east1"
    variables[1:] = [{"name": "DEBUG", "value": "1"}, {"name": "KEY", "value": "in the clear"}]


def _no_service(google: Deployed) -> None:
    google.services.pop()


def _secret(google: Deployed) -> None:
    days = timedelta(days=1)
    google.versions["aia-otlp-token"] = [version(10, "DISABLED", days), version(9, "ENABLED", 400 * days)]


CHANGED: dict[Callable[[Deployed], None], list[str]] = {
    _policy: [
        (
            "models/Drift: is disabled; does not notify 1 of its channels; expression of a condition must be 'aia_drift_rows == 0', got "
            "'aia_drift_rows == 1'; duration of a condition must be 600.0, got 0.0"
        ),
        "slo/api/fast: threshold of a condition must be 14.4, got 100.0",
        "copy (99): has our label, and nobody deployed it",
    ],
    _function: [
        (
            "otlp: archive must be otlp-4567.zip, got otlp/function-source.zip; variable AIA_LOCATION differs; variable DEBUG is not "
            "deployed; secret AIA_OTLP_TOKEN is missing"
        )
    ],
    _service: [
        (
            "api: state must be ACTIVE, got CONDITION_FAILED; archive must be api-0123.zip, got services/api/9.zip; variable AIA_EMPTY is "
            "missing; variable AIA_LOCATION differs; variable DEBUG is not deployed; variable KEY is not deployed; secret KEY is missing"
        )
    ],
    _no_service: ["api: is missing"],
    _secret: ["aia-otlp-token has version 10 as its newest, which is DISABLED"],
}


@pytest.mark.parametrize("change", CHANGED)
def test_what_was_changed_by_hand_is_named_and_no_value_of_an_environment(
    google: Deployed, change: Callable[[Deployed], None]
) -> None:
    change(google)
    assert differences(google) == CHANGED[change]


def test_tiles_that_were_changed_and_dashboards_that_are_gone_are_named(google: Deployed) -> None:
    titles = [board["displayName"] for board in BOARDS.values()]
    first = BOARDS[next(iter(BOARDS))]["mosaicLayout"]["tiles"][0]["widget"]["title"]
    _tile(google)
    said = differences(google)
    assert sorted(said)[: len(said)] == said
    assert f"{titles[0]}: mosaicLayout.tiles[0].widget.title must be {first!r}, got 'mine'" in said
    assert f"{titles[2]}: is missing" in said
    assert len(said) == 3


def test_a_grant_whose_condition_was_taken_away_is_another_one_and_those_of_others_are_theirs(google: Deployed) -> None:
    record = there(google).record()
    [granted] = record.grants
    bindings = [Binding(role=granted.role, members=(granted.member, "user:ada@b.c"), condition="x")]
    assert grant_differences(record.grants, IamPolicy(bindings=tuple(bindings)), record.accounts) == []
    bindings[0] = replace(bindings[0], condition="")
    assert grant_differences(record.grants, IamPolicy(bindings=tuple(bindings)), record.accounts) == [
        f"is not deployed: {granted.member} {granted.role}",
        f"is missing: {granted.member} {granted.role} where x",
    ]


READS: dict[str, Callable[[Deployment], object]] = {
    "storage.objects.get": Deployment.record,
    "monitoring.alertPolicies.list": Deployment.policies,
    "monitoring.dashboards.list": Deployment.dashboards,
    "cloudfunctions.functions.list": Deployment.functions,
    "run.services.list": Deployment.functions,
    "secretmanager.versions.list": lambda read: read.versions("aia-otlp-token"),
}


@pytest.mark.parametrize("permission", READS)
def test_a_missing_permission_is_named(google: Deployed, permission: str) -> None:
    google.permissions.remove(permission)
    with pytest.raises(QueryError, match=f"403: Permission '{permission}' denied"):
        READS[permission](there(google))


@pytest.mark.parametrize("permission", READS)
@pytest.mark.parametrize(
    "broken",
    [
        (500, b""),
        (429, b'{"error": {"message": "Quota exceeded"}}'),
        (200, b"<html>"),
        (
            200,
            b'{"alertPolicies": [{}], "dashboards": 7, "services": [{}], "functions": [{}], "versions": [{"name": "x"}]}',
        ),
        (200, b"[" * 100_000),
    ],
)
def test_nonsense_is_no_answer(google: Deployed, permission: str, broken: tuple[int, bytes]) -> None:
    google.broken = broken
    with pytest.raises(UnavailableError):
        READS[permission](there(google))


def test_an_answer_that_does_not_come_is_none(google: Deployed) -> None:
    google.delay = 1.5
    with pytest.raises(UnavailableError, match="Cloud Storage does not answer"):
        there(google).record()


def test_without_a_record_nothing_is_known_of_a_deployment(google: Deployed) -> None:
    google.record = None
    with pytest.raises(QueryError, match="refuses the record of the deployment: 404: No such object"):
        there(google).record()
