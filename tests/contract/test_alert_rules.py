"""The alert rules: Prometheus takes them, each is seen firing and silent, and each says what to do.

They are evaluated by Prometheus and by Cloud Monitoring alike. So they hold only the templates that both know: a label, and
the value in a description. Of the value Cloud Monitoring knows no format, and of a label's value no function.
"""

import functools
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from croniter import croniter

from core.events import Severity
from core.incidents.classify import classify
from core.metrics import CATALOGUE
from core.settings.people import Category
from infra import stage
from tests.support.intake import sent

absent = shutil.which("promtool") is None
promtool = pytest.mark.skipif(absent, reason="prometheus is absent: promtool is not on PATH")

ALERTS = stage.ROOT / "infra" / "alerts"
FILES = sorted(ALERTS.glob("*.yaml"))
TESTS = sorted((ALERTS / "tests").glob("*.yaml"))
GROUPS: list[tuple[Path, dict[str, Any]]] = [
    (path, group) for path in FILES for group in yaml.safe_load(path.read_text())["groups"]
]
NAMES = [(path, rule["alert"]) for path, group in GROUPS for rule in group["rules"]]
RULES: dict[str, dict[str, Any]] = {rule["alert"]: rule for _, group in GROUPS for rule in group["rules"]}
MONITORING = yaml.safe_load((stage.ROOT / "infra" / "monitoring.yaml").read_text())
SEVERITIES = {severity.value for severity in Severity}
STAKEHOLDERS = {"executive", "technical", "operations", "business"}
PLAYBOOKS = {"none", *(playbook["name"] for playbook in MONITORING["playbooks"])}
LABELS = {"severity", "category", "stakeholder", "playbook", "owner"}
SERVICES = (
    "http_server_request_duration_seconds",  # OpenTelemetry's http.server.request.duration
    "db_client_operation_duration_seconds",  # OpenTelemetry's db.client.operation.duration
)
"""What services write for themselves: the names that docs/runbooks/business.md, experience.md and agents.md ask for."""

_METRIC = re.compile(r"\b(?:[a-z]+_googleapis_com|kubernetes_io):\w+|\baia_\w+|\b\w+_seconds(?:_bucket|_count|_sum)\b")
_SELECTED = re.compile(r"\b(aia_\w+)(?:\{([^}]*)\})?")
_GROUPED = re.compile(r"\bby \(([^)]*)\)")
_DURATION = re.compile(r"(\d+)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LABEL = re.compile(r"\{\{ \$labels\.(\w+) \}\}")
_VALUE = re.compile(r'\{\{ \$value \| (?:humanize(?:Duration|Percentage)?|printf "%\.2f") \}\}')
_OF_FUNCTION = re.compile(r'aia_heartbeat_timestamp_seconds\{function="(\w+)"\}')
_LIMIT = re.compile(r"> (\d+)$", re.MULTILINE)

of_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
of_alert = pytest.mark.parametrize(
    "alert", [name for _, name in NAMES], ids=[f"{path.name}-{name}" for path, name in NAMES]
)
of_told = pytest.mark.parametrize(
    "alert",
    [name for _, name in NAMES if name != "Watchdog"],
    ids=[f"{path.name}-{name}" for path, name in NAMES if name != "Watchdog"],
)


def run(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@functools.cache
def _cases() -> list[dict[str, Any]]:
    return [test for path in TESTS for test in yaml.safe_load(path.read_text())["tests"]]


def expectations(alert: str) -> Iterator[list[dict[str, Any]]]:
    """What is expected of an alert, each time it is looked at in the tests."""
    for test in _cases():
        yield from (one["exp_alerts"] for one in test["alert_rule_test"] if one["alertname"] == alert)


def seconds(duration: str) -> int:
    assert re.fullmatch(r"(?:\d+[smhd])+", duration), f"must be a duration as in 5m, got {duration!r}"
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION.findall(duration))


def grouped(expr: str) -> set[str]:
    """The labels that the results of an expression may have, by what it sums up."""
    return {label.strip() for found in _GROUPED.findall(expr) for label in found.split(",")}


@promtool
@of_file
def test_prometheus_takes_the_rules(path: Path) -> None:
    run("check", "rules", str(path))


@promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.name))
def test_the_rules_fire_and_are_silent_as_they_should(path: Path) -> None:
    run("test", "rules", str(path))


