"""The counting statement, run by Google's own GoogleSQL implementation and, over the wire, by BigQuery's emulator."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from google.cloud import bigquery
from zetasql.api import CatalogBuilder, PreparedQuery, TableBuilder, create_table_content
from zetasql.types import AnalyzerOptions, LanguageOptions, TypeKind, Value, ZetaSQLBuiltinFunctionOptions

from core.drift import (
    Counts,
    Profile,
    ProfileError,
    Statement,
    count,
    count_segments,
    count_sql,
    counts_by_segment,
    counts_from_rows,
    with_segments,
)
from functions.adapters.warehouse import BigQueryWarehouse
from tests.support.checks import googlesql  # noqa: F401 - keeps what is compiled

pytest_plugins = ["tests.support.servers.warehouse"]

TABLE = "telemetry.window"
START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=1)
KINDS = {
    "amount": "DOUBLE",
    "items": "INT64",
    "key": "INT64",
    "city": "STRING",
    "open": "BOOL",
    "never": "DOUBLE",
    "nothing": "STRING",
}
WINDOW: dict[str, list[Any]] = {
    "amount": [None, math.nan, math.inf, -math.inf, 9.0, -9.0, 0.1, 0.2],
    "items": [1, 2, 3, 4, 9, -1, None, 0],
    "key": [2**60, 2**60 + 1, -(2**63), None, 2**60 + 150, 7, 2**60 + 3, 2**63 - 1],
    "city": ["Köln", "Rome", "Oslo", None, "new", "", "Rome", "Rome"],
    "open": [True, False, None, True, True, True, False, False],
    "never": [None, 1.5, None, None, 2.0, 3.0, 4.0, None],
    "nothing": [None, None, "x", None, None, None, None, None],
}


@pytest.fixture
def profile() -> Profile:
    rng = np.random.default_rng(3)
    reference: dict[str, Any] = {
        "amount": rng.normal(size=300),
        "items": rng.integers(0, 5, 300),
        "key": 2**60 + rng.integers(0, 100, 300),
        "city": rng.choice(["Köln", "Rome", "Oslo"], 300),
        "open": rng.random(300) < 0.5,
        "never": [None] * 300,
        "nothing": [None] * 300,
    }
    return with_segments(Profile.fit(reference, categorical=["nothing"], cells=64), reference, ["city"])


def run(sql: str, statement: Statement, rows: list[list[Any]]) -> list[dict[str, Any]]:
    """Run a statement by the reference implementation, its parameters written out."""
    table = TableBuilder(TABLE).add_column("at", TypeKind.TYPE_INT64).add_column("id", TypeKind.TYPE_STRING)
    for name, kind in KINDS.items():
        table.add_column(name, TypeKind[f"TYPE_{kind}"])
    options = LanguageOptions.maximum_features()
    functions = ZetaSQLBuiltinFunctionOptions(language_options=options)
    catalog = CatalogBuilder("project").add_table(table.build()).with_builtin_functions(functions).build()
    text = re.sub(r"@(\w+)", lambda match: literal(statement.parameters[match[1]]), sql)
    query = PreparedQuery.builder().set_sql(text).set_catalog(catalog)
    query.set_analyzer_options(AnalyzerOptions(language_options=options))
    with query.set_table_content({TABLE: create_table_content(rows)}).prepare() as prepared:
        answer = prepared.execute()
        names = [column.name for column in prepared.columns]
        return [dict(zip(names, map(plain, row.cell), strict=True)) for row in answer.content.table_data.row]


def literal(value: object) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(repr, value)) + "]"
    if isinstance(value, int):
        return str(value)
    return "1" if value == START else "9"


def plain(cell: Value) -> float | str | None:
    for kind in ("int64_value", "double_value", "string_value"):
        value: float | str | None = getattr(cell, kind)
        if value is not None:
            return value
    return None


def rows_of(window: dict[str, list[Any]]) -> list[list[Any]]:
    inside = [[5, f"r{k}", *values] for k, values in enumerate(zip(*window.values(), strict=True))]
    outside = [[at, f"o{at}", 0.0, 0, 0, "Rome", True, 0.0, "x"] for at in (0, 9)]
    return [*inside, *outside, inside[0]]


def same(left: Counts, right: Counts) -> bool:
    names = ("cells", "special", "lowest", "highest")
    return (
        left.rows == right.rows
        and left.fingerprint == right.fingerprint
        and all(np.array_equal(getattr(left, name), getattr(right, name)) for name in names)
        and np.allclose(left.sums, right.sums, rtol=1e-12)
        and all(map(np.array_equal, left.categories, right.categories))
        and all(map(np.array_equal, left.groups, right.groups))
    )


def test_google_sql_counts_as_numpy_does(profile: Profile) -> None:
    statement = count_sql(profile, table=TABLE, timestamp="at", start=START, end=END, row_id="id")
    found = counts_from_rows(profile, run(statement.sql, statement, rows_of(WINDOW)))
    assert same(found, count(profile, WINDOW))


def test_google_sql_counts_each_segment(profile: Profile) -> None:
    statement = count_sql(profile, table=TABLE, timestamp="at", start=START, end=END, row_id="id", by="city")
    found = counts_by_segment(profile, run(statement.sql, statement, rows_of(WINDOW)))
    expected = count_segments(profile, WINDOW, "city")
    assert found.keys() == expected.keys()
    assert all(same(found[segment], expected[segment]) for segment in expected)


def test_bigquery_counts_as_numpy_does(profile: Profile, warehouse: BigQueryWarehouse, client: bigquery.Client) -> None:
    names = {"DOUBLE": "FLOAT64", "INT64": "INT64", "STRING": "STRING", "BOOL": "BOOL"}
    schema = [bigquery.SchemaField("at", "TIMESTAMP"), bigquery.SchemaField("id", "STRING")]
    schema += [bigquery.SchemaField(name, names[kind]) for name, kind in KINDS.items()]
    client.create_table(bigquery.Table(f"{client.project}.{TABLE}", schema))
    instants = {0: START - timedelta(seconds=1), 5: START, 9: END}
    columns = ["at", "id", *KINDS]
    rows = [dict(zip(columns, row, strict=True)) for row in rows_of(WINDOW)]
    warehouse.append(TABLE, [row | {"at": instants[row["at"]]} for row in rows])
    statement = count_sql(profile, table=TABLE, timestamp="at", start=START, end=END, row_id="id")
    found = counts_from_rows(profile, warehouse.query(statement.sql, **statement.parameters))
    assert same(found, count(profile, WINDOW))


def test_an_empty_window_counts_nothing(profile: Profile) -> None:
    assert same(counts_from_rows(profile, []), count(profile, {name: [] for name in KINDS}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"table": "window"}, r"table: must be dataset\.table or project\.dataset\.table, got 'window'"),
        ({"table": "a.b` --"}, "table: must be"),
        ({"timestamp": "at; DROP"}, "column: must be letters, digits and underscores, got 'at; DROP'"),
        ({"row_id": "1d"}, "got '1d'"),
        ({"by": "`city`"}, "got '`city`'"),
    ],
)
def test_a_name_that_is_no_identifier_is_refused(profile: Profile, change: dict[str, str], message: str) -> None:
    arguments: dict[str, Any] = {"table": TABLE, "timestamp": "at", "start": START, "end": END} | change
    with pytest.raises(ProfileError, match=message):
        count_sql(profile, **arguments)


def test_a_profile_without_features_has_nothing_to_count() -> None:
    with pytest.raises(ProfileError, match="profile: must have a feature to count, got none"):
        count_sql(Profile.fit({}), table=TABLE, timestamp="at", start=START, end=END)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"feature": 7, "bucket": 0}, "feature: must be 0 to 6, got 7"),
        ({"feature": 0, "bucket": 99}, "bucket of 'amount': must be -3 to 65, got 99"),
        ({"feature": 4, "bucket": -2}, "bucket of 'city': must be -1 to 66, got -2"),
    ],
)
def test_rows_of_another_profile_are_refused(profile: Profile, row: dict[str, int], message: str) -> None:
    with pytest.raises(ProfileError, match=message):
        counts_from_rows(profile, [row | {"n": 1, "total": 0.0, "lowest": 0.0, "highest": 0.0}])
