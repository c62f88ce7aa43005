"""The dashboards together: what each shows first, and what is on one at all. `make lint` checks each by itself."""

import re

import pytest

from core.metrics import CATALOGUE
from core.metrics import capacity as capacity_metrics
from core.promql import metrics
from functions.api.dashboards import ORDER
from infra import stage
from infra.lint.dashboard_files import Query
from infra.lint.foreign_metrics import FOREIGN
from infra.local import unavailable_metrics
from tests.support.builders.deployed_files import BOARDS

CERTIFICATE = "aia_probe_certificate_expiry_seconds"
PROBED = (
    *("age_seconds", "backlog_messages", "connections_ratio", "hit_ratio", "memory_ratio"),
    "replication_lag_seconds",
)
"""What probes of databases, caches, queues and tables measure: none of them is on one machine."""
UNSEEN = {
    "aia_alerts_left_out_total",
    "aia_audit_newest_timestamp_seconds",
    "aia_challenger_approval_seconds",
    "aia_challenger_decisions_total",
    "aia_challenger_share_ratio",
    "aia_incident_changes_total",
    "aia_maintenance_runs_total",
    "aia_maintenance_seconds",
    "aia_notification_seconds_total",
    "aia_revenue_difference_cents",
    "aia_service_metric_per_second",
    "aia_service_timeout_ratio",
    "aia_telemetry_items_total",
    "aia_telemetry_unnamed",
    "aia_watchdog_timestamp_seconds",
}
"""Metrics that are on no dashboard: the page of a model and its audit trail have those of a challenger, of which rules tell;
`ops.maintenance_runs` has the runs of upkeep; the audit trail has changes better; the sum of notification seconds is of a histogram that is
shown; of the difference of revenue, which is 0, and of queries that time out, a rule tells, as of a sender's Watchdog; what telemetry is
refused, and which counters applications have, is for whoever asks; of alerts that a sender left out and of the newest entry of the audit log a finding tells."""


def test_all_dashboards_were_read() -> None:
    assert set(BOARDS.texts) == {f"{name}.json" for name in ORDER}
    written = sum(text.count('"prometheusQuery"') for text in BOARDS.texts.values())
    assert len(list(BOARDS.asked)) == written > 100


def test_no_tile_names_a_model_since_the_settings_do() -> None:
    named = [tile.fault("names a model") for tile, query in BOARDS.asked if re.search(r'model\s*=~?\s*"', query.expr)]
    assert named == []


def test_every_metric_of_ours_is_on_a_dashboard_or_said_not_to_be() -> None:
    shown = {name for _, query in BOARDS.asked for name in metrics(query.plain)}
    assert set(CATALOGUE) - shown == UNSEEN


def test_what_is_said_not_to_be_on_one_machine_is_what_others_measure_and_dashboards_ask_for() -> None:
    """And each such query asks for nothing else, so that none is excused which could have data."""
    foreign = {name for _, query in BOARDS.asked for name in metrics(query.plain) if name in FOREIGN}
    local = {name for name in foreign if name.startswith("pubsub_googleapis_com:")}
    attributions = {"aia_attribution_drift_value", "aia_attribution_drift_drifted"}
    costs = {"aia_table_scan_bytes", "aia_table_scan_monthly_dollars", "aia_recommendation_saved_dollars"}
    generative = {name for name in CATALOGUE if name.startswith("aia_generation_")}
    partners = {name for name in CATALOGUE if name.startswith("aia_partner_")}
    applications = {name for name in CATALOGUE if name.startswith(("aia_service_", "aia_agent_"))} - UNSEEN
    capacity = {one.name for one in capacity_metrics.METRICS}
    probes = {f"aia_probe_{what}" for what in PROBED}
    ours = (
        {CERTIFICATE, "aia_audit_entries_total", "aia_security_open"}
        | probes
        | attributions
        | partners
        | costs
        | applications
        | capacity
    )
    assert set(unavailable_metrics.REASONS) == foreign - local | generative | ours
    # The emulator measures no bytes, and nobody has carried out a recommendation in a new system.
    settings = (stage.ROOT / "infra" / "monitoring.yaml").read_text()
    assert "kind: tls" not in settings, "a certificate is probed here: then its card must have data"
    kinds = ("bigquery", "postgresql", "pubsub", "redis")
    assert not any(f"kind: {kind}" in settings for kind in kinds), "one is probed here: then its chart must have data"
    assert "\npartners:" not in settings, "calls of partners are watched here: then their tile must have data"
    assert "attributions:" not in settings, "a model logs attributions here: then their chart must have data"
    assert "task: generative" not in settings, "a generative model is monitored here: then its tiles must have data"
    excused = [set(metrics(query.plain)) for _, query in BOARDS.asked if unavailable_metrics.missing(query.plain)]
    assert [names for names in excused if not names <= set(unavailable_metrics.REASONS)] == []


def test_a_query_is_silent_only_where_this_machine_could_answer_it() -> None:
    nodes = "count(kubernetes_io:node_status_condition)"
    assert unavailable_metrics.fault(nodes, has_data=False) == ""
    assert unavailable_metrics.fault(nodes, has_data=True).startswith(
        "has data, though infra/local/unavailable_metrics.py says that a cluster"
    )
    assert unavailable_metrics.fault("max(aia_probe_up)", has_data=False) == "no data"
    assert unavailable_metrics.fault(f"max(aia_probe_up) or min({CERTIFICATE})", has_data=False) == "no data"
    assert unavailable_metrics.fault("max(aia_probe_up)", has_data=True) == ""


def test_what_is_watched_of_the_infrastructure_is_on_a_dashboard() -> None:
    """Whoever is called by one of these rules finds what it looks at."""
    shown = {name for _, query in BOARDS.asked for name in metrics(query.plain)}
    rules = [rule for rule in BOARDS.rules.values() if rule.file == "infrastructure.yaml"]
    assert {rule.name: set(metrics(rule.expr)) - shown for rule in rules if set(metrics(rule.expr)) - shown} == {}


@pytest.mark.parametrize("file", BOARDS.documents)
def test_a_dashboard_answers_first_and_explains_later(file: str) -> None:
    first = [tile for tile in BOARDS.of(file) if tile.place[1] == 0]
    assert {tile.kind for tile in first} == {"scorecard"}
    kinds = [tile.kind for tile in BOARDS.of(file)]
    assert {"scorecard", "xyChart", "timeSeriesTable", "text", "sectionHeader"} == set(kinds)


@pytest.mark.parametrize("file", BOARDS.documents)
def test_the_tiles_stand_in_the_order_in_which_they_are_read(file: str) -> None:
    places = [(tile.place[1], tile.place[0]) for tile in BOARDS.of(file)]
    assert places == sorted(places)


def test_a_variable_stands_for_a_matcher() -> None:
    query = Query(expr='max(up{a="b", ${model}}) + rate(x_total[${__interval}])', template="", unit="1")
    assert query.plain == 'max(up{a="b", model=~".*"}) + rate(x_total[1m])'
    assert query.variables == {"model"}


def test_the_version_of_a_model_is_asked_for_no_longer_than_it_takes_to_be_another() -> None:
    """Longer, and an old one would be shown beside the new one."""
    [query] = [query.expr for _, query in BOARDS.asked if "aia_model_version_timestamp_seconds" in query.expr]
    assert "[20m]" in query
    assert '"*/15 * * * *"' in (stage.ROOT / "infra" / "monitoring.yaml").read_text()
