"""Tiles whose query chooses series: the features that drift most, of the newest report only; the detections with something open."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.builders.deployed_files import BOARDS
from tests.support.checks import promtool

NAME = "aia_drift_top_feature_shift"
OPEN = "aia_security_open"
QUERIES = {(tile.file, query.plain) for tile, query in BOARDS.asked if NAME in query.expr}
TICK = 15
"""Minutes between two reports."""
SCRAPED = 5
"""Minutes for which one machine scrapes a point; Cloud Monitoring has the point alone."""


def line(first: int, value: str, *, scraped: int) -> str:
    """The samples of a series, one a minute: at a tick, and perhaps scraped for some minutes."""
    samples = ["_"] * first + [value] * (1 + scraped)
    return " ".join(samples)


def check(folder: Path, given: list[dict[str, str]], expected: list[dict[str, Any]]) -> None:
    """Let promtool compare what queries give of series, a sample a minute."""
    rules = folder / "rules.yaml"
    rules.write_text("groups: []\n")
    test = {
        "rule_files": [rules.name],
        "tests": [{"interval": "1m", "input_series": given, "promql_expr_test": expected}],
    }
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{expected[0]['expr']}: {done.stdout}{done.stderr}"


@promtool.needed
@pytest.mark.parametrize("scraped", [0, SCRAPED])
@pytest.mark.parametrize(("file", "query"), sorted(QUERIES))
def test_a_feature_that_is_replaced_is_gone_when_the_next_report_is_there(
    tmp_path: Path, file: str, query: str, scraped: int
) -> None:
    """`age` leads until minute 15, `city` after it; then no report comes, and what the last hour knew is shown, and nothing after it."""
    series = {"age": (0, "3"), "city": (TICK, "2")}
    given = [
        {"series": f'{NAME}{{model="m", feature="{name}"}}', "values": line(first, value, scraped=scraped)}
        for name, (first, value) in series.items()
    ]
    shown = {0: ["age"], 7: ["age"], TICK - 1: ["age"], TICK: ["city"], TICK + 4: ["city"], TICK + 9: ["city"]}
    shown |= {TICK + 14: ["city"], 2 * TICK + 10: ["city"], 3 * TICK + 6: ["age", "city"], TICK + 70: []}
    expected = [
        {
            "expr": query,
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": f'{{model="m", feature="{name}"}}', "value": float(series[name][1])} for name in names
            ],
        }
        for minute, names in shown.items()
    ]
    check(tmp_path, given, expected)


@promtool.needed
def test_of_the_detections_those_with_something_open_are_shown_and_where_none_has_a_zero(tmp_path: Path) -> None:
    [query] = {query.plain for _, query in BOARDS.asked if OPEN in query.expr}
    values = {"privilege_grant": "0 0 2 _x80", "brute_force": "0 3 1 _x80", "key_made": "0 0 0 _x80"}
    given = [{"series": f'{OPEN}{{detection="{name}"}}', "values": text} for name, text in values.items()]
    shown = {0: {"none": 0}, 1: {"brute_force": 3}, 2: {"privilege_grant": 2, "brute_force": 1}, 80: {}}
    expected = [
        {
            "expr": query,
            "eval_time": f"{minute}m",
            "exp_samples": [{"labels": f'{{detection="{name}"}}', "value": n} for name, n in found.items()],
        }
        for minute, found in shown.items()
    ]
    check(tmp_path, given, expected)
    assert query.startswith("sort_desc(")


def test_both_dashboards_ask_for_them_and_look_back_two_ticks() -> None:
    assert {file for file, _ in QUERIES} == {"models.json", "technical.json"}
    assert all(f"[{2 * TICK}m]" in query for _, query in QUERIES)
