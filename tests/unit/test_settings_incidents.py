"""What incidents are and what they cost, as the settings say it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.events import Severity
from core.settings import Category, Dependency, ImpactPolicy, Maintenance, Policy, Revenue, Rule, parse
from functions.alert_intake.targets import SORTS
from tests.support.builders import settings as support
from tests.support.builders.settings import JUNK, MODEL, Path, faults, places, told

SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "models": [MODEL],
    "dependencies": [{"from": "stream/rebookings", "to": "model/flight-delay", "share": 0.5}],
    "revenue": {"stream/rebookings": {"dollars_per_hour": 2000, "uncertainty": 0.5}},
    "incidents": {
        "reopen_within": "1h",
        "join_within": "10m",
        "settle": "2m",
        "summary_every": "12h",
        "resolve_after": "7d",
        "ahead": "1m",
    },
    "rules": [
        {
            "when": {"target": "service/*", "kind": "*_latency", "source": "prometheus", "severity": ["error"]},
            "category": "latency",
            "severity": "critical",
        },
        {"category": "platform"},
    ],
    "impact": {"at_risk": {"warning": 0.2, "critical": 0.9}, "raise": {"error": 1000, "critical": 10000}},
    "maintenance": [
        {
            "name": "move",
            "targets": ["service/*", "model/flight-delay"],
            "start": datetime(2026, 2, 1, 22, tzinfo=UTC),
            "duration": "4h",
            "reason": "to the new region",
        },
        {"name": "backup", "targets": ["*"], "schedule": "0 3 * * sun", "duration": "30m"},
    ],
}


def changed(path: Path, value: object) -> dict[str, Any]:
    return support.changed(SAMPLE, path, value)


def test_the_policy_is_read_whole() -> None:
    assert parse(SAMPLE).incidents == Policy(
        reopen_within=timedelta(hours=1),
        join_within=timedelta(minutes=10),
        settle=timedelta(minutes=2),
        summary_every=timedelta(hours=12),
        resolve_after=timedelta(days=7),
        ahead=timedelta(minutes=1),
    )


def test_the_rules_are_read_whole_and_in_order() -> None:
    assert parse(SAMPLE).rules == (
        Rule(
            target="service/*",
            kind="*_latency",
            source="prometheus",
            severity=frozenset({Severity.ERROR}),
            category=Category.LATENCY,
            becomes=Severity.CRITICAL,
        ),
        Rule(category=Category.PLATFORM),
    )


def test_what_is_at_risk_is_read_whole() -> None:
    settings = parse(SAMPLE)
    assert settings.impact == ImpactPolicy(
        at_risk={Severity.INFO: 0.0, Severity.WARNING: 0.2, Severity.ERROR: 0.5, Severity.CRITICAL: 0.9},
        raises={Severity.ERROR: 1000.0, Severity.CRITICAL: 10000.0},
    )
    assert dict(settings.revenue) == {"stream/rebookings": Revenue(dollars_per_hour=2000.0, uncertainty=0.5)}
    assert settings.dependencies == (Dependency(target="stream/rebookings", needs="model/flight-delay", share=0.5),)


@pytest.mark.parametrize("sort", sorted(set(SORTS.values()) - {"model", "probe", "table"}))
def test_what_only_foreign_alerts_are_about_may_be_needed_and_may_earn(sort: str) -> None:
    target = f"{sort}/web_1.internal:9090"
    settings = parse(changed(("dependencies", 0, "to"), target) | {"revenue": {target: {"dollars_per_hour": 5}}})
    assert settings.dependencies[0].needs == target
    assert settings.revenue[target] == Revenue(dollars_per_hour=5)


def test_times_of_maintenance_are_read_whole() -> None:
    assert parse(SAMPLE).maintenance == (
        Maintenance(
            name="move",
            targets=("service/*", "model/flight-delay"),
            start=datetime(2026, 2, 1, 22, tzinfo=UTC),
            duration=timedelta(hours=4),
            reason="to the new region",
        ),
        Maintenance(name="backup", targets=("*",), schedule="0 3 * * sun", duration=timedelta(minutes=30)),
    )


def test_what_is_left_out_is_what_the_types_say() -> None:
    settings = parse({"version": 1, "jobs": {}, "revenue": {"stream/x": {"dollars_per_hour": 1}}})
    assert (settings.incidents, settings.rules, settings.maintenance) == (Policy(), (), ())
    assert settings.impact == ImpactPolicy()
    assert settings.revenue["stream/x"] == Revenue(dollars_per_hour=1)
    empty = parse({"version": 1, "jobs": {}, "incidents": {}, "impact": {}})
    assert (empty.incidents, empty.impact) == (Policy(), ImpactPolicy())


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("dependencies", 0, "share"), 1.5, "dependencies[0].share: must be a number from 0 to 1, got 1.5"),
        (("revenue", "stream/rebookings", "uncertainty"), -0.1, "revenue.stream/rebookings.uncertainty: must be a num"),
        (("incidents", "reopen_within"), "8d", "incidents.reopen_within: must be 0s to 7d"),
        (("incidents", "join_within"), "2d", "incidents.join_within: must be 0s to 1d"),
        (("incidents", "settle"), "2h", "incidents.settle: must be 0s to 1h"),
        (("incidents", "summary_every"), "1m", "incidents.summary_every: must be 1h to 30d"),
        (("incidents", "resolve_after"), "1m", "incidents.resolve_after: must be 1h to 365d"),
        (("incidents", "ahead"), "2h", "incidents.ahead: must be 0s to 1h"),
        (("incidents", "setle"), "2m", "incidents.setle: must be a known key (perhaps 'settle'), got 'setle'"),
        (("rules", 0, "category"), ..., "rules[0].category: must be given, got None"),
        (("rules", 0, "category"), "slow", "rules[0].category: must be one of availability, latency, drift, model_q"),
        (
            ("rules", 0, "severity"),
            "bad",
            "rules[0].severity: must be one of info, warning, error, critical, got 'bad'",
        ),
        (("rules", 0, "when", "kind"), "lat?ncy", "rules[0].when.kind: must be a pattern: a text in which * "),
        (("rules", 0, "when", "target"), "", "rules[0].when.target: must be a pattern: a text in which * "),
        (("rules", 0, "when", "source"), 1, "rules[0].when.source: must be a pattern: a text in which * "),
        (("rules", 0, "when", "severity"), [], "rules[0].when.severity: must be a list of at least 1"),
        (("rules", 0, "when", "category"), "x", "rules[0].when.category: must be a known key: kind, severity, source,"),
        (("impact", "at_risk", "warning"), 2, "impact.at_risk.warning: must be a number from 0 to 1, got 2"),
        (("impact", "at_risk", "bad"), 0, "impact.at_risk.bad: must be one of info, warning, error, critical, got"),
        (("impact", "raise", "error"), -1, "impact.raise.error: must be a number from 0 to 1e+12, got -1"),
        (
            ("impact", "raise", "critical"),
            1000,
            "impact.raise.critical: must be more than that of error, which is 1000, got 1000",
        ),
        (
            ("impact", "raise", "warning"),
            5000,
            "impact.raise.error: must be more than that of warning, which is 5000, got 1000",
        ),
        (
            ("impact", "raise", "info"),
            1,
            "impact.raise.info: must not be given: every incident is at least that, got 1",
        ),
        (("maintenance", 0, "start"), ..., "maintenance[0].start: must be given, or schedule must, got None"),
        (
            ("maintenance", 0, "schedule"),
            "0 3 * * *",
            "maintenance[0].schedule: must not be given where start is given, got '0 3 * * *'",
        ),
        (("maintenance", 0, "start"), "tonight", "maintenance[0].start: must be an instant with its time zone"),
        (("maintenance", 1, "schedule"), "daily", "maintenance[1].schedule: must be a cron expression: must have five"),
        (
            ("maintenance", 1, "time_zone"),
            "Berlin",
            "maintenance[1].time_zone: must be the name of an IANA time zone, as in 'Europe/Berlin'",
        ),
        (("maintenance", 0, "duration"), "31d", "maintenance[0].duration: must be 1m to 30d"),
        (("maintenance", 0, "duration"), ..., "maintenance[0].duration: must be given, got None"),
        (("maintenance", 0, "targets"), [], "maintenance[0].targets: must be a list of at least 1"),
        (
            ("maintenance", 0, "targets", 1),
            "model/x",
            "maintenance[0].targets[1]: must be the name of a model, got 'x'",
        ),
        (("maintenance", 1, "name"), "move", "maintenance[1].name: must be unique among the maintenance names, got"),
    ],
)
def test_a_fault_names_the_key_what_is_allowed_and_what_was_given(path: Path, value: object, fault: str) -> None:
    [found] = faults(changed(path, value))
    assert found.startswith(fault)


def test_every_fault_is_told_at_once() -> None:
    raw = changed(("incidents", "settle"), 1)
    raw["rules"][0]["category"] = 1
    raw["impact"]["raise"] = []
    raw["maintenance"][1]["name"] = "Backup"
    assert [fault.split(":")[0] for fault in faults(raw)] == [
        "incidents.settle",
        "rules[0].category",
        "impact.raise",
        "maintenance[1].name",
    ]


def test_nothing_of_it_can_be_changed() -> None:
    impact = parse(SAMPLE).impact
    with pytest.raises(TypeError):
        impact.at_risk[Severity.INFO] = 1.0  # type: ignore[index]  # the very thing that must fail
    with pytest.raises(TypeError):
        impact.raises[Severity.INFO] = 1.0  # type: ignore[index]  # the very thing that must fail


SECTIONS = ["dependencies", "revenue", "incidents", "rules", "impact", "maintenance"]


@given(st.sampled_from(SECTIONS), JUNK)
def test_any_junk_for_a_section_is_refused_with_faults_and_nothing_else(section: str, raw: object) -> None:
    assert told(SAMPLE | {section: raw})


@given(st.sampled_from([path for path in places(SAMPLE) if path[0] in SECTIONS]), JUNK)
def test_junk_anywhere_is_refused_with_faults_or_is_right(path: Path, junk: object) -> None:
    assert told(changed(path, junk))
