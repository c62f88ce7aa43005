"""The alert rules: Prometheus takes them, each is seen firing and silent, and each says what to do."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from croniter import croniter

from core.metrics import CATALOGUE
from infra import stage

absent = shutil.which("promtool") is None
promtool = pytest.mark.skipif(absent, reason="prometheus is absent: promtool is not on PATH")

ALERTS = stage.ROOT / "infra" / "alerts"
FILES = sorted(ALERTS.glob("*.yaml"))
TESTS = sorted((ALERTS / "tests").glob("*.yaml"))
RULES: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for path in FILES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
SEVERITIES = {"none", "info", "warning", "error", "critical"}
_OF_FUNCTION = re.compile(r'aia_heartbeat_timestamp_seconds\{function="(\w+)"\}')
_LIMIT = re.compile(r"> (\d+)$", re.MULTILINE)


def run(*arguments: str) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def expectations(alert: str) -> list[list[Any]]:
    """What is expected of an alert, each time it is looked at in the tests."""
    return [
        one["exp_alerts"]
        for path in TESTS
        for test in yaml.safe_load(path.read_text())["tests"]
        for one in test["alert_rule_test"]
        if one["alertname"] == alert
    ]


@promtool
@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_prometheus_takes_the_rules(path: Path) -> None:
    run("check", "rules", str(path))


@promtool
@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.name))
def test_the_rules_fire_and_are_silent_as_they_should(path: Path) -> None:
    run("test", "rules", str(path))


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_is_seen_firing_and_silent(alert: str) -> None:
    seen = {bool(expected) for expected in expectations(alert)}
    assert seen == ({True} if alert == "Watchdog" else {True, False})


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_says_how_bad_it_is_and_names_a_section_of_the_runbooks_that_is_there(alert: str) -> None:
    rule = RULES[alert]
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    path, anchor = rule["annotations"]["runbook_url"].split("#")
    headings = re.findall(r"^## (.+)$", (stage.ROOT / path).read_text(), re.MULTILINE)
    assert anchor in {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_looks_at_metrics_that_are_written(alert: str) -> None:
    assert set(re.findall(r"\baia_\w+", RULES[alert]["expr"])) <= CATALOGUE.keys()


@pytest.mark.parametrize("alert", RULES)
def test_an_alert_has_no_template_which_cloud_monitoring_would_show_as_it_stands(alert: str) -> None:
    assert "{{" not in str(RULES[alert]["annotations"])


def test_every_function_on_a_schedule_is_missed_when_it_is_silent_and_not_between_two_ticks() -> None:
    jobs = yaml.safe_load((stage.ROOT / "infra" / "monitoring.yaml").read_text())["jobs"]
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