@of_alert
def test_an_alert_is_seen_firing_and_silent(alert: str) -> None:
    seen = {bool(expected) for expected in expectations(alert)}
    assert seen == ({True} if alert == "Watchdog" else {True, False})


def test_no_two_alerts_have_one_name() -> None:
    assert [name for name, times in Counter(name for _, name in NAMES).items() if times > 1] == []


@of_alert
def test_a_name_is_in_camel_case(alert: str) -> None:
    assert re.fullmatch(r"(?:[A-Z][a-z0-9]+)+", alert)


@of_told
def test_an_alert_says_how_bad_it_is_of_what_kind_and_for_whom(alert: str) -> None:
    labels = RULES[alert]["labels"]
    assert labels.keys() >= LABELS
    assert labels.keys() - LABELS <= {"target", "function"}
    assert labels["severity"] in SEVERITIES
    assert labels["category"] in set(Category)
    assert labels["stakeholder"] in STAKEHOLDERS
    assert labels["playbook"] in PLAYBOOKS
    # Else they would be no user labels of a policy.
    assert all(re.fullmatch(r"[a-z0-9_-]{1,63}", labels[label]) for label in LABELS)


def test_the_watchdog_is_no_incident() -> None:
    assert RULES["Watchdog"]["labels"] == {"severity": "none"}


