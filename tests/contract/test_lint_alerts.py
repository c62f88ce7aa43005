"""What is broken in an alert rule, its tests or its runbook is told, with the name of the file and of the rule."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra import stage
from infra.lint import alert_files
from infra.lint.__main__ import alert_faults
from infra.lint.fault import Fault
from infra.lint.promtool import refused
from tests.support.checks import promtool

RULES, TESTS, RUNBOOKS = "infra/alerts", "infra/alerts/tests", "docs/runbooks"


@dataclass(frozen=True)
class Break:
    """A change that must be told.

    Attributes:
        file: what is changed.
        sound: a text in it.
        broken: what stands in its place afterwards.
        told: how the fault begins.
        every: whether all such texts are replaced, or the first.
    """

    file: str
    sound: str
    broken: str
    told: str
    every: bool = False


READ: dict[str, Break] = {
    "a file that is no YAML": Break(
        f"{RULES}/models.yaml", "    rules:", "  rules", "models.yaml: must be YAML with groups"
    ),
    "a test that is no YAML": Break(
        f"{TESTS}/models_test.yaml", "tests:", "cases:", "models_test.yaml: must be YAML with tests"
    ),
    "a name": Break(
        f"{RULES}/models.yaml",
        "alert: ModelDriftHigh",
        "alert: model_drift_high",
        "models.yaml: model_drift_high: must be a CamelCase name",
    ),
    "a name that two have": Break(
        f"{RULES}/models.yaml",
        "alert: ModelDriftElevated",
        "alert: ModelDriftHigh",
        "models.yaml: ModelDriftHigh: must be named once",
    ),
    "a severity": Break(
        f"{RULES}/serving.yaml",
        "severity: critical",
        "severity: catastrophic",
        "serving.yaml: ErrorBudgetGoneInTwoDays: severity must be one of critical, error, info, warning, got 'catastrophic'",
    ),
    "a category": Break(
        f"{RULES}/security.yaml",
        "category: compliance",
        "category: complaints",
        "security.yaml: PolicyViolated: category must be one of",
    ),
    "a stakeholder": Break(
        f"{RULES}/automation.yaml",
        "stakeholder: operations",
        "stakeholder: ops",
        "automation.yaml: AutomationTaskFailed: stakeholder must be one of",
    ),
    "a playbook": Break(
        f"{RULES}/models.yaml",
        "playbook: retrain-on-drift",
        "playbook: retrain",
        "models.yaml: ModelDriftHigh: playbook must be one of",
    ),
    "a path": Break(
        f"{RULES}/system.yaml",
        "owner: ml-platform, path: direct",
        "owner: ml-platform, path: around",
        "system.yaml: IncidentSweepSilent: path must be one of direct, got 'around'",
    ),
    "an owner that is missing": Break(
        f"{RULES}/agents.yaml", ", owner: agents", "", "agents.yaml: AgentLatencyHigh: must have the label owner"
    ),
    "a label of a rule": Break(
        f"{RULES}/agents.yaml",
        "stakeholder: technical",
        "stakeholders: technical",
        "agents.yaml: AgentLatencyHigh: has the unknown label stakeholders",
    ),
    "a summary that is missing": Break(
        f"{RULES}/pipelines.yaml",
        "          summary: ",
        "          title: ",
        "pipelines.yaml: PipelineJobFailed: must have the annotation summary",
    ),
    "a summary that is empty": Break(
        f"{RULES}/system.yaml",
        "summary: Alerting works",
        'summary: " "',
        "system.yaml: Watchdog: summary must not be empty",
    ),
    "what it costs": Break(
        f"{RULES}/business.yaml",
        "          impact: The value itself, in dollars per hour.\n",
        "",
        "business.yaml: RevenueAtRiskHigh: must have the annotation impact",
    ),
    "a description without its value": Break(
        f"{RULES}/agents.yaml",
        " (now {{ $value | humanizeDuration }})",
        "",
        "agents.yaml: AgentLatencyHigh: description must have the value",
    ),
    "a runbook's section": Break(
        f"{RUNBOOKS}/agents.md",
        "## task latency",
        "## latency of tasks",
        "agents.yaml: AgentLatencyHigh: docs/runbooks/agents.md has no section 'task-latency'",
    ),
    "a link to a runbook": Break(
        f"{RULES}/agents.yaml",
        "docs/runbooks/agents.md#task-failures",
        "docs/runbooks/agent.md#task-failures",
        "agents.yaml: AgentErrorsHigh: docs/runbooks/agent.md has no section 'task-failures'",
    ),
    "a time": Break(
        f"{RULES}/models.yaml",
        "for: 30m",
        "for: 45s",
        "models.yaml: ModelDriftHigh: for must be a multiple of 30s, got '45s'",
    ),
    "an interval": Break(
        f"{RULES}/models.yaml",
        "interval: 15m",
        "interval: 10s",
        "models.yaml: models: interval must be a multiple of 30s",
    ),
    "a group's name": Break(
        f"{RULES}/models.yaml", "- name: models", "- name: quality", "models.yaml: quality: must be called as its file"
    ),
    "a metric of ours": Break(
        f"{RULES}/models.yaml",
        "aia_prediction_drift_drifted",
        "aia_prediction_drifted",
        "models.yaml: PredictionDriftLasting: looks at aia_prediction_drifted, which nobody writes",
    ),
    "a metric of Google's": Break(
        f"{RULES}/infrastructure.yaml",
        "cloudsql_googleapis_com:database_disk_utilization",
        "cloudsql_googleapis_com:database_disk_utilisation",
        "infrastructure.yaml: DatabaseDiskHigh: looks at cloudsql_googleapis_com:database_disk_utilisation",
    ),
    "a metric of a service": Break(
        f"{RULES}/experience.yaml",
        "http_server_request_duration_seconds_bucket",
        "http_server_request_seconds_bucket",
        "experience.yaml: UserLatencyHigh: looks at http_server_request_seconds_bucket, which nobody writes",
    ),
    "a label that is chosen by": Break(
        f"{RULES}/system.yaml",
        'subscription_id!~"alert-intake',
        'subscription!~"alert-intake',
        "system.yaml: MessagesLeftWaiting: looks at pubsub_googleapis_com:subscription_oldest_unacked_message_age by subscription,",
    ),
    "a label that is summed up by": Break(
        f"{RULES}/system.yaml",
        "sum by (channel)",
        "sum by (receiver)",
        "system.yaml: NotifyFailures: looks at aia_notifications_total by receiver, which it has not;",
    ),
    "a label in a text": Break(
        f"{RULES}/system.yaml",
        "summary: Channel {{ $labels.channel }}",
        "summary: Channel {{ $labels.receiver }}",
        "system.yaml: NotifyFailures: summary names receiver, which no result has",
    ),
    "a template of Prometheus alone": Break(
        f"{RULES}/system.yaml",
        "summary: Channel {{ $labels.channel }}",
        "summary: Channel {{ $labels.channel | title }}",
        "system.yaml: NotifyFailures: summary has a template that Cloud Monitoring has not",
    ),
    "a gauge taken for a counter": Break(
        f"{RULES}/models.yaml",
        "last_over_time(aia_drift_features_drifted_ratio[1h])",
        "rate(aia_drift_features_drifted_ratio[1h])",
        "models.yaml: ModelDriftHigh: rate of aia_drift_features_drifted_ratio, which is a gauge",
    ),
    "nothing missed": Break(
        f"{RULES}/automation.yaml",
        "max(aia_actions_waiting) > 0",
        "absent(aia_actions_waiting)",
        "automation.yaml: ActionAwaitingApproval: misses aia_actions_waiting",
    ),
    "a firing case": Break(
        f"{TESTS}/experience_test.yaml",
        "        alertname: UserErrorsHigh\n        exp_alerts:",
        "        alertname: UserErrorsHigh\n        exp_alerts: []\n        unused:",
        "experience.yaml: UserErrorsHigh: no test sees it firing",
    ),
    "the silent cases": Break(
        f"{TESTS}/experience_test.yaml",
        "alertname: UserErrorsHigh, exp_alerts: []",
        "alertname: UserErrorsLow, exp_alerts: []",
        "experience.yaml: UserErrorsHigh: no test sees it silent",
        every=True,
    ),
    "a test of nothing": Break(
        f"{TESTS}/experience_test.yaml",
        "alertname: UserErrorsHigh, exp_alerts: []",
        "alertname: UserErrorsLow, exp_alerts: []",
        "experience_test.yaml: UserErrorsLow: there is no such rule",
    ),
}
"""What the checks of this repository see."""

REFUSED: dict[str, Break] = {
    "an expression that is none": Break(
        f"{RULES}/models.yaml", "max by (model) (last_over_time", "max by model (last_over_time", "models.yaml: "
    ),
    "a function that is none": Break(
        f"{RULES}/agents.yaml", "histogram_quantile(", "histogram_percentile(", "agents.yaml: "
    ),
    "an attribute of a rule": Break(f"{RULES}/models.yaml", "        for: 30m", "        lasts: 30m", "models.yaml: "),
}
"""What Prometheus refuses."""

FAILING: dict[str, Break] = {
    "another threshold": Break(f"{RULES}/agents.yaml", "/ 1000 > 120", "/ 1000 > 1200", "agents_test.yaml: "),
    "the other direction": Break(
        f"{RULES}/automation.yaml",
        "max(aia_actions_waiting) > 0",
        "max(aia_actions_waiting) < 0",
        "automation_test.yaml: ",
    ),
    "another value of a label": Break(
        f"{RULES}/agents.yaml", 'response_code!~"2.."', 'response_code!~"5.."', "agents_test.yaml: "
    ),
    "another severity than the test's": Break(
        f"{RULES}/agents.yaml", "severity: warning", "severity: error", "agents_test.yaml: "
    ),
    "a time that is too short": Break(f"{RULES}/agents.yaml", "for: 10m", "for: 30s", "agents_test.yaml: "),
}
"""What the tests of the rules see."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in (RULES, RUNBOOKS):
        shutil.copytree(stage.ROOT / folder, tmp_path / folder)
    shutil.copy(stage.ROOT / "infra" / "monitoring.yaml", tmp_path / "infra")
    return tmp_path


