"""`aia drift`: two files in, a table, a page or JSON out, and an exit status for CI."""

import re
from pathlib import Path

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from core.drift import Thresholds
from functions.cli.main import main
from tests.support.builders.drift_command import Page, csv, drift, feature, parquet, told

pytest_plugins = ["tests.support.builders.drift_command_fixtures"]


def test_july_has_drifted_from_january_and_is_warmer(months: tuple[Path, Path, Path]) -> None:
    document = told(months[0], months[2])
    assert document["reason"] == "drift"
    assert document["features"][0]["name"] == "temperature"
    assert feature(document, "temperature")["shift"] > 3
    assert feature(document, "carrier")["shift"] is None
    assert feature(document, "origin")["reason"] == "no_change"
    assert document["left_out"] == {"scheduled": "holds times"}
    outside = {issue["feature"] for issue in document["quality"] if issue["issue"] == "out_of_range"}
    assert outside == {"temperature", "dew_point"}


def test_two_halves_of_january_have_not_drifted(months: tuple[Path, Path, Path]) -> None:
    document = told(months[0], months[1])
    assert document["drifted"] == []
    assert drift(months[0], months[1], "--fail").exit_code == 0


def test_a_month_compared_with_itself_differs_in_nothing(months: tuple[Path, Path, Path]) -> None:
    document = told(months[0], months[0])
    assert {part["strength"] for part in document["features"]} == {0.0}
    assert all(share["reference"] == share["current"] for part in document["features"] for share in part["bins"])


def test_csv_and_parquet_of_the_same_rows_say_the_same(months: tuple[Path, Path, Path], tmp_path: Path) -> None:
    same = tmp_path / "january_b.csv"
    pa_csv.write_csv(pq.read_table(months[1]), same)
    from_csv, from_parquet = told(months[0], same), told(months[0], months[1])
    for part in from_parquet["features"]:
        assert feature(from_csv, part["name"])["bins"] == part["bins"]
        assert feature(from_csv, part["name"])["reason"] == part["reason"]


def test_the_shares_of_the_segments_add_up_to_one(months: tuple[Path, Path, Path]) -> None:
    document = told(months[0], months[2], "--by", "origin")
    drifted = [part for part in document["features"] if part["drifted"]]
    assert drifted
    for part in drifted:
        assert {segment["segment"] for segment in part["segments"]} == {"EWR", "JFK", "LGA"}
        assert sum(segment["share"] for segment in part["segments"]) == pytest.approx(1)


