"""What is broken in a dashboard, or in what it names, is told with the name of the file and of the tile."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from infra import stage
from infra.lint import dashboard_files
from infra.lint.__main__ import dashboard_faults
from infra.lint.dashboard_files import Dashboards
from infra.lint.dashboard_queries import unparsed, unwritten_metrics
from infra.lint.fault import Fault
from tests.support.builders.deployed_files import BOARDS
from tests.support.checks import promtool

FOLDERS = ("dashboards", "infra/alerts", "infra/terraform", "docs/runbooks")
WRITTEN = BOARDS.written
DRIFT = "Drifted features, worst model (%)"


@dataclass(frozen=True)
class Break:
    """A change that must be told: in the file, the text `sound` becomes `broken`; a fault begins with `told`."""

    file: str
    sound: str
    broken: str
    told: str


READ: dict[str, Break] = {
    "no JSON": Break("technical", '"displayName":', "displayName:", "technical.json: must be JSON"),
    "a key of a dashboard": Break(
        "technical", '"mosaicLayout"', '"mosaicLayouts"', "technical.json: Google's API does not take it"
    ),
    "a key of a widget": Break(
        "technical", '"sparkChartType"', '"sparkChartKind"', "technical.json: Google's API does not take it"
    ),
    "a key of a query": Break(
        "technical", '"prometheusQuery"', '"promQuery"', "technical.json: Google's API does not take it"
    ),
    "a plot": Break("operations", '"STACKED_BAR"', '"STACKED_BARS"', "operations.json: Google's API does not take it"),
    "a colour": Break("technical", '"YELLOW"', '"ORANGE"', "technical.json: Google's API does not take it"),
    "a number that is a word": Break(
        "technical", '"columns": 48', '"columns": "wide"', "technical.json: Google's API does not take it"
    ),
    "a zero": Break(
        "technical",
        '"mosaicLayout": {',
        '"etag": "",\n  "mosaicLayout": {',
        "technical.json: comes back otherwise than it was sent: $.etag",
    ),
    "two layouts": Break(
        "technical",
        '"mosaicLayout": {',
        '"gridLayout": {"columns": 2},\n  "mosaicLayout": {',
        "technical.json: Google's API does not take it",
    ),
    "no name": Break("technical", '"AIA: technical"', '""', "technical.json: must have a displayName"),
    "a name of the server's": Break(
        "technical", '"displayName"', '"name": "x",\n  "displayName"', "technical.json: must not have name"
    ),
    "a stakeholder": Break(
        "technical", '"stakeholder": "technical"', '"stakeholder": "ops"', "technical.json: labels.stakeholder must be"
    ),
    "columns": Break(
        "technical", '"columns": 48', '"columns": 12', "technical.json: must be a mosaicLayout of 48 columns"
    ),
    "a widget that only Google draws": Break(
        "operations",
        '"sectionHeader": {"subtitle": "External checks of services, databases, caches, queues and tables"}',
        '"incidentList": {}',
        "operations.json: Probes: must be one of",
    ),
    "no title": Break("technical", f'"title": "{DRIFT}",', "", "technical.json: tile 0: must have a title"),
    "a title of two": Break(
        "technical",
        "Models below their accuracy floor",
        DRIFT,
        f"technical.json: {DRIFT}: is the title of 2 tiles",
    ),
    "a tile too wide": Break(
        "technical", '"width": 12', '"width": 49', f"technical.json: {DRIFT}: must lie within 48 columns"
    ),
    "a tile over another": Break(
        "technical", '"width": 12', '"width": 13', f"technical.json: {DRIFT}: lies over 'Models below"
    ),
    "a hole": Break("technical", '"width": 12', '"width": 11', "technical.json: 8 of "),
    "a threshold of a chart with a colour": Break(
        "technical",
        '{"label": "FunctionFailing", "value": 0.2, "targetAxis": "Y1"}',
        '{"label": "FunctionFailing", "value": 0.2, "color": "RED"}',
        "technical.json: Failed requests by function (%): a threshold of a scorecard has color and direction",
    ),
    "a threshold": Break(
        "technical",
        '"value": 0.5',
        '"value": 0.6',
        f"technical.json: {DRIFT}: threshold 0.6 must be 0.5, as ModelDriftHigh has it",
    ),
    "a threshold of another metric": Break(
        "technical",
        '"label": "AccuracyBelowFloor"',
        '"label": "DeadLettersWaiting"',
        "technical.json: Models below their accuracy floor: threshold 1 stands for DeadLettersWaiting, which looks at other",
    ),
    "a card that is green beside a bad verdict": Break(
        "technical",
        '{"value": 0.001, "color": "YELLOW", "direction": "ABOVE", "label": "verdict"}',
        '{"value": 0.25, "color": "YELLOW", "direction": "ABOVE", "label": "ModelDriftElevated"}',
        f"technical.json: {DRIFT}: must have the threshold 0.001 with the label 'verdict', from which on the verdict is bad",
    ),
    "a verdict of what has none": Break(
        "technical",
        '"label": "AccuracyBelowFloor"',
        '"label": "verdict"',
        "technical.json: Models below their accuracy floor: threshold 1 stands for verdict, which looks at other metrics",
    ),
    "a threshold of nothing": Break(
        "technical",
        '"label": "AccuracyBelowFloor"',
        '"label": "AccuracyLow"',
        "technical.json: Models below their accuracy floor: threshold 1 stands for 'AccuracyLow', which is no alert",
    ),
    "the objective": Break(
        "operations",
        '"label": "objective", "value": 0.99',
        '"label": "objective", "value": 0.999',
        "operations.json: Successful push requests (%): threshold 0.999 must be 0.99, as objective has it",
    ),
    "a runbook": Break(
        "technical",
        "docs/runbooks/pipelines.md#too-long",
        "docs/runbooks/pipeline.md#too-long",
        "technical.json: Runbooks: pipelines: docs/runbooks/pipeline.md has no section 'too-long'",
    ),
    "a section of a runbook": Break(
        "technical",
        "docs/runbooks/pipelines.md#too-long",
        "docs/runbooks/pipelines.md#too-short",
        "technical.json: Runbooks: pipelines: docs/runbooks/pipelines.md has no section 'too-short'",
    ),
    "a runbook that nobody links": Break(
        "executive",
        "[unacknowledged incidents](docs/runbooks/system.md#nobody-acknowledges)",
        "unacknowledged incidents",
        "executive.json: Unacknowledged critical incidents: no text of the dashboard links",
    ),
    "no query": Break(
        "executive",
        '"prometheusQuery": "max(last_over_time(aia_roi_ratio[1h]))", ',
        "",
        "executive.json: Return on investment, 30 days (%): must ask in PromQL",
    ),
    "a metric of ours": Break(
        "technical",
        "aia_drift_features_drifted_ratio",
        "aia_drift_features_ratio",
        f"technical.json: {DRIFT}: looks at aia_drift_features_ratio, which nobody writes",
    ),
    "a metric of Google's": Break(
        "operations",
        "subscription_oldest_unacked_message_age",
        "subscription_oldest_message_age",
        "operations.json: Oldest unacked alert or finding (s): looks at pubsub_googleapis_com:subscription_oldest_message",
    ),
    "a label that is chosen by": Break(
        "operations",
        '{response_class=\\"ack\\"}',
        '{response=\\"ack\\"}',
        "operations.json: Successful push requests (%): looks at pubsub_googleapis_com:subscription_push_request_count"
        " by response,",
    ),
    "a label that is summed up by": Break(
        "technical",
        "max by (model) (last_over_time(aia_drift_features",
        "max by (feature) (last_over_time(aia_drift_features",
        f"technical.json: {DRIFT}: looks at aia_drift_features_drifted_ratio by feature, which it has not",
    ),
    "a warning in red": Break(
        "executive",
        '"color": "YELLOW", "direction": "BELOW", "label": "RoiNegative"',
        '"color": "RED", "direction": "BELOW", "label": "RoiNegative"',
        "executive.json: Return on investment, 30 days (%): threshold 0 must be YELLOW",
    ),
    "an error in yellow": Break(
        "executive",
        '"color": "RED", "direction": "ABOVE", "label": "RevenueAtRiskHigh"',
        '"color": "YELLOW", "direction": "ABOVE", "label": "RevenueAtRiskHigh"',
        "executive.json: Revenue at risk ($/h): threshold 5000 must be RED, as RevenueAtRiskHigh is error",
    ),
    "a threshold of two severities": Break(
        "executive",
        '"label": "RevenueAtRiskHigh"}]',
        '"label": "RevenueAtRiskHigh, RoiNegative"}]',
        "executive.json: Revenue at risk ($/h): threshold 5000 must stand for rules of one severity",
    ),
    "a card without the rule's floor": Break(
        "business",
        " and sum by (source) (max by (source, outcome) (last_over_time(aia_payments[1h]))) >= 100)",
        ")",
        "business.json: Payment success, worst source with 100+ payments (%): must judge as PaymentSuccessRatioLow",
    ),
    "a card of less than the rule looks at": Break(
        "technical",
        "count((min by (model) (last_over_time(aia_model_accuracy_ratio[1h]))",
        "count((max by (model) (last_over_time(aia_model_accuracy_ratio[1h]))",
        "technical.json: Models below their accuracy floor: must judge as AccuracyBelowFloor does, by min by (model)",
    ),
    "a card that counts with another limit": Break(
        "operations",
        'function=\\"health_check\\"}[1h])) > 300',
        'function=\\"health_check\\"}[1h])) > 1200',
        "operations.json: Monitoring and action functions without heartbeat: must judge as HealthCheckSilent does",
    ),
    "a card that sums up what the rule takes one by one": Break(
        "models",
        "max(max by (model) (last_over_time(aia_data_quality_issues",
        "max(sum by (model) (last_over_time(aia_data_quality_issues",
        "models.json: Data quality issues, worst model: must judge as DataQualityPoor does",
    ),
    "a counter taken for a gauge": Break(
        "operations",
        "increase(aia_actions_total[${__interval}])",
        "last_over_time(aia_actions_total[${__interval}])",
        "operations.json: Action decisions by outcome: last_over_time of aia_actions_total, which is",
    ),
    "a zero beside what has labels": Break(
        "operations",
        "(increase(aia_notifications_total[${__interval}]))) or on () vector(0)",
        "(increase(aia_notifications_total[${__interval}]))) or vector(0)",
        "operations.json: Notifications by outcome: must end with `or on () vector(0)`",
    ),
    "what happens between the points of a chart": Break(
        "executive",
        "max_over_time(aia_incidents_open[${__interval}])",
        "max_over_time(aia_incidents_open[10m])",
        "executive.json: Open incidents by severity: aia_incidents_open must be looked for all the way back",
    ),
    "a column of another time": Break(
        "operations",
        "increase(aia_notifications_total[${__interval}])",
        "increase(aia_notifications_total[1h])",
        "operations.json: Notifications by outcome: a column must show what happened in its own",
    ),
    "a gauge of this moment": Break(
        "executive",
        "max(last_over_time(aia_roi_ratio[1h]))",
        "max(aia_roi_ratio)",
        "executive.json: Return on investment, 30 days (%): aia_roi_ratio must be asked for with how far to look back",
    ),
    "a legend": Break(
        "technical",
        '"legendTemplate": "${pipeline} ${outcome}"',
        '"legendTemplate": "${pipeline} ${result}"',
        "technical.json: Completed runs by outcome, last 24 h: names result, which no result has",
    ),
    "a column": Break(
        "technical",
        '{"column": "stage", "visible": true}',
        '{"column": "step", "visible": true}',
        "technical.json: Stage durations in the latest run (s): names step, which no result has",
    ),
    "a variable": Break(
        "models",
        "aia_drift_rows{${model}}",
        "aia_drift_rows{${name}}",
        "models.json: Rows in the window over time: uses the variable 'name', which is not declared",
    ),
    "a variable that nothing uses": Break(
        "technical",
        '"mosaicLayout": {',
        '"dashboardFilters": [{"labelKey": "model", "templateVariable": "model", "filterType": "METRIC_LABEL"}],'
        '\n  "mosaicLayout": {',
        "technical.json: declares the variable 'model', which no tile uses",
    ),
    "a unit": Break(
        "technical",
        '"unitOverride": "10^2.%"',
        '"unitOverride": "percent"',
        f"technical.json: {DRIFT}: unitOverride must be one of",
    ),
    "dollars of seconds": Break(
        "executive",
        '"prometheusQuery": "max(last_over_time(aia_incident_waiting_seconds[10m]))", "unitOverride": "s"',
        '"prometheusQuery": "max(last_over_time(aia_incident_waiting_seconds[10m]))", "unitOverride": "USD"',
        "executive.json: Longest time unacknowledged (s): is no number of dollars",
    ),
}
"""What the checks of this repository see."""

UNPARSED: dict[str, Break] = {
    "brackets": Break(
        "technical",
        "by (model) (last_over_time(aia_drift_f",
        "by (model) last_over_time(aia_drift_f",
        "technical.json: ",
    ),
    "a function": Break("technical", "histogram_quantile(", "histogram_percentile(", "technical.json: "),
    "a duration": Break("executive", "aia_roi_ratio[1h]", "aia_roi_ratio[1hour]", "executive.json: "),
}
"""What Prometheus refuses."""


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in FOLDERS:
        shutil.copytree(stage.ROOT / folder, tmp_path / folder)
    shutil.copy(stage.ROOT / "infra" / "monitoring.yaml", tmp_path / "infra")
    return tmp_path


def break_it(tree: Path, change: Break) -> Dashboards:
    path = tree / "dashboards" / f"{change.file}.json"
    before = path.read_text()
    assert change.sound in before, f"{change.file} has no {change.sound!r}"
    path.write_text(before.replace(change.sound, change.broken, 1))
    return read(tree)


def read(tree: Path) -> Dashboards:
    """The dashboards of a tree, as if all metrics of the catalogue were written: it has no functions."""
    return replace(dashboard_files.read(tree), written=WRITTEN)


def told(faults: list[Fault]) -> list[str]:
    """Faults without folders and lines."""
    return [f"{Path(fault.path).name}: {fault.what}" for fault in faults]


@pytest.mark.parametrize("name", READ)
def test_what_is_broken_is_told_by_its_file_and_its_tile(tree: Path, name: str) -> None:
    found = told(dashboard_faults(break_it(tree, READ[name])))
    assert [fault for fault in found if fault.startswith(READ[name].told)], found


@pytest.mark.parametrize("name", ["a unit", "a threshold of nothing"])
def test_the_line_of_a_fault_is_within_its_tile(tree: Path, name: str) -> None:
    change = READ[name]
    found = dashboard_faults(break_it(tree, change))
    fault = next(one for one in found if told([one])[0].startswith(change.told))
    before, _, _ = (tree / fault.path).read_text().partition(change.broken)
    between = before.splitlines()[fault.line - 1 :]
    assert between[0].lstrip().startswith("{")
    assert sum('"title"' in line for line in between) == 1


def test_the_line_of_what_is_no_json_is_where_that_shows(tree: Path) -> None:
    [fault] = break_it(tree, READ["no JSON"]).faults
    assert (tree / fault.path).read_text().splitlines()[fault.line - 1].startswith("  displayName:")


@promtool.needed
@pytest.mark.parametrize("name", UNPARSED)
def test_what_prometheus_does_not_take_is_told_by_its_file(tree: Path, name: str) -> None:
    faults = unparsed(break_it(tree, UNPARSED[name]))
    assert faults
    assert all(fault.startswith(UNPARSED[name].told) for fault in told(faults)), faults


def test_a_metric_of_the_catalogue_that_no_function_writes_is_told(tree: Path) -> None:
    boards = replace(dashboard_files.read(tree), written=frozenset({"aia_probe_up"}))
    found = told(unwritten_metrics(boards))
    assert f"technical.json: {DRIFT}: looks at aia_drift_features_drifted_ratio, which no function writes" in found
    assert not [fault for fault in found if "aia_probe_up," in fault]


def drop_a_rule(tree: Path) -> None:
    path = tree / "infra" / "alerts" / "system.yaml"
    path.write_text(path.read_text().replace("alert: DeadLettersWaiting", "alert: DeadLettersThere"))


def drop_a_section(tree: Path) -> None:
    path = tree / "docs" / "runbooks" / "pipelines.md"
    path.write_text(path.read_text().replace("## too long", "## slow"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (drop_a_rule, "operations.json: Messages in dead-letter topics: threshold 1 stands for 'DeadLettersWaiting'"),
        (drop_a_section, "technical.json: Runbooks: pipelines: docs/runbooks/pipelines.md has no section 'too-"),
    ],
)
def test_what_is_renamed_elsewhere_is_told_by_the_dashboard(
    tree: Path, change: Callable[[Path], None], expected: str
) -> None:
    change(tree)
    found = told(dashboard_faults(read(tree)))
    assert [fault for fault in found if fault.startswith(expected)], found


def test_a_break_that_changes_nothing_would_be_no_break() -> None:
    for change in (*READ.values(), *UNPARSED.values()):
        text = (stage.ROOT / "dashboards" / f"{change.file}.json").read_text()
        assert change.sound in text
        assert json.loads(text)