def break_it(tree: Path, change: Break) -> None:
    path = tree / change.file
    before = path.read_text()
    assert change.sound in before, f"{change.file} has no {change.sound!r}"
    path.write_text(before.replace(change.sound, change.broken, -1 if change.every else 1))


def told(faults: list[Fault]) -> list[str]:
    """Faults without folders and lines."""
    return [f"{Path(fault.path).name}: {fault.what}" for fault in faults]


def test_nothing_is_told_of_what_is_sound(tree: Path) -> None:
    assert alert_faults(alert_files.read(tree)) == []


@pytest.mark.parametrize("name", READ)
def test_what_is_broken_is_told_by_its_file_and_its_rule(tree: Path, name: str) -> None:
    break_it(tree, READ[name])
    found = told(alert_faults(alert_files.read(tree)))
    assert [fault for fault in found if fault.startswith(READ[name].told)], found


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("an interval", "  - name: models"),
        ("a metric of ours", "      - alert: PredictionDriftLasting"),
        ("a firing case", "      - alert: UserErrorsHigh"),
        ("a test of nothing", "alertname: UserErrorsLow, exp_alerts: []"),
    ],
)
def test_the_line_of_a_fault_is_that_of_the_group_the_rule_or_the_case(tree: Path, name: str, line: str) -> None:
    break_it(tree, READ[name])
    found = alert_faults(alert_files.read(tree))
    [fault] = [one for one in found if told([one])[0].startswith(READ[name].told)]
    assert line in (tree / fault.path).read_text().splitlines()[fault.line - 1]


@promtool.needed
@pytest.mark.parametrize("name", REFUSED)
def test_what_prometheus_does_not_take_is_told_by_its_file_and_its_line(tree: Path, name: str) -> None:
    change = REFUSED[name]
    break_it(tree, change)
    [fault] = refused([tree / change.file])
    assert told([fault])[0].startswith(change.told), fault
    first = (tree / change.file).read_text().partition(change.broken)[0].count("\n") + 1
    assert first - 1 <= fault.line <= first, fault


@promtool.needed
@pytest.mark.parametrize("name", FAILING)
def test_what_fires_otherwise_than_it_is_tested_is_told_by_the_file_of_its_test(tree: Path, name: str) -> None:
    change = FAILING[name]
    break_it(tree, change)
    test = tree / TESTS / change.file.rpartition("/")[2].replace(".yaml", "_test.yaml")
    [fault] = promtool.failing([test])
    assert fault.startswith(change.told), fault