def test_the_segment_that_moved_is_named_first_even_when_its_column_is_ignored(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    city = rng.choice(["Oslo", "Rome", "Bonn"], 6000)
    age = rng.normal(40, 10, 6000)
    old = parquet(tmp_path / "old.parquet", {"age": age, "city": city})
    new = parquet(tmp_path / "new.parquet", {"age": age + 15 * (city == "Rome"), "city": city})
    document = told(old, new, "--by", "city", "--ignore", "city")
    assert document["left_out"] == {"city": "ignored"}
    first = feature(document, "age")["segments"][0]
    assert (first["segment"], round(first["share"], 1)) == ("Rome", 1.0)
    assert re.search(r"age +Rome +[\d.]+%", drift(old, new, "--by", "city").stdout)


def test_the_table_ranks_the_features_and_states_the_policy(months: tuple[Path, Path, Path]) -> None:
    output = drift(months[0], months[2], "--by", "origin").stdout
    assert f"{len(told(months[0], months[2])['drifted'])} of 13 features drifted" in output
    assert output.index("temperature") < output.index("distance") < output.index("no change")
    assert re.search(r"temperature +drifted +3\.\d\d +\+4\.\d\d", output)
    assert re.search(r"sample +temperature: [\d,]+ rows, effective sample size \d\d", output)
    assert "as a shift by 0.07 sd" in output
    assert "left out scheduled: holds times" in output


def test_a_narrow_terminal_gets_a_table_without_the_tests(months: tuple[Path, Path, Path]) -> None:
    result = CliRunner().invoke(main, ["drift", str(months[0]), str(months[2])], env={"COLUMNS": "80"})
    assert max(map(len, result.stdout.splitlines()[:18])) <= 80
    assert "PSI" not in result.stdout
    assert "PSI" in drift(months[0], months[2]).stdout


def test_the_statistics_that_are_named_are_shown_everywhere(months: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    usual, named = (months[0], months[2]), (months[0], months[2], "--statistic", "tvd", "--statistic", "ks")
    head = next(line for line in drift(*named, "--html", path).stdout.splitlines() if "strength" in line)
    assert head.split()[4:7] == ["q", "KS", "TVD"]
    assert "TVD" not in drift(*usual).stdout
    assert list(feature(told(*usual), "carrier")["tests"]) == ["ks", "psi", "wasserstein", "js", "chi2"]
    found = feature(told(*named), "carrier")["tests"]
    assert list(found) == ["ks", "tvd"]
    assert found["ks"]["value"] is None
    shares = feature(told(*named), "carrier")["bins"]
    moved = sum(abs(share["current"] - share["reference"]) for share in shares) / 2
    assert found["tvd"]["value"] == pytest.approx(moved)
    assert told(*named)["drifted"] == told(*usual)["drifted"]
    page = Page(path.read_text(encoding="utf-8"))
    assert re.search(r"TVD 0\.\d{3}", page.text)
    assert "TVD: It sees no move within a bin" in page.text
    assert "PSI" not in page.text


def test_a_statistic_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path = csv(tmp_path / "x.csv", "x\n1\n")
    result = drift(path, path, "--statistic", "tdv")
    assert result.exit_code == 2
    assert "'tdv' is not one of 'ks', 'psi', 'wasserstein'" in result.stderr


@pytest.mark.parametrize(("options", "status"), [((), 0), (("--fail",), 1), (("--json", "--fail"), 1)])
def test_drift_is_a_failure_only_when_asked_for(
    months: tuple[Path, Path, Path], options: tuple[str, ...], status: int
) -> None:
    assert drift(months[0], months[2], *options).exit_code == status


@pytest.mark.parametrize("rows", [1, 12])
def test_few_rows_get_no_verdict_and_fail_asks_for_one(tmp_path: Path, rows: int) -> None:
    old = parquet(tmp_path / "old.parquet", {"x": np.arange(500.0)})
    new = parquet(tmp_path / "new.parquet", {"x": np.arange(rows) + 1e6})
    assert told(old, new)["reason"] == "insufficient_data"
    assert "No verdict: a file has fewer than 30 rows" in drift(old, new).stdout
    assert drift(old, new).exit_code == 0
    assert drift(old, new, "--fail").exit_code == 3


def test_the_minimum_of_rows_can_be_lowered(tmp_path: Path) -> None:
    old = parquet(tmp_path / "old.parquet", {"x": np.arange(500.0)})
    new = parquet(tmp_path / "new.parquet", {"x": np.arange(12) + 1e6})
    assert told(old, new, "--minimum-rows", "12")["drifted"] == ["x"]


def test_the_smallest_shift_that_matters_can_be_raised(tmp_path: Path) -> None:
    values = np.random.default_rng(4).normal(0, 1, 5000)
    old = parquet(tmp_path / "old.parquet", {"x": values})
    new = parquet(tmp_path / "new.parquet", {"x": values + 0.3})
    assert told(old, new)["drifted"] == ["x"]
    document = told(old, new, "--shift", "0.5")
    assert feature(document, "x")["reason"] == "small_change"
    assert "small change" in drift(old, new, "--shift", "0.5").stdout


def test_the_guide_states_what_the_thresholds_mean() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "drift-command.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$", guide, re.MULTILINE)
    assert float(rows[0][0]) == Thresholds().shift
    for shift, *stated in rows:
        meaning = Thresholds(shift=float(shift)).meaning
        assert [
            round(meaning[name], len(text) - 2) for name, text in zip(("ks", "psi", "js", "tvd"), stated, strict=True)
        ] == [float(text) for text in stated]


def test_help_states_the_exit_status_and_the_defaults_that_hold() -> None:
    text = " ".join(drift("--help").stdout.split())
    assert "Exit status: 0 when the comparison was made; 2 when" in text
    assert "With --fail-on: 1 when what it names was found, 3 when" in text
    assert f"in sd. [default: {Thresholds().shift}]" in text
    assert f"for a verdict. [default: {Thresholds().minimum_rows}]" in text