@of_alert
def test_an_alert_names_a_section_of_the_runbooks_that_is_there(alert: str) -> None:
    path, anchor = RULES[alert]["annotations"]["runbook_url"].split("#")
    headings = re.findall(r"^## (.+)$", (stage.ROOT / path).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@of_alert
def test_an_alert_has_a_summary_and_a_description_and_business_says_what_it_costs(alert: str) -> None:
    notes = RULES[alert]["annotations"]
    [path] = [path for path, name in NAMES if name == alert]
    impact = {"impact"} if path.name == "business.yaml" else set()
    assert notes.keys() == {"summary", "description", "runbook_url"} | impact
    assert all(note.strip() for note in notes.values())


@of_alert
def test_a_description_has_the_value_unless_what_is_missing_has_none(alert: str) -> None:
    rule = RULES[alert]
    valueless = alert == "Watchdog" or "absent_over_time" in rule["expr"]
    assert bool(_VALUE.search(rule["annotations"]["description"])) is not valueless


@of_alert
def test_an_alert_has_only_templates_that_cloud_monitoring_has_as_well(alert: str) -> None:
    rule = RULES[alert]
    described = _VALUE.sub("", rule["annotations"]["description"])
    others = [note for name, note in rule["annotations"].items() if name != "description"]
    for text in (described, *others, *rule["labels"].values()):
        assert set(_LABEL.findall(text)) <= grouped(rule["expr"]) | rule["labels"].keys()
        assert "{{" not in _LABEL.sub("", text)
        assert "${" not in text


@pytest.mark.parametrize(("path", "group"), GROUPS, ids=[f"{path.name}-{group['name']}" for path, group in GROUPS])
def test_times_are_as_cloud_monitoring_takes_them(path: Path, group: dict[str, Any]) -> None:
    assert group["name"].startswith(path.stem)
    assert seconds(group["interval"]) % 30 == 0
    for rule in group["rules"]:
        assert seconds(rule.get("for", "0s")) % 30 == 0, rule["alert"]


@of_alert
def test_an_alert_looks_at_metrics_that_are_written_and_by_labels_that_they_have(alert: str) -> None:
    expr = RULES[alert]["expr"]
    assert _METRIC.findall(expr) or alert == "Watchdog"
    for name, matchers in _SELECTED.findall(expr):
        assert name in CATALOGUE
        assert set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", matchers)) <= set(CATALOGUE[name].labels)
    ours = {name for name in _METRIC.findall(expr) if name.startswith("aia_")}
    for name in ours:
        assert grouped(expr) <= set(CATALOGUE[name].labels)


@of_alert
def test_a_metric_of_nobodys_is_one_that_the_runbooks_ask_services_for(alert: str) -> None:
    foreign = (
        name for name in _METRIC.findall(RULES[alert]["expr"]) if ":" not in name and not name.startswith("aia_")
    )
    assert {re.sub(r"_(?:bucket|count|sum)$", "", name) for name in foreign} <= set(SERVICES)


@of_alert
def test_only_a_heartbeat_is_missed_where_it_has_never_been(alert: str) -> None:
    missed = re.findall(r"\babsent(?:_over_time)?\((\w+)", RULES[alert]["expr"])
    assert set(missed) <= {"aia_heartbeat_timestamp_seconds"}


@promtool
def test_where_nothing_is_written_only_heartbeats_are_missed(tmp_path: Path) -> None:
    heartbeats = {alert for alert, rule in RULES.items() if "absent_over_time" in rule["expr"]}
    silent = [
        {"eval_time": "100m", "alertname": alert, "exp_alerts": []}
        for alert in RULES.keys() - heartbeats - {"Watchdog"}
    ]
    test = {"interval": "1m", "input_series": [], "alert_rule_test": silent}
    path = tmp_path / "nothing_test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(path) for path in FILES], "tests": [test]}))
    run("test", "rules", str(path))


@of_told
def test_the_intake_makes_of_an_alert_what_its_labels_say(alert: str) -> None:
    fired = [one for expected in expectations(alert) for one in expected]
    for one in fired:
        labels = {"alertname": alert, **one["exp_labels"]}
        posted = {"labels": labels, "annotations": one["exp_annotations"], "startsAt": "2026-11-23T11:00:00Z"}
        [finding] = sent([posted], "/api/v2/alerts")
        assert finding.severity == labels["severity"]
        assert finding.target == labels.get("target", finding.target)
        assert not finding.target.startswith(("alert/", "target/")), f"{alert}: no label names what it is about"
        assert finding.summary == one["exp_annotations"]["summary"]
        found = classify(finding.target, finding.kind, finding.source, finding.severity)
        assert found.category == labels["category"], f"{alert}: {found.reason}"


def test_every_model_with_a_floor_has_an_alert_with_that_floor() -> None:
    expr = RULES["AccuracyBelowFloor"]["expr"]
    told = re.findall(r'aia_model_accuracy_ratio\{model="([^"]+)"\}\[1h\]\)\) < ([\d.]+)', expr)
    floors = {model["name"]: model["accuracy_floor"] for model in MONITORING["models"] if "accuracy_floor" in model}
    assert {model: float(floor) for model, floor in told} == floors


def test_every_function_on_a_schedule_is_missed_when_it_is_silent_and_not_between_two_ticks() -> None:
    jobs = MONITORING["jobs"]
    deployed = stage.deployment()["functions"].items()
    ticked = {name for name, one in deployed if any(trigger["topic"] == "ticks" for trigger in one["triggers"])}
    limits = {
        function: int(_LIMIT.findall(rule["expr"])[0])
        for rule in RULES.values()
        for function in _OF_FUNCTION.findall(rule["expr"])
    }
    assert limits.keys() == ticked
    for job, cron in jobs.items():
        ticks = croniter(cron, datetime(2026, 1, 1, tzinfo=UTC), ret_type=datetime)
        first, second = ticks.get_next(), ticks.get_next()
        period = second - first
        assert limits[job] > period.total_seconds(), f"{job}: silent for {limits[job]} s, though due every {period}"
