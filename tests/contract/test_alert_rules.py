"""The alert rules: each is seen firing and silent, and they are about what is deployed. `make lint` checks each by itself.

They are evaluated by Prometheus and by Cloud Monitoring alike. So they hold only the templates that both know: a label, and
the value in a description. Of the value Cloud Monitoring knows no format, and of a label's value no function.
"""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from croniter import croniter

from core.incidents.policy import classify
from infra import stage
from infra.lint.alert_files import WATCHDOG, Rule
from infra.lint.foreign_metrics import FOREIGN, PAGES
from tests.support.builders.deployed_files import ALERTS as FILES
from tests.support.checks import promtool
from tests.support.fakes.intake import sent

MONITORING = yaml.load((stage.ROOT / "infra" / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)
_OF_FUNCTION = re.compile(r'aia_heartbeat_timestamp_seconds\{function="(\w+)"\}')
_LIMIT = re.compile(r"> (\d+)$", re.MULTILINE)

of_told = pytest.mark.parametrize("rule", FILES.told, ids=lambda rule: f"{rule.file}-{rule.name}")


def test_all_rules_were_read() -> None:
    assert len(FILES.rules) == sum(path.read_text().count("- alert:") for path in FILES.files) > 60
    assert {rule.file for rule in FILES.rules} == {path.name for path in FILES.files}


@promtool.needed
@pytest.mark.parametrize("path", FILES.tests, ids=lambda path: str(path.name))
def test_the_rules_fire_and_are_silent_as_they_should(path: Path) -> None:
    assert promtool.failing([path]) == []


@promtool.needed
def test_where_nothing_is_written_only_heartbeats_are_missed(tmp_path: Path) -> None:
    silent = [rule for rule in FILES.told if "absent_over_time" not in rule.expr]
    expected = [{"eval_time": "100m", "alertname": rule.name, "exp_alerts": []} for rule in silent]
    test = {"interval": "1m", "input_series": [], "alert_rule_test": expected}
    path = tmp_path / "nothing_test.yaml"
    rules = {"rule_files": [str(path) for path in FILES.files], "evaluation_interval": "5m"}
    path.write_text(yaml.safe_dump({**rules, "tests": [test]}))
    assert promtool.failing([path]) == []


@of_told
def test_the_intake_makes_of_an_alert_what_its_labels_say(rule: Rule) -> None:
    for one in FILES.fired(rule.name):
        labels = {"alertname": rule.name, **one["exp_labels"]}
        posted = {"labels": labels, "annotations": one["exp_annotations"], "startsAt": "2026-11-23T11:00:00Z"}
        [finding] = sent([posted], "/api/v2/alerts")
        assert finding.severity == labels["severity"]
        assert finding.target == labels.get("target", finding.target)
        assert not finding.target.startswith(("alert/", "target/")), rule.fault("no label names what it is about")
        assert finding.summary == one["exp_annotations"]["summary"]
        found = classify(finding.target, finding.kind, finding.source, finding.severity)
        assert found.category == labels["category"], rule.fault(found.reason)


def test_no_rule_names_a_model_since_the_settings_do() -> None:
    named = [rule.fault("names a model") for rule in FILES.rules if re.search(r'model\s*=~?\s*"', rule.expr)]
    assert named == []


def test_every_function_on_a_schedule_is_missed_when_it_is_silent_and_not_between_two_ticks() -> None:
    deployed = stage.deployment()["functions"]
    ticked = {name for name, one in deployed.items() if any(trigger["topic"] == "ticks" for trigger in one["triggers"])}
    limits = {
        function: int(_LIMIT.findall(rule.expr)[0])
        for rule in FILES.rules
        for function in _OF_FUNCTION.findall(rule.expr)
    }
    assert ticked <= limits.keys(), f"system.yaml: nobody misses {sorted(ticked - limits.keys())}"
    idle = limits.keys() & deployed.keys() - ticked
    assert not idle, f"system.yaml: {sorted(idle)} have no schedule, and are missed"
    for job, cron in MONITORING["jobs"].items():
        ticks = croniter(cron, datetime(2026, 1, 1, tzinfo=UTC), ret_type=datetime)
        first, second = ticks.get_next(), ticks.get_next()
        period = second - first
        assert limits[job] > period.total_seconds(), f"{job}: silent for {limits[job]} s, though due every {period}"


def test_what_is_about_the_way_to_people_is_told_past_it_as_well() -> None:
    """The way is alert_intake, incident_router, incident_sweep, the channels, and what these need: queues and stores."""
    direct = {rule.name for rule in FILES.rules if rule.labels.get("path") == "direct"}
    about = {
        rule.name for rule in FILES.rules if re.search(r'"(alert-intake"|incident-router|incident_sweep)', rule.expr)
    }
    assert about == {"AlertIntakeSilent", "IncidentRouterSilent", "IncidentSweepSilent"}
    whole = {
        "CriticalNotificationsLate",
        "CriticalUnacknowledged",
        "DeadLettersWaiting",
        "FunctionFailing",
        "NotifyFailures",
        "StoreFailures",
    }
    assert direct == about | whole


def test_each_metric_of_google_has_the_page_that_lists_it() -> None:
    """A policy takes a name that is misspelt, and never fires: names are checked against the list, and that against pages."""
    google = {name.partition(":")[0] + ":" for name in FOREIGN if ":" in name}
    assert google == set(PAGES)


def test_the_watchdog_fires_always() -> None:
    assert FILES.rule(WATCHDOG).expr == "vector(1)"
