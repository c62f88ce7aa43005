"""`aia drift`: what becomes of files and columns of every kind, and what is refused."""

import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.builders.drift_command import Page, csv, drift, feature, parquet, refused, told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "must be CSV or parquet, is empty"),
        (b" \n\n", "must be CSV or parquet, is empty"),
        (b"x,y\n", "must have rows, has only the header 'x', 'y'"),
        (b"x,y\n1,2\n3\n", "Expected 2 columns, got 1: 3"),
        (b"PAR1 and no more", "Parquet"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "must be CSV (UTF-8) or parquet, is neither"),
        (b"x,y\n1,2\0\n", "must be CSV (UTF-8) or parquet, is neither"),
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


NUMBERS = "23.5 1,999.25 1,000,000 -3"


@pytest.mark.parametrize(
    ("delimiter", "texts"),
    [
        (",", NUMBERS.split()),
        (";", [text.translate(str.maketrans(",.", ".,")) for text in NUMBERS.split()]),
        (";", [text.translate(str.maketrans(",.", " ,")) for text in NUMBERS.split()]),
        ("\t", [f"${text}" if text[0] != "-" else f"-${text[1:]}" for text in NUMBERS.split()]),
        (",", ["2350%", "199,925%", "100000000%", "-300.0 %"]),
    ],
)
def test_numbers_with_separators_units_and_decimal_commas_are_numbers(
    tmp_path: Path, delimiter: str, texts: list[str]
) -> None:
    old = csv(tmp_path / "old.csv", f"x{delimiter}y\n" + "".join(f'"{text}"{delimiter}1\n' for text in texts * 20))
    plain = csv(
        tmp_path / "new.csv", "x,y\n" + "".join(f"{text.replace(',', '')},1\n" for text in NUMBERS.split() * 20)
    )
    document = told(old, plain)
    assert feature(document, "x")["kind"] == "numeric"
    assert (feature(document, "x")["reason"], document["drifted"], document["quality"]) == ("no_change", [], [])
    assert feature(document, "x")["mean"]["reference"] == pytest.approx(feature(document, "x")["mean"]["current"])
    [note] = document["notes"]
    assert note.startswith(f"{old}: x: text read as numbers")


@pytest.mark.parametrize(("delimiter", "read"), [(",", 1234.0), (";", 1.234), ("\t", 1234.0)])
def test_a_comma_before_three_digits_is_read_as_the_file_has_it(tmp_path: Path, delimiter: str, read: float) -> None:
    file = csv(tmp_path / "a.csv", f"x{delimiter}y\n" + f'"1,234"{delimiter}1\n"5,678"{delimiter}1\n' * 20)
    mean = feature(told(file, file), "x")["mean"]["reference"]
    assert mean == pytest.approx(read * (1234 + 5678) / 2 / 1234)
    sure = csv(tmp_path / "b.csv", f"x{delimiter}z\n" + f'"1,234"{delimiter}"0,5"\n"5,678"{delimiter}"7"\n' * 20)
    assert feature(told(sure, sure), "x")["mean"]["reference"] == pytest.approx((1.234 + 5.678) / 2)


@pytest.mark.parametrize(
    ("delimiter", "other", "read", "noted"),
    [
        (",", "0,5", 1234.0, True),  # decimal commas elsewhere
        (";", "0,5", 1234.0, True),
        (";", "1,234", 1234.0, True),  # commas of decimals by the delimiter
        (",", "1,234", 1.234, False),
        (",", "5", 1.234, False),
        (";", "0.5", 1.234, False),  # points of decimals elsewhere
        (";", "k", 1.234, True),  # nothing but the delimiter
    ],
)
def test_a_point_before_three_digits_is_read_as_the_file_has_it(
    tmp_path: Path, delimiter: str, other: str, read: float, *, noted: bool
) -> None:
    rows = f'1.234{delimiter}"{other}"\n5.678{delimiter}"{other}"\n{delimiter}"{other}"\n' * 20
    file = csv(tmp_path / "a.csv", f"x{delimiter}y\n{rows}")
    document = told(file, file)
    assert feature(document, "x")["mean"]["reference"] == pytest.approx(read * (1234 + 5678) / 2 / 1234)
    notes = [note for note in document["notes"] if note.startswith("x: ")]
    means = "thousands" if read > 1000 else "decimals"
    assert notes == (
        [f"x: points are those of {means}, '1.234' as {read:g}; --categorical makes them categories"] * noted
    )


def test_floats_say_what_a_comma_in_text_is(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "x;y\n" + "1,234;12.5\n5,678;0.25\n" * 20)
    document = told(file, file)
    assert feature(document, "x")["mean"]["reference"] == pytest.approx((1234 + 5678) / 2)
    assert feature(document, "y")["mean"]["reference"] == pytest.approx(12.75 / 2)


@pytest.mark.parametrize("text", ["1.2.3", "1,2,3", "2026-01", "12:30", "1,23,456", "$3 or €3", "k1", "€5"])
def test_other_text_stays_text(tmp_path: Path, text: str) -> None:
    file = csv(tmp_path / "a.csv", "x,y\n" + f'"{text}",1\n"$4",1\n' * 20)
    document = told(file, file)
    assert (feature(document, "x")["kind"], document["notes"]) == ("categorical", [])


def test_numbers_with_a_few_words_among_them_are_categories_and_that_is_said(tmp_path: Path) -> None:
    file = csv(tmp_path / "a.csv", "x,y\n" + "".join(f"{'unknown' if n == 7 else n % 9},1\n" for n in range(60)))
    document = told(file, file)
    assert feature(document, "x")["kind"] == "categorical"
    assert document["notes"] == ["x: categories, for 1 of 60 values are not numbers, as 'unknown'"]
    assert document["notes"][0] in drift(file, file).stdout


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-8-sig"])
def test_files_of_windows_are_read_and_faults_name_them(tmp_path: Path, encoding: str) -> None:
    text = "Größe,Stadt\n" + "".join(f"{n},{'Köln' if n % 2 else 'Zürich'}\n" for n in range(60))
    file = csv(tmp_path / "a.csv", text.encode(encoding))
    document = told(file, file)
    assert {one["name"] for one in document["features"]} == {"Größe", "Stadt"}
    assert document["notes"] == ([] if encoding == "utf-8-sig" else [f"not UTF-8: read as {encoding}"])
    twice = csv(tmp_path / "b.csv", "Größe,Größe\n1,2\n".encode(encoding))
    assert refused(twice, file).startswith(f"Error: {twice}: column names must differ")


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
    assert "quality  plan: 10% differ from the one value of the reference (always gold)" in output
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
