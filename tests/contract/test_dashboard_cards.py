"""The cards of a system whose watchers fall silent, in Prometheus itself: unknown is not zero, and silent is not well."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.builders.deployed_files import BOARDS
from tests.support.checks import promtool

pytestmark = promtool.needed

SILENT = 60
"""The minute after which nobody does anything any more."""
HEARTBEAT = "aia_heartbeat_timestamp_seconds"
WATCHERS = {"health_check": 300, "incident_sweep": 300, "action_runner": 300, "drift_score": 1200}
COUNTERS = {"bi_rollup": 900, "pipeline_monitor": 900, "telemetry_rollup": 900, "service_rollup": 900}
"""Seconds from which each is silent."""


def expr(title: str, *, file: str = "operations.json", interval: str = "1m") -> str:
    [query] = [query for tile, query in BOARDS.asked if (tile.file, tile.title) == (file, title)]
    return replace(query, expr=query.expr.replace("${__interval}", interval)).plain


def series(name: str, each: str, **labels: str) -> dict[str, str]:
    chosen = ", ".join(f'{label}="{value}"' for label, value in labels.items())
    return {"series": f"{name}{{{chosen}}}", "values": each}


def until_silent(values: str) -> str:
    return f"{values}x{SILENT} _x400"


WRITTEN = [
    *(series(HEARTBEAT, until_silent("0+60"), function=name) for name in {**WATCHERS, **COUNTERS}),
    series("aia_probe_up", until_silent("0"), probe="web"),
    series("aia_probe_up", until_silent("1"), probe="db"),
    series("aia_probe_certificate_expiry_seconds", until_silent("900000"), probe="web"),
]


def asked(title: str, minute: int, value: float | None) -> dict[str, Any]:
    samples = [] if value is None else [{"labels": "{}", "value": value}]
    return {"expr": expr(title), "eval_time": f"{minute}m", "exp_samples": samples}


def failing(folder: Path, questions: list[dict[str, Any]], written: list[dict[str, str]]) -> list[str]:
    path = folder / "cards.yaml"
    test = {"interval": "1m", "input_series": written, "promql_expr_test": questions}
    path.write_text(yaml.safe_dump({"tests": [test]}, width=10_000))
    return promtool.failing([path])


def silent(limits: dict[str, int], minute: int) -> int:
    return sum((minute - SILENT) * 60 > limit for limit in limits.values())


@pytest.mark.parametrize(
    ("title", "limits"),
    [
        ("Monitoring and action functions without heartbeat", WATCHERS),
        ("Rollup and pipeline functions without heartbeat", COUNTERS),
    ],
)
def test_a_function_is_silent_from_the_limit_of_its_own_rule_on_and_for_good(
    tmp_path: Path, title: str, limits: dict[str, int]
) -> None:
    """Also when its last heartbeat is out of sight: a heartbeat that is nowhere is none."""
    minutes = [SILENT, 64, 65, 66, 75, 76, 80, 81, 119, 121, 181, 200, 400]
    questions = [asked(title, minute, silent(limits, minute)) for minute in minutes]
    assert failing(tmp_path, questions, WRITTEN) == []
    assert silent(limits, 400) == len(limits)


def test_a_function_that_never_did_anything_is_silent(tmp_path: Path) -> None:
    questions = [
        asked("Monitoring and action functions without heartbeat", 5, len(WATCHERS)),
        asked("Rollup and pipeline functions without heartbeat", 5, len(COUNTERS)),
    ]
    assert failing(tmp_path, questions, [series("up", "1x10")]) == []


@pytest.mark.parametrize(
    ("title", "value", "sight"),
    [("Probes down", 1, 10), ("Time to next certificate expiry (s)", 900_000, 60)],
)
def test_what_nobody_checks_any_more_has_no_value(tmp_path: Path, title: str, value: float, sight: int) -> None:
    questions = [asked(title, SILENT, value), asked(title, SILENT + sight + 1, None)]
    assert failing(tmp_path, questions, WRITTEN) == []


def test_no_probe_is_down_where_all_are_up(tmp_path: Path) -> None:
    questions = [asked("Probes down", 10, 0)]
    assert failing(tmp_path, questions, [series("aia_probe_up", "1x20", probe="db")]) == []


def test_a_message_that_waits_is_held_against_the_limit_of_who_must_take_it(tmp_path: Path) -> None:
    age = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
    ages = {"alert-intake": 7, "incident-router-findings": 9, "bi-rollup": 800, "bi-rollup-dead-letter": 9000}
    written = [series(age, f"{value}x10", subscription_id=name) for name, value in ages.items()]
    questions = [
        asked("Oldest unacked alert or finding (s)", 5, 9),
        asked("Oldest unacked message, other subscriptions (s)", 5, 800),
    ]
    assert failing(tmp_path, questions, written) == []


@pytest.mark.parametrize(
    ("file", "title", "written", "seen"),
    [
        (
            "executive.json",
            "Open incidents by severity",
            series("aia_incidents_open", "0x10 1x100 0x20", severity="critical"),
            {"severity": "critical", "value": 1},
        ),
        (
            "operations.json",
            "Status by probe (1 = up, 0 = down at any time in the interval)",
            series("aia_probe_up", "1x10 0x20 1x100", probe="web"),
            {"probe": "web", "value": 0},
        ),
    ],
)
def test_what_was_between_two_points_of_a_chart_is_on_the_later_one(
    tmp_path: Path, file: str, title: str, written: dict[str, str], seen: dict[str, Any]
) -> None:
    """Points of 30 days are two hours apart."""
    [(label, name)] = [(key, value) for key, value in seen.items() if key != "value"]
    samples = [{"labels": f'{{{label}="{name}"}}', "value": seen["value"]}]
    question = {"expr": expr(title, file=file, interval="2h"), "eval_time": "120m", "exp_samples": samples}
    assert failing(tmp_path, [question], [written]) == []


def test_a_chart_of_what_was_counted_has_no_series_of_nothing_beside_it(tmp_path: Path) -> None:
    counter = series("aia_notifications_total", "0x5 3x200", outcome="sent", channel="log")
    title = "Notifications by outcome"
    questions = [
        {
            "expr": expr(title, interval="2h"),
            "eval_time": "60m",
            "exp_samples": [{"labels": '{outcome="sent"}', "value": 3}],
        },
        {"expr": expr(title, interval="2h"), "eval_time": "600m", "exp_samples": [{"labels": "{}", "value": 0}]},
    ]
    assert failing(tmp_path, questions, [counter]) == []
