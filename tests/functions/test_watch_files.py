"""Files as strangers have them, read as logs, and the settings and rows that come of them; no system runs."""

import csv
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from core.errors import AiaError
from core.onboarding import Hours, schedule
from core.settings import parse_model
from functions.cli.main import main
from functions.cli.watch.log import Chosen, Log, columns_of, read, row_ids
from functions.cli.watch.settings import continued, name_of, settings_of
from functions.cli.watch.tables import rows_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = datetime(2024, 3, 1)  # noqa: DTZ001 - as files have times, without a zone
HEADER = ["scored_at", "age", "plan", "p", "late"]


def rows(count: int = 400, a_day: int = 100) -> list[list[Any]]:
    random = np.random.default_rng(1)
    times = [START + timedelta(days=number / a_day) for number in range(count)]
    return [
        [at, round(random.normal(40, 9), 2), "ab"[n % 2], round(random.random(), 3), n % 2]
        for n, at in enumerate(times)
    ]


def written(
    path: Path, given: list[list[Any]], header: list[str] = HEADER, *, delimiter: str = ",", encoding: str = "utf-8"
) -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([header, *given])
    return path


def log_of(path: Path, **chosen: Any) -> Log:
    return read(path, Chosen(**{"timestamp": None, "score": "p"} | chosen), NOW)


def settings(log: Log, name: str = "churn") -> dict[str, Any]:
    plan = schedule(Hours.of(log.micros), now=NOW)
    return settings_of(name, "growth", log, plan, now=NOW, follow=False)


def test_a_log_becomes_settings_that_are_valid_and_rows_of_its_table(tmp_path: Path) -> None:
    log = log_of(written(tmp_path / "churn.csv", rows()), label="late")
    model = parse_model(settings(log))
    assert (model.features.numeric, model.features.categorical, model.score) == (("age",), ("plan",), "p")
    assert model.label is not None
    assert (model.until, model.reference.until) == (
        datetime(2024, 3, 5, tzinfo=UTC).date(),
        datetime(2024, 3, 3, tzinfo=UTC).date(),
    )
    found = rows_of(settings(log), log)
    assert found.num_rows == 400
    assert set(found.column_names) == {
        "model",
        "row_id",
        "scored_at_",
        "p",
        "age",
        "plan",
        "label_of_row",
        "arrived_at",
    }


@pytest.mark.parametrize(
    "form",
    [
        "%d.%m.%Y %H:%M:%S",
        "%Y/%m/%d %H:%M",
        "%m/%d/%Y %H:%M",
        "%Y-%m-%dT%H:%M:%SZ",
        "%d-%b-%Y",
        "%Y%m%d %H:%M",
        "%m/%d/%Y %I:%M:%S %p",
    ],
)
def test_times_are_read_as_they_are_written(form: str, tmp_path: Path) -> None:
    given = [[row[0].strftime(form), *row[1:]] for row in rows(2000)]
    log = log_of(written(tmp_path / "a.csv", given), timestamp="scored_at")
    first, last = (datetime.fromtimestamp(log.micros[place] / 1e6, UTC) for place in (0, -1))
    assert (first.date(), last.date()) == (START.date(), (START + timedelta(days=19)).date())


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9])
def test_numbers_since_1970_are_times(unit: int, tmp_path: Path) -> None:
    seconds = [int(row[0].replace(tzinfo=UTC).timestamp()) for row in rows()]
    given = [[at * unit, *row[1:]] for at, row in zip(seconds, rows(), strict=True)]
    log = log_of(written(tmp_path / "a.csv", given), timestamp="scored_at")
    assert log.micros.tolist() == [at * 10**6 for at in seconds]


