"""`aia drift`: two files in, a table, a page or JSON out, and an exit status for CI."""

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from core.drift import Thresholds
from functions.cli.main import main
from infra.local.replay.flights import FLIGHTS

Columns = Mapping[str, Any]


def drift(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["drift", *map(str, arguments)], env={"COLUMNS": "140"})


def told(*arguments: str | Path) -> dict[str, Any]:
    result = drift(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def refused(*arguments: str | Path) -> str:
    """The one line that a refusal is."""
    result = drift(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    return line


def parquet(path: Path, columns: Columns) -> Path:
    pq.write_table(pa.table(dict(columns)), path)
    return path


def csv(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def feature(document: dict[str, Any], name: str) -> dict[str, Any]:
    return next(part for part in document["features"] if part["name"] == name)


@pytest.fixture(scope="module")
def months(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """January and July of the flights: January in two halves, July as CSV."""
    folder = tmp_path_factory.mktemp("months")
    flights = pq.read_table(FLIGHTS).drop_columns(["flight", "late"])
    month = pc.month(flights["scheduled"])
    january, july = (flights.filter(pc.equal(month, number)) for number in (1, 7))
    order = np.random.default_rng(5).permutation(january.num_rows)
    halves = [folder / "january_a.parquet", folder / "january_b.parquet"]
    for path, rows in zip(halves, np.array_split(order, 2), strict=True):
        pq.write_table(january.take(np.sort(rows)), path)
    pa_csv.write_csv(july, folder / "july.csv")
    return halves[0], halves[1], folder / "july.csv"


class Page(HTMLParser):
    """What a browser makes of the page: its elements, their attributes and the text between them."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


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
    assert re.search(r"age +Rome +\d+ %", drift(old, new, "--by", "city").stdout)


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
    assert f"no verdict. [default: {Thresholds().minimum_rows}]" in text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "must be CSV or parquet, is empty"),
        (b" \n\n", "must be CSV or parquet, is empty"),
        (b"x,y\n", "must have rows, has only the header 'x', 'y'"),
        (b"x,y\n1,2\n3\n", "Expected 2 columns, got 1: 3"),
        (b"PAR1 and no more", "Parquet"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "must be CSV (UTF-8) or parquet, is neither"),
        ("x,y\n1,2\n".encode("utf-16"), "must be CSV (UTF-8) or parquet, is neither"),
        (b"x\xff,y\n1,2\n", "must be UTF-8 text or parquet"),
        (b"x,x\n1,2\n", "column names must differ, got 'x' more than once"),
    ],
)
def test_a_bad_file_is_one_line_that_names_it(tmp_path: Path, content: bytes, said: str) -> None:
    good = csv(tmp_path / "good.csv", "x,y\n1,2\n")
    bad = csv(tmp_path / "bad.csv", content)
    for pair in ((good, bad), (bad, good)):
        line = refused(*pair)
        assert str(bad) in line
        assert said in line


def test_a_file_that_is_not_there_and_a_folder_are_one_line(tmp_path: Path) -> None:
    good = csv(tmp_path / "good.csv", "x\n1\n")
    empty = tmp_path / "none.parquet"
    pq.write_table(pa.table({}), empty)
    assert "none.parquet: must have columns, has none" in refused(good, empty)
    assert "nowhere.csv: no such file or directory" in refused(good, tmp_path / "nowhere.csv")
    assert f"{tmp_path}: must be a file" in refused(tmp_path, good)


def test_a_missing_column_is_an_issue_and_the_others_are_compared(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    columns = {"age": rng.normal(40, 9, 900), "gone": rng.normal(size=900), "city": rng.choice(["a", "b"], 900)}
    old = parquet(tmp_path / "old.parquet", columns)
    new = parquet(
        tmp_path / "new.parquet", {"age": columns["age"] + 5, "city": columns["city"], "more": columns["gone"]}
    )
    document = told(old, new)
    assert document["drifted"] == ["age"]
    assert feature(document, "gone")["reason"] == "absent"
    assert [(issue["feature"], issue["issue"]) for issue in document["quality"]] == [("gone", "absent")]
    assert document["left_out"] == {"more": f"only in {new}"}
    output = drift(old, new).stdout
    assert "quality  gone: the column is missing" in output
    assert re.search(r"gone +absent", output)
    assert told(old, new, "--ignore", "gone")["quality"] == []
    assert f"{new}: has no column 'gone', which --by names" in refused(old, new, "--by", "gone")
    other = parquet(tmp_path / "other.parquet", {"more": columns["gone"]})
    assert f"{other}: has none of the columns 'age', 'gone', 'city' of {old}" in refused(old, other)


@pytest.mark.parametrize(
    ("old", "new", "kinds"),
    [
        ("1\n2", "1\nunknown", ("numbers", "text")),
        ("north\nsouth", "1\n2", ("text", "numbers")),
        ("true\nfalse", "1\n0", ("booleans", "numbers")),
        ("true\nfalse", "true\nmaybe", ("booleans", "text")),
        ("2013-01-01\n2013-01-02", "5\n6", ("times", "numbers")),
        ("5\n6", "2013-01-01\n2013-01-02", ("numbers", "times")),
    ],
)
def test_a_column_of_another_type_is_an_issue_and_the_others_are_compared(
    tmp_path: Path, old: str, new: str, kinds: tuple[str, str]
) -> None:
    def table(name: str, values: str, shift: float) -> Path:
        ages = np.random.default_rng(6).normal(40 + shift, 9, 200)
        rows = zip(ages, values.split("\n") * 100, strict=True)
        return csv(tmp_path / name, "age,x\n" + "".join(f"{age:.3f},{value}\n" for age, value in rows))

    document = told(table("old.csv", old, 0), table("new.csv", new, 9))
    assert "age" in document["drifted"]
    [issue] = [issue for issue in document["quality"] if issue["issue"] == "type_changed"]
    assert (issue["feature"], issue["detail"]) == ("x", f"{kinds[0]} in the reference, {kinds[1]} now")
    line = f"quality  x: the type changed ({issue['detail']})"
    assert line in drift(tmp_path / "old.csv", tmp_path / "new.csv").stdout


def test_a_column_without_a_verdict_is_not_called_steady(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    same = rng.normal(size=900)
    old = parquet(tmp_path / "old.parquet", {"age": same, "gone": same, "kind": same})
    new = parquet(tmp_path / "new.parquet", {"age": same, "kind": np.array(["a", "b", "c"] * 300)})
    page = tmp_path / "page.html"
    sentence = "No drift in 1 feature; no verdict for gone (absent), kind (type changed)"
    assert sentence in drift(old, new, "--html", page).stdout
    assert sentence in Page(page.read_text(encoding="utf-8")).text
    assert told(old, new)["without_verdict"] == ["gone", "kind"]
    assert told(old, old)["without_verdict"] == []
    assert drift(old, new).exit_code == 0
    assert drift(old, new, "--fail-on", "drift").exit_code == 3
    assert drift(old, new, "--fail", "--fail-on", "quality").exit_code == 1
    assert "No verdict: gone (absent), kind (type changed)" in drift(old, new, "--ignore", "age").stdout


def test_files_without_a_feature_to_compare_get_no_verdict(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", {"x": np.ones(900)})
    assert "No verdict: no feature to compare" in drift(path, path).stdout
    assert drift(path, path).exit_code == 0
    assert drift(path, path, "--fail").exit_code == 3


def test_a_drifted_column_does_not_hide_that_another_has_no_verdict(tmp_path: Path) -> None:
    values = np.random.default_rng(10).normal(size=900)
    old = parquet(tmp_path / "old.parquet", {"age": values, **{f"gone{k}": values for k in range(5)}})
    new = parquet(tmp_path / "new.parquet", {"age": values + 3})
    expected = "1 of 6 features drifted; no verdict for gone0 (absent), gone1 (absent), gone2 (absent) and 2 more"
    assert expected in drift(old, new).stdout
    assert drift(old, new, "--fail").exit_code == 1


def test_a_mean_that_overflows_is_not_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    old = parquet(tmp_path / "old.parquet", {"x": rng.normal(size=900)})
    new = parquet(tmp_path / "new.parquet", {"x": rng.choice([1e308, -1e308], 900)})
    with np.errstate(over="ignore", invalid="ignore"):
        output = drift(old, new).stdout
    assert re.search(r"tail +x: ", output)
    assert "nan" not in output


def test_codes_are_compared_as_text_when_one_file_has_only_numbers(tmp_path: Path) -> None:
    old = csv(tmp_path / "old.csv", "code\n" + "007\n008\n" * 50)
    new = csv(tmp_path / "new.csv", "code\n" + "007\nA08\n" * 50)
    document = told(old, new, "--categorical", "code")
    shares = {part["label"]: (part["reference"], part["current"]) for part in feature(document, "code")["bins"]}
    assert shares == {"007": (0.5, 0.5), "008": (0.5, 0.0), "new": (0.0, 0.5)}


def test_numbers_named_categorical_are_categories_and_others_are_ranges(tmp_path: Path) -> None:
    rng = np.random.default_rng(8)
    old = parquet(tmp_path / "old.parquet", {"zone": rng.integers(0, 5, 900)})
    new = parquet(tmp_path / "new.parquet", {"zone": rng.integers(0, 5, 900)})
    assert feature(told(old, new), "zone")["kind"] == "numeric"
    named = feature(told(old, new, "--categorical", "zone"), "zone")
    assert named["kind"] == "categorical"
    assert {part["label"] for part in named["bins"]} == {"0", "1", "2", "3", "4"}


@pytest.mark.parametrize("option", ["--by", "--ignore", "--categorical", "--numeric"])
def test_an_option_that_names_no_column_is_refused(tmp_path: Path, option: str) -> None:
    path = csv(tmp_path / "x.csv", "x\n1\n")
    assert f"{option}: must name a column of 'x', got 'nope'" in refused(path, path, option, "nope")


def test_limits_out_of_range_and_nothing_to_compare_are_refused(tmp_path: Path) -> None:
    path = csv(tmp_path / "x.csv", "x,when\n1,2013-01-01\n")
    assert "--minimum-rows: must be at least 2, got 1" in refused(path, path, "--minimum-rows", "1")
    assert "--shift: must be above 0" in refused(path, path, "--shift", "0")
    assert "must have a column to compare, has none" in refused(path, path, "--ignore", "x")
    assert "--by: must name a column of text, booleans or numbers" in refused(path, path, "--by", "when")


def test_a_page_is_never_written_over_an_input_nor_where_it_can_not_be(tmp_path: Path) -> None:
    path = csv(tmp_path / "x.csv", "x\n1\n")
    assert "must be another file than the two compared" in refused(path, path, "--html", path)
    assert path.read_text() == "x\n1\n"
    assert "can not be written" in refused(path, path, "--html", tmp_path / "no" / "page.html")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, delimiter: str) -> None:
    path = csv(tmp_path / "x.csv", f"x{delimiter}y\n1{delimiter}a\n2{delimiter}b\n")
    assert [part["kind"] for part in told(path, path)["features"]] == ["numeric", "categorical"]


def test_every_kind_of_column_finds_its_place(tmp_path: Path) -> None:
    n = 60
    path = parquet(
        tmp_path / "x.parquet",
        {
            "number": pa.array(range(n), pa.int16()),
            "half": pa.array(np.arange(n), pa.float16()),
            "price": pa.array(range(n), pa.int64()).cast(pa.decimal128(21, 2)),
            "flag": pa.array([True, None] * 30),
            "city": pa.array(["a", "b", None] * 20),
            "code": pa.array(["a", "b", "c"] * 20).dictionary_encode(),
            "grade": pa.array(["a", "b", "c"] * 20, pa.large_string()),
            "bytes": pa.array([b"a", b"\xff", b"c"] * 20),
            "when": pa.array(range(n), pa.timestamp("s")),
            "day": pa.array(range(n), pa.date32()),
            "took": pa.array(range(n), pa.duration("s")),
            "tags": pa.array([[1]] * n),
            "void": pa.nulls(n),
            "blank": pa.array([None] * n, pa.string()),
            "id": pa.array([f"row {k}" for k in range(n)]),
            "": pa.array(range(n)),
            "__index_level_0__": pa.array(range(n)),
        },
    )
    document = told(path, path)
    kinds = {part["name"]: part["kind"] for part in document["features"]}
    assert kinds == {
        **dict.fromkeys(("number", "half", "price"), "numeric"),
        **dict.fromkeys(("flag", "city", "code", "grade", "bytes"), "categorical"),
    }
    reasons = document["left_out"]
    assert [reasons[name] for name in ("when", "day", "took")] == ["holds times"] * 3
    assert reasons["tags"] == "holds nested values"
    assert reasons["void"] == reasons["blank"] == "empty in both files"
    assert reasons["id"].startswith("almost every row has its own value")
    assert set(reasons) == {"when", "day", "took", "tags", "void", "blank", "id"}


def test_a_narrow_float_and_its_text_are_the_same_number(tmp_path: Path) -> None:
    tenths = np.arange(600) % 7 / 10
    old = parquet(tmp_path / "old.parquet", {"x": tenths.astype(np.float32)})
    new = csv(tmp_path / "new.csv", "x\n" + "".join(f"{value}\n" for value in tenths))
    for pair in ((old, new), (new, old)):
        assert told(*pair)["features"][0]["strength"] == 0


def test_a_column_that_lost_all_its_values_has_drifted(tmp_path: Path) -> None:
    old = csv(tmp_path / "old.csv", "x,y\n" + "1,a\n2,b\n" * 50)
    new = csv(tmp_path / "new.csv", "x,y\n" + ",\n" * 100)
    document = told(old, new)
    assert document["drifted"] == ["x", "y"]
    assert {(issue["feature"], issue["issue"]) for issue in document["quality"]} == {("x", "missing"), ("y", "missing")}
    assert drift(old, new, "--html", tmp_path / "page.html").exit_code == 0


def test_nan_infinities_and_constants_are_told_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, 400)
    spoilt = values.copy()
    spoilt[:60], spoilt[60:120], spoilt[120:180] = np.nan, np.inf, -np.inf
    old = parquet(tmp_path / "old.parquet", {"x": values, "same": np.ones(400), "stuck": values})
    new = parquet(tmp_path / "new.parquet", {"x": spoilt, "same": np.ones(400), "stuck": np.ones(400)})
    document = told(old, new)
    special = {part["label"]: part["current"] for part in feature(document, "x")["bins"][-3:]}
    assert special == {"missing": 0.15, "\N{MINUS SIGN}∞": 0.15, "∞": 0.15}
    assert document["left_out"] == {"same": "constant in the reference"}
    assert ("stuck", "constant") in {(issue["feature"], issue["issue"]) for issue in document["quality"]}


def test_identifiers_timestamps_and_constants_are_left_out_everywhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    paths = []
    for name, first in (("old", 0), ("new", 5000)):
        columns = {
            "order": np.arange(first, first + 2000),
            "key": [f"k{k}" for k in range(first, first + 2000)],
            "at": 1_770_000_000 + 60 * np.arange(first, first + 2000),
            "plan": ["gold"] * 1800 + ["gold" if name == "old" else "tin"] * 200,
            "age": rng.normal(40, 9, 2000),
        }
        paths.append(parquet(tmp_path / f"{name}.parquet", columns))
    page = tmp_path / "page.html"
    output = drift(*paths, "--html", page).stdout
    assert "No drift in 1 feature\n" in output
    said = {
        "order": "almost every row has its own value",
        "key": "almost every row has its own value",
        "at": "holds times",
        "plan": "constant in the reference",
    }
    for name, why in said.items():
        assert re.search(f"left out {name}: {why}", output)
        assert f"{name}: {why}" in Page(page.read_text(encoding="utf-8")).text
    assert "quality  plan: 10 % differ from the one value of the reference (always gold)" in output
    document = told(*paths)
    assert document["left_out"].keys() == said.keys()
    assert [part["name"] for part in document["features"]] == ["age"]
    assert [(issue["feature"], issue["issue"]) for issue in document["quality"]] == [("plan", "varies")]
    compared = told(*paths, "--numeric", "order", "--numeric", "at", "--categorical", "key")
    assert {"order", "at"} <= set(compared["drifted"])
    assert compared["left_out"].keys() == {"plan"}


def test_integers_beyond_the_precision_of_floats_are_told_apart(tmp_path: Path) -> None:
    keys = 2**60 + np.random.default_rng(4).integers(0, 300, 2000)
    old = parquet(tmp_path / "old.parquet", {"key": pa.array([None, *keys.tolist()])})
    new = csv(tmp_path / "new.csv", "key\n" + "".join(f"{key + 40}\n" for key in keys))
    found = feature(told(old, new), "key")
    assert found["drifted"]
    assert found["tests"]["ks"]["value"] == pytest.approx(40 / 300, abs=0.03)


def test_rows_far_out_are_told_with_both_means(tmp_path: Path) -> None:
    rng = np.random.default_rng(9)
    amounts, later = rng.lognormal(3, 1, 8000), rng.lognormal(3, 1, 8000)
    later[:80] *= 100
    old = parquet(tmp_path / "old.parquet", {"amount": amounts})
    new = parquet(tmp_path / "new.parquet", {"amount": later})
    path = tmp_path / "page.html"
    output = drift(old, new, "--html", path).stdout
    assert re.search(r"tail +amount: at or above [\d.e+]+: 0\.\d\d % → \d\.\d\d %, mean 3\d", output)
    assert re.search(r"Far out: at or above", Page(path.read_text(encoding="utf-8")).text)
    found = feature(told(old, new), "amount")
    assert found["mean"] == pytest.approx({"reference": amounts.mean(), "current": later.mean()})
    assert found["tail"]["side"] == "upper"
    assert found["tail"]["current"] > found["tail"]["reference"]


def test_features_that_no_longer_go_together_are_named_everywhere(tmp_path: Path) -> None:
    def table(name: str, sign: int) -> Path:
        rng = np.random.default_rng(10 + sign)
        income = rng.lognormal(10, 1, 2000)
        return parquet(tmp_path / name, {"income": income, "rent": income**sign * rng.lognormal(0, 0.3, 2000)})

    old, new = table("old.parquet", 1), table("new.parquet", 1)
    assert told(old, new)["joint"]["drifted"] is False
    old = parquet(tmp_path / "old.parquet", pq.read_table(old).to_pydict())
    columns = pq.read_table(new).to_pydict()
    shuffled = np.random.default_rng(3).permutation(columns["rent"])
    new = parquet(tmp_path / "new.parquet", columns | {"rent": shuffled})
    path = tmp_path / "page.html"
    output = drift(old, new, "--html", path).stdout
    assert "No feature drifted by itself, but they no longer go together as they did" in output
    assert re.search(r"joint +rank correlation of income and rent 0\.9\d → -?0\.0\d", output)
    assert "rank correlation of income and rent" in Page(path.read_text(encoding="utf-8")).text
    document = told(old, new)
    assert (document["reason"], document["drifted"]) == ("drift", [])
    [pair] = document["joint"]["pairs"]
    assert {pair["first"], pair["second"]} == {"income", "rent"}
    assert drift(old, new, "--fail").exit_code == 1


def planted(tmp_path: Path, *, moved: bool, missing: bool) -> tuple[Path, Path]:
    """Two files, of which the second is warmer, or lacks values, or is like the first."""
    rng = np.random.default_rng(12)
    old, new = rng.normal(size=2000), rng.normal(size=2000)
    new = new + 2 if moved else new
    gaps = np.where(rng.random(2000) < 0.2, np.nan, rng.normal(size=2000)) if missing else rng.normal(size=2000)
    paths = tmp_path / "old.parquet", tmp_path / "new.parquet"
    parquet(paths[0], {"x": old, "y": rng.normal(size=2000)})
    parquet(paths[1], {"x": new, "y": gaps})
    return paths


@pytest.mark.parametrize(
    ("moved", "missing", "options", "status"),
    [
        (True, False, ("--fail-on", "drift"), 1),
        (True, False, ("--fail-on", "joint"), 0),
        (True, False, ("--fail-on", "none"), 0),
        (False, False, ("--fail-on", "drift", "--fail-on", "quality", "--fail-on", "joint"), 0),
        (False, True, ("--fail-on", "quality"), 1),
        (False, True, ("--fail-on", "joint"), 0),
        (False, True, ("--fail-on", "joint", "--fail-on", "quality"), 1),
        (True, False, ("--fail",), 1),
        (False, False, ("--fail",), 0),
        (True, True, (), 0),
    ],
)
def test_what_fails_is_what_was_asked_for(
    tmp_path: Path, *, moved: bool, missing: bool, options: tuple[str, ...], status: int
) -> None:
    assert drift(*planted(tmp_path, moved=moved, missing=missing), *options).exit_code == status


def test_few_rows_fail_only_where_a_verdict_on_drift_is_asked_for(tmp_path: Path) -> None:
    path = parquet(tmp_path / "x.parquet", {"x": np.arange(9.0)})
    assert drift(path, path, "--fail-on", "quality").exit_code == 0
    assert drift(path, path, "--fail-on", "joint").exit_code == 3
    assert "'all' is not one of 'drift', 'quality', 'joint', 'none'" in drift(path, path, "--fail-on", "all").stderr


@pytest.mark.parametrize("changed", [False, True])
def test_a_mix_of_segments_that_changed_is_told(tmp_path: Path, *, changed: bool) -> None:
    rng = np.random.default_rng(13)

    def table(name: str, share: float) -> Path:
        city = np.where(rng.random(3000) < share, "Rome", "Oslo")
        return parquet(tmp_path / name, {"city": city, "age": rng.normal(40, 9, 3000) + 9 * (city == "Rome")})

    old, new = table("old.parquet", 0.3), table("new.parquet", 0.6 if changed else 0.3)
    path = tmp_path / "page.html"
    output = drift(old, new, "--by", "city", "--ignore", "city", "--html", path).stdout
    line = r"mix changed: city (Rome|Oslo): \d+(\.\d)? % → \d+(\.\d)? % of the rows"
    assert bool(re.search(line, output)) is changed
    assert bool(re.search(line, Page(path.read_text(encoding="utf-8")).text)) is changed
    assert told(old, new, "--by", "city")["mix"]["changed"] is changed
    assert told(old, new)["mix"] is None


def test_bins_are_named_by_the_values_they_hold(tmp_path: Path) -> None:
    hours = np.repeat(np.arange(24), 100)
    rain = np.concatenate((np.zeros(1800), np.random.default_rng(0).exponential(2, 600)))
    path = parquet(tmp_path / "x.parquet", {"hour": hours, "rain": rain, "view": np.tile([2.5, 5.0, 9.5], 800)})
    document = told(path, path)
    named = {part["label"]: part["reference"] for part in feature(document, "hour")["bins"]}
    for label, share in named.items():
        ends = [int(text) for text in re.findall(r"\d+", label)]
        low = 0 if label.startswith("up to") else ends[0]
        high = 23 if label.endswith("and above") else ends[-1]
        assert share == pytest.approx(np.mean((hours >= low) & (hours <= high))), label
    dry = feature(document, "rain")["bins"][0]
    assert (dry["label"], dry["reference"]) == ("up to 0", 0.75)
    assert [part["label"] for part in feature(document, "view")["bins"]] == ["up to 2.5", "2.5 to 5", "above 5"]


HOSTILE = ("<script>alert(1)</script>", "x" * 500, "größe 大きさ", "a\"b'c&amp;", "up\u202eside", "two\nlines\x1b[31m")


@pytest.fixture
def hostile(tmp_path: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(3)
    words = ["<img src=x onerror=alert(1)>", "b" * 300, "", "naïve"]
    paths = []
    for name, shift in (("<old>&.parquet", 0.0), ("<new>&.parquet", 0.8)):
        columns: dict[str, Any] = {column: rng.normal(shift, 1, 500) for column in HOSTILE}
        columns["<b>by</b>"] = rng.choice(words, 500, p=[0.25 + shift / 4, 0.25 - shift / 4, 0.25, 0.25])
        paths.append(parquet(tmp_path / name, columns))
    return paths[0], paths[1]


def test_hostile_names_are_only_text_on_the_page(hostile: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    result = drift(*hostile, "--by", "<b>by</b>", "--html", path)
    assert result.exit_code == 0, result.stderr
    page = Page(path.read_text(encoding="utf-8"))
    assert not {"script", "img", "b>"} & set(page.tags)
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for text in (
        "<script>alert(1)</script>",
        "größe 大きさ",
        "a\"b'c&amp;",
        "<img src=x",
        "<new>&.parquet",
        "<b>by</b>",
    ):
        assert text in page.text
    assert "x" * 121 not in page.text
    assert "\u202e" not in page.text


def test_hostile_names_leave_the_terminal_alone(hostile: tuple[Path, Path]) -> None:
    output = drift(*hostile, "--by", "<b>by</b>").stdout
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert r"two\nlines\x1b[31m" in output
    assert max(map(len, output.splitlines())) <= 140
    assert "\\n" in refused(*hostile, "--ignore", "no\nsuch")


def test_hostile_names_survive_json(hostile: tuple[Path, Path]) -> None:
    assert {part["name"] for part in told(*hostile)["features"]} == {*HOSTILE, "<b>by</b>"}


def test_the_page_loads_nothing_and_draws_every_drifted_feature(
    months: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    result = drift(months[0], months[2], "--by", "origin", "--html", path, "--json")
    source = path.read_text(encoding="utf-8")
    page = Page(source)
    drifted = json.loads(result.stdout)["drifted"]
    assert page.tags.count("article") == len(drifted)
    assert page.tags.count("figure") == len(drifted)
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert not [value for name, value in page.attributes if name in {"src", "href"} and not str(value).startswith("#")]
    assert "url(" not in source
    assert "@import" not in source
    assert {f"#{value}" for name, value in page.attributes if name == "id"} == {
        value for name, value in page.attributes if name == "href"
    }


def test_the_bars_on_the_page_are_the_bins_of_the_report(tmp_path: Path) -> None:
    old = parquet(tmp_path / "old.parquet", {"x": np.repeat([0.0, 1.0], [300, 100])})
    new = parquet(tmp_path / "new.parquet", {"x": np.repeat([0.0, 1.0], [100, 300])})
    path = tmp_path / "page.html"
    assert drift(old, new, "--html", path).exit_code == 0
    source = path.read_text(encoding="utf-8")
    assert re.findall(r"<title>(.*?)</title>", source)[1:] == ["up to 0: 75 % → 25 %", "1 and above: 25 % → 75 %"]
    figure = source[source.index("<figure") : source.index("</figure>")]
    heights = re.findall(r'<rect class="(ref|cur)".*?height="([\d.]+)"', figure)
    assert heights == [("ref", "93.75"), ("cur", "31.25"), ("ref", "31.25"), ("cur", "93.75")]  # the axis ends at 80 %


def test_two_hundred_columns_are_all_told_but_not_all_printed(tmp_path: Path) -> None:
    rng = np.random.default_rng(6)
    paths = []
    for name, shift in (("old.csv", 0.0), ("new.csv", 0.5)):
        table = pa.table({f"column {k}": rng.normal(shift * (k < 3), 1, 600) for k in range(200)})
        pa_csv.write_csv(table, tmp_path / name)
        paths.append(tmp_path / name)
    document = told(*paths)
    assert document["drifted"] == ["column 0", "column 1", "column 2"]
    assert len(document["features"]) == 200
    assert "… and 160 more" in drift(*paths).stdout


def test_the_program_itself_keeps_standard_output_for_json(months: tuple[Path, Path, Path], tmp_path: Path) -> None:
    def aia(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "functions.cli.main", "drift", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, encoding="utf-8")

    page = tmp_path / "page.html"
    found = aia(months[0], months[2], "--json", "--html", page, "--fail")
    assert found.returncode == 1
    assert json.loads(found.stdout)["reason"] == "drift"
    assert found.stderr == f"page: {page}\n"
    assert page.exists()
    lost = aia(months[0], tmp_path / "nowhere.csv")
    assert (lost.returncode, lost.stdout) == (2, "")
    assert lost.stderr == f"Error: {tmp_path / 'nowhere.csv'}: no such file or directory\n"
