"""The tiles of the features that drift most: only those of the newest report, though older ones left series behind."""

import subprocess
from pathlib import Path

import pytest
import yaml

from infra import stage
from infra.lint import dashboard_files
from tests.support.checks import promtool

NAME = "aia_drift_top_feature_shift"
QUERIES = {(tile.file, query.plain) for tile, query in dashboard_files.read(stage.ROOT).asked if NAME in query.expr}
TICK = 15
"""Minutes between two reports."""
SCRAPED = 5
"""Minutes for which one machine scrapes a point; Cloud Monitoring has the point alone."""


def line(first: int, value: str, *, scraped: int) -> str:
    """The samples of a series, one a minute: at a tick, and perhaps scraped for some minutes."""
    samples = ["_"] * first + [value] * (1 + scraped)
    return " ".join(samples)


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
    rules = tmp_path / "rules.yaml"
    rules.write_text("groups: []\n")
    test = {
        "rule_files": [rules.name],
        "tests": [{"interval": "1m", "input_series": given, "promql_expr_test": expected}],
    }
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump(test))
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{file}: {done.stdout}{done.stderr}"


def test_both_dashboards_ask_for_them_and_look_back_two_ticks() -> None:
    assert {file for file, _ in QUERIES} == {"models.json", "technical.json"}
    assert all(f"[{2 * TICK}m]" in query for _, query in QUERIES)