@pytest.mark.parametrize(
    ("delimiter", "encoding"), [(";", "cp1252"), ("\t", "utf-8-sig"), ("|", "utf-16"), (";", "utf-8")]
)
def test_delimiters_and_encodings_are_found(delimiter: str, encoding: str, tmp_path: Path) -> None:
    given = [[at, age, "Müller" if plan == "a" else "Bäcker", p] for at, age, plan, p, _ in rows()]
    path = written(tmp_path / "a.csv", given, ["Zeit", "Größe", "Straße", "p"], delimiter=delimiter, encoding=encoding)
    log = log_of(path)
    assert (log.timestamp, log.roles.numeric, log.roles.categorical) == ("Zeit", ("Größe",), ("Straße",))
    assert set(log.table["Straße"].to_pylist()) == {"Müller", "Bäcker"}
    assert parse_model(settings(log)).features.numeric == ("Gro_e",)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_text_of_iso_8601_is_read_with_its_zone_and_fraction(kind: pa.DataType, tmp_path: Path) -> None:
    texts = [
        "2024-03-01T10:00:00Z",
        "2024-03-01 10:00:00.250",
        "2024-03-01T12:30+02:00",
        "2024-03-01T12:00:00-0130",
        "",
        None,
    ]
    columns = {"at": pa.array(texts, kind), "p": [0.1] * 6, "x": [1.0, 2.0, 3.0, 2.0, 1.0, 5.0]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    log = log_of(tmp_path / "a.parquet", timestamp="at")
    assert [datetime.fromtimestamp(at / 1e6, UTC).isoformat() for at in log.micros.tolist()] == [
        "2024-03-01T10:00:00+00:00",
        "2024-03-01T10:00:00.250000+00:00",
        "2024-03-01T10:30:00+00:00",
        "2024-03-01T13:30:00+00:00",
    ]
    assert "left out: 2 rows without a time" in log.notes


def test_numbers_with_separators_are_numbers_of_a_log(tmp_path: Path) -> None:
    given = [
        [at, f"{age * 1000:,.1f}", plan, f"{p:.3f}".replace(".", ","), f"{n * 10.5:,.2f} €"]
        for n, (at, age, plan, p, _) in enumerate(rows())
    ]
    swap = str.maketrans(",.", ".,")
    german = [[at, age.translate(swap), plan, p, paid.translate(swap)] for at, age, plan, p, paid in given]
    path = written(tmp_path / "a.csv", german, ["at", "age", "plan", "p", "paid"], delimiter=";")
    log = log_of(path, label="paid")
    assert (log.roles.numeric, log.roles.categorical) == (("age",), ("plan",))
    assert log.table["age"].to_pylist() == [pytest.approx(age * 1000) for _, age, *_ in rows()]
    assert log.table["p"].to_pylist() == [p for _, _, _, p, _ in rows()]
    assert log.table["paid"].to_pylist()[:3] == [0.0, 10.5, 21.0]
    assert [note.split(":")[0] for note in log.notes if "text read as numbers" in note] == ["age", "p", "paid"]


def test_rows_that_repeat_an_id_are_counted_once_and_said(tmp_path: Path) -> None:
    given = [[f"k{n // 4}", *row] for n, row in enumerate(rows())]
    path = written(tmp_path / "a.csv", given, ["id", *HEADER])
    log = log_of(path, row_id="id")
    assert (len(log.micros), int(log.hours.rows.sum()), log.table.num_rows) == (100, 100, 100)
    assert log.table["age"].to_pylist() == [row[1] for row in rows()[::4]]
    assert any(note.startswith("left out: 300 rows with the id of an earlier one") for note in log.notes)
    assert rows_of(settings(log), log).num_rows == 100
    assert not any("earlier one" in note for note in log_of(path).notes)


def test_five_hundred_columns_are_features(tmp_path: Path) -> None:
    names = [f"f{number}" for number in range(500)]
    given = [[row[0], row[3], *(number % (2 + place % 7) for place in range(500))] for number, row in enumerate(rows())]
    assert len(log_of(written(tmp_path / "a.csv", given, ["at", "p", *names])).roles.numeric) == 500


@pytest.mark.parametrize(
    ("given", "header", "chosen", "said"),
    [
        ([], HEADER, {}, "must have rows, has only the header"),
        (rows(), ["scored_at", "age", "age", "p", "late"], {}, "column names must differ, got 'age' more than once"),
        (rows(), HEADER, {"score": None}, "--score: must name the column of the predicted score: one of the numbers 'age', 'p', 'late'"),
        (rows(), HEADER, {"score": "plan"}, "--score: must name a column of numbers, 'plan' holds text"),
        (rows(), HEADER, {"label": "later"}, "--label: must name a column of"),
        (rows(), HEADER, {"timestamp": "plan"}, "--timestamp: 'plan' must hold times in a known format"),
        (rows(), HEADER, {"timestamp": "age"}, "--timestamp: 'age' must hold times, or numbers since 1970"),
        (rows(), HEADER, {"ignore": ["age", "plan", "late"]}, "must have a feature beside time, score and label"),
        ([row[1:] for row in rows()], HEADER[1:], {}, "--timestamp: must name the column of the prediction time, none of"),
        ([[f"0{n % 9 + 1}/0{n % 7 + 1}/2024", *row[1:]] for n, row in enumerate(rows())], HEADER, {"timestamp": "scored_at"}, "--time-format: must be given"),
        ([["unknown" if n == 300 else row[0], *row[1:]] for n, row in enumerate(rows())], HEADER, {"timestamp": "scored_at"}, "must hold times as ISO 8601, or nothing, in each row: not so 1 of 400, as 'unknown'"),
        ([["unknown" if n < 2 else f"13.05.2024 {n % 24:02}:00", *row[1:]] for n, row in enumerate(rows())], HEADER, {"timestamp": "scored_at"}, "must hold times as %d.%m.%Y %H:%M, or nothing, in each row: not so 2 of 400, as 'unknown'"),
        ([["2031-01-01", *row[1:]] for row in rows()], HEADER, {}, "must have a time up to now, has none in 400 rows"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_log_is_said_in_one_line(
    given: list[list[Any]], header: list[str], chosen: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(AiaError) as refused:
        log_of(written(tmp_path / "a.csv", given, header), **chosen)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("form", "bad"),
    [
        ("%d.%m.%Y %H:%M", "31.02.2024 10:00"),
        ("%m/%d/%Y", "02/30/2024"),
        ("%d %b %Y", "31 Apr 2024"),
        ("%Y%m%d %H:%M", "20230229 10:00"),
        ("%Y-%m-%d", "2024-06-31"),
        ("%Y-%m-%dT%H:%M:%S.5Z", "2024-06-31T10:00:00.5Z"),
        ("%F %T %z", "2023-02-29 23:30:00 -0500"),
        ("%Y-%j", "2023-366"),
    ],
)
def test_a_day_that_there_is_not_is_refused_by_name(form: str, bad: str, tmp_path: Path) -> None:
    python = form.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S")
    start = datetime(2023, 11, 20, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    times = [(start + timedelta(days=number)).strftime(python) for number in range(400)]
    chosen = {"timestamp": "scored_at"} | ({"time_format": form} if form[-1] in "zj" else {})
    good = [[at, *row[1:]] for at, row in zip(times, rows(), strict=True)]
    assert len(log_of(written(tmp_path / "good.csv", good, HEADER), **chosen).micros) == 400
    with pytest.raises(AiaError, match=rf"not so 1 of 400, as '{re.escape(bad)}'"):
        log_of(written(tmp_path / "bad.csv", [*good[:300], [bad, *good[300][1:]], *good[301:]], HEADER), **chosen)


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(AiaError, match="is empty"):
        log_of(tmp_path / "a.csv")


def test_rows_have_the_same_ids_when_the_file_grows_and_equal_rows_differ(tmp_path: Path) -> None:
    given = [*rows(50), rows(50)[7]]
    before = row_ids(log_of(written(tmp_path / "a.csv", given[:-1])))
    after = row_ids(log_of(written(tmp_path / "a.csv", given)))
    assert len(set(after)) == 51
    assert set(before) < set(after)


def test_integers_beyond_floats_are_ids_to_the_last_digit(tmp_path: Path) -> None:
    given = [[*row, 2**60 + number] for number, row in enumerate(rows())]
    log = log_of(written(tmp_path / "a.csv", given, [*HEADER, "hash"]))
    assert row_ids(log)[:2] == [str(2**60), str(2**60 + 1)]


def test_parquet_is_read_as_well(tmp_path: Path) -> None:
    given = rows()
    columns = {name: [row[place] for row in given] for place, name in enumerate(HEADER)}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    assert log_of(tmp_path / "a.parquet").roles.categorical == ("plan",)


def test_a_log_that_goes_on_keeps_its_reference_and_moves_its_end(tmp_path: Path) -> None:
    known = settings(log_of(written(tmp_path / "a.csv", rows(400))))
    more = log_of(written(tmp_path / "a.csv", rows(900)))
    assert continued(known, more, now=NOW, follow=False) == known | {"until": "2024-03-10"}
    assert "until" not in continued(known, more, now=NOW, follow=True)
    other = log_of(
        written(tmp_path / "a.csv", [row[:1] + row[2:] for row in rows()], ["scored_at", "plan", "p", "late"])
    )
    with pytest.raises(AiaError, match="lacks 'age'"):
        continued(known, other, now=NOW, follow=False)


def test_a_log_of_today_has_ended_as_well_so_that_no_tick_scores_it(tmp_path: Path) -> None:
    log = log_of(written(tmp_path / "a.csv", rows(400)))
    plan = schedule(log.hours, now=NOW)
    found = settings_of("churn", "growth", log, plan, now=datetime(2024, 3, 4, 23, 59, tzinfo=UTC), follow=False)
    assert found["until"] == "2024-03-04"


def test_names_of_columns_and_files_are_made_to_fit() -> None:
    assert columns_of(["model", "Model", "a b", "a_b", "年"]) == {
        "model": "model_2",
        "Model": "Model_3",
        "a b": "a_b",
        "a_b": "a_b_2",
        "年": "column",
    }
    assert [name_of(one) for one in ("a/Churn_2024.csv.gz", "bq://a.b.Churn", "2024.csv", "--.csv")] == [
        "churn-2024",
        "churn",
        "model",
        "model",
    ]


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    neither = CliRunner().invoke(main, ["watch"])
    assert (neither.exit_code, neither.stderr) == (2, "Error: FILE or --remove NAME must be given, one of the two\n")
    away = CliRunner().invoke(main, ["watch", str(tmp_path / "a.csv"), "--url", "http://127.0.0.1:9"])
    assert away.exit_code == 3
    assert away.stderr.startswith("Error: http://127.0.0.1:9: does not answer as an API: ")
