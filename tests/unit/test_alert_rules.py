"""Which alert rules cannot fire because a metric that they need is absent, and when that is counted."""

from datetime import UTC, datetime, timedelta

import pytest

from core.alert_rules import (
    LEAST_RANGE,
    AlertRule,
    Need,
    RuleReason,
    key,
    met,
    observations,
    of_answer,
    queries,
    spec,
    states,
    watched,
)
from core.detection import Outcome
from core.errors import UnavailableError
from core.incidents.grouping import is_grouped, subject
from core.promql import longest_ranges
from core.settings import AlertRuleSettings
from functions.health_check.rules import RULES
from functions.services.alert_rules import alert_rules

DEPLOYED = alert_rules(RULES)
AT = datetime(2026, 1, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
RATIO = AlertRule(
    name="RatioLow", area="business", expr='max(aia_good{x="a"}) / max(last_over_time(aia_all[1h])) < 0.5'
)
PLAIN = AlertRule(name="Down", area="probes", expr="aia_probe_up == 0")
SETTINGS = AlertRuleSettings()
GOOD, ALL = Need("aia_good", LEAST_RANGE), Need("aia_all", HOUR)


@pytest.mark.parametrize(
    ("expr", "spans"),
    [
        ("up", {"up": 0}),
        ("rate(x[5m])", {"x": 300}),
        ('rate(x{a="b[9d]"}[5m] offset 1w)', {"x": 300}),
        ("rate(x[90s]) > max_over_time(x[2h]) and y", {"x": 7200, "y": 0}),
        ("increase(x[8d]) unless increase(x[26h])", {"x": 8 * 86_400}),
        ('sum by (job) (rate(x_bucket{a=~"[a-z]+"} [1w]))', {"x_bucket": 604_800}),
    ],
)
def test_the_longest_range_of_each_metric(expr: str, spans: dict[str, int]) -> None:
    assert {name: span.total_seconds() for name, span in longest_ranges(expr).items()} == spans


def test_a_metric_of_a_short_range_may_be_as_old_as_the_slowest_writer() -> None:
    assert set(RATIO.needs) == {GOOD, ALL}


def test_what_watches_absence_itself_has_no_metric_or_is_unused_is_not_looked_at() -> None:
    silent = AlertRule(name="Silent", area="system", expr="absent_over_time(aia_heartbeat[1h])")
    always = AlertRule(name="Watchdog", area="system", expr="vector(1)")
    rules = (RATIO, PLAIN, silent, always)
    assert watched(rules, SETTINGS) == (RATIO, PLAIN)
    assert watched(rules, AlertRuleSettings(unused=("Ratio*",))) == (PLAIN,)


def test_every_deployed_rule_with_a_metric_is_looked_at() -> None:
    left = {rule.name for rule in DEPLOYED} - {rule.name for rule in watched(DEPLOYED, SETTINGS)}
    absences = {rule.name for rule in DEPLOYED if rule.watches_absence}
    assert left == {"Watchdog", "CollectorDropsTelemetry", *absences}
    assert all(name.endswith("Silent") for name in absences), absences


def test_a_counter_that_begins_with_the_first_failure_is_not_needed() -> None:
    failed = "sum(increase(otelcol_exporter_send_failed_spans_total[10m])) > 0 and aia_good > 1"
    assert [need.metric for need in AlertRule(name="A", area="a", expr=failed).needs] == ["aia_good"]


def test_every_need_is_asked_for_once_and_known_again_from_the_answer() -> None:
    needs = {need for rule in watched(DEPLOYED, SETTINGS) for need in rule.needs}
    asked = " or ".join(queries(needs))
    for need in needs:
        seconds = int(need.within.total_seconds())
        assert asked.count(f"count(last_over_time({need.metric}[{seconds}s]))") == 1
    assert met([{"metric": "aia_all", "within": "3600"}]) == {ALL}
    assert list(queries([])) == []


def test_a_rule_lacks_what_is_not_there_within_its_own_range() -> None:
    [ratio, plain] = states([RATIO, PLAIN], {GOOD, Need("aia_probe_up", LEAST_RANGE)}, {"aia_all"})
    assert (ratio.absent, ratio.missed) == (("aia_all",), ("aia_all",))
    assert (plain.absent, plain.missed) == ((), ())
    [longer] = states([RATIO], {GOOD, Need("aia_all", 2 * HOUR)}, ())
    assert longer.absent == ("aia_all",)


def test_only_a_metric_that_was_there_is_counted_as_missing() -> None:
    [never] = states([RATIO], {GOOD}, ())
    assert observations([never], (), AT, SETTINGS) == ()
    [missed] = states([RATIO], {GOOD}, {"aia_all"})
    [one] = observations([missed], (), AT, SETTINGS)
    assert (one.verdict.outcome, one.verdict.reason) == (Outcome.NOT_KNOWN, RuleReason.ABSENT_METRIC)
    assert one.verdict.summary == "alert rule RatioLow cannot fire: no value of aia_all (for 1 h)"
    # After seven days it is still missing: that it was there is known from the condition.
    [still] = observations([never], {key(RATIO)}, AT, SETTINGS)
    assert still.verdict.outcome is Outcome.NOT_KNOWN


def test_what_has_data_again_or_is_gone_ends_the_condition() -> None:
    [there] = states([RATIO], {GOOD, ALL}, ())
    [again] = observations([there], {key(RATIO)}, AT, SETTINGS)
    assert (again.verdict.outcome, again.verdict.reason) == (Outcome.GOOD, RuleReason.MEASURED)
    [gone] = observations([], {key(RATIO)}, AT, SETTINGS)
    assert (gone.spec, gone.verdict.reason) == (again.spec, RuleReason.NO_RULE)
    assert observations([there], (), AT, SETTINGS) == ()


def test_the_rules_of_a_file_are_one_incident_that_names_each() -> None:
    one = spec("business", "RatioLow", SETTINGS)
    assert one.target == "rules/business"
    assert one.no_verdict is not None
    assert is_grouped(one.no_verdict.kind)
    assert subject(one.target, one.no_verdict.kind) == ("rule/RatioLow", "no_verdict")


def test_metrics_that_cannot_be_asked_for_are_a_verdict_of_their_own() -> None:
    fault = of_answer(UnavailableError("Prometheus: does not answer"), AT, SETTINGS)
    assert fault.verdict.outcome is Outcome.NOT_KNOWN
    assert fault.verdict.summary == "alert rules were not checked for data: Prometheus: does not answer"
    assert of_answer(None, AT, SETTINGS).verdict.outcome is Outcome.GOOD
    assert fault.spec.key not in {key(rule) for rule in DEPLOYED}
