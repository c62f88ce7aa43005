"""The class of what was noticed: rules first, then the words of the kind, then the sort of the target."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.incidents.policy import Class, classify
from core.settings.people import Category
from core.settings.response import Rule

NAMES = st.sampled_from(["model/m", "service/shop", "drift", "p95_latency", "prometheus", "drift_score", "", "*"])
SEVERITIES = st.sampled_from(Severity)
PATTERNS = st.sampled_from(["*", "model/*", "*latency*", "drift*", "nothing"])
RULES = st.builds(
    Rule,
    target=PATTERNS,
    kind=PATTERNS,
    source=PATTERNS,
    severity=st.frozensets(SEVERITIES, min_size=1),
    category=st.sampled_from(Category),
    becomes=st.none() | SEVERITIES,
)


def classed(*rules: Rule, severity: Severity = Severity.ERROR) -> Class:
    return classify("service/shop", "p95_latency", "prometheus", severity, rules)


@pytest.mark.parametrize(
    ("target", "kind", "expected"),
    [
        ("probe/api", "endpoint_down", Category.AVAILABILITY),
        ("probe/api", "slow", Category.LATENCY),
        ("probe/api", "certificate_expiring", Category.SECURITY),
        ("model/m", "drift", Category.DRIFT),
        ("model/m", "prediction_drift", Category.DRIFT),
        ("model/m", "data_quality", Category.DATA_QUALITY),
        ("model/m", "accuracy_below_floor", Category.MODEL_QUALITY),
        ("model/m", "scoring_failed", Category.PLATFORM),
        ("service/shop", "HighP95Latency", Category.LATENCY),
        ("service/shop", "HTTP5xxErrors", Category.AVAILABILITY),
        ("service/shop", "HighCPULoad", Category.CAPACITY),
        ("service/shop", "RequestsP99", Category.LATENCY),
        ("pipeline/nightly", "stage.late", Category.PIPELINE),
        ("table/t", "gdpr-retention", Category.COMPLIANCE),
        ("project/p", "budget exceeded", Category.COST),
        ("business/shop", "conversion", Category.BUSINESS),
        ("probe/api", "http", Category.AVAILABILITY),
        ("model/m", "odd", Category.MODEL_QUALITY),
        ("Table/t", "odd", Category.DATA_QUALITY),
        ("queue/x", "odd", Category.PLATFORM),
        ("", "", Category.PLATFORM),
    ],
)
def test_kinds_and_targets_have_a_category_without_settings(target: str, kind: str, expected: Category) -> None:
    assert classify(target, kind, "s", Severity.INFO).category is expected


def test_the_first_rule_that_matches_counts() -> None:
    missed = Rule(kind="drift", category=Category.COST)
    first = Rule(target="service/*", kind="*latency*", category=Category.BUSINESS)
    last = Rule(category=Category.SECURITY)
    found = classed(missed, first, last)
    assert found.category is Category.BUSINESS
    assert found.reason == "rule 2 of the settings: target matches service/*, kind matches *latency*"


def test_a_rule_matches_everything_that_it_gives() -> None:
    of_errors = frozenset({Severity.ERROR})
    anything = Rule(category=Category.COST)
    others = (
        replace(anything, target="model/*"),
        replace(anything, kind="drift"),
        replace(anything, source="drift_score"),
    )
    assert {classed(rule).category for rule in others} == {Category.LATENCY}
    rule = Rule(source="prom*", severity=of_errors, category=Category.COST)
    assert classed(rule).reason == "rule 1 of the settings: source matches prom*, severity is error"
    assert classed(rule, severity=Severity.INFO).category is Category.LATENCY


def test_a_rule_may_give_another_severity_and_says_so() -> None:
    found = classed(Rule(category=Category.COST, becomes=Severity.CRITICAL))
    assert found.severity is Severity.CRITICAL
    assert found.reason == "rule 1 of the settings: matches everything; error becomes critical"
    same = classed(Rule(category=Category.COST, becomes=Severity.ERROR))
    assert same.severity is Severity.ERROR
    assert same.reason == "rule 1 of the settings: matches everything"


def test_the_reason_names_what_decided() -> None:
    def why(target: str, kind: str) -> str:
        return classify(target, kind, "s", Severity.INFO).reason

    assert why("model/m", "feature-Drift") == "kind contains drift"
    assert why("probe/api", "http") == "target type is probe"
    assert why("queue/x", "odd") == "default: no rule, kind or target type matches"


@given(NAMES, NAMES, NAMES, SEVERITIES, st.lists(RULES, max_size=4))
def test_without_the_rule_that_decided_the_others_decide_alike(
    target: str, kind: str, source: str, severity: Severity, rules: list[Rule]
) -> None:
    found = classify(target, kind, source, severity, rules)
    missed = [rule for rule in rules if classify(target, kind, source, severity, [rule]).reason.startswith("rule ")]
    if not missed:
        assert found == classify(target, kind, source, severity)
        return
    assert (found.category, found.severity) == (missed[0].category, missed[0].becomes or severity)
    assert found.reason.startswith(f"rule {1 + rules.index(missed[0])} of the settings: ")


@given(st.text(), st.text(), st.text(), SEVERITIES)
def test_any_text_has_a_class_and_keeps_its_severity(target: str, kind: str, source: str, severity: Severity) -> None:
    found = classify(target, kind, source, severity)
    assert found.severity is severity
    assert found.reason.isprintable()
