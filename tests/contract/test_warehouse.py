"""The warehouse port, over the wire, against BigQuery's emulator."""

import json
import math
import subprocess
import sys
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from google.cloud import bigquery

from core.errors import QueryError, UnavailableError
from functions.adapters.columns import read_columns
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse import read_definitions
from infra.local.warehouse.tables import create_tables

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place
pytest_plugins = ["tests.support.servers.warehouse"]


NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "BOOL"),
        (7, "INT64"),
        (2.5, "FLOAT64"),
        (math.inf, "FLOAT64"),
        ('it\'s "quoted"; DROP TABLE x --\n', "STRING"),
        ("naïve ☂", "STRING"),
        (NOW, "TIMESTAMP"),
        (date(2026, 1, 2), "DATE"),
    ],
)
def test_a_value_comes_back_as_it_was_sent(warehouse: BigQueryWarehouse, value: object, kind: str) -> None:
    assert warehouse.query(f"SELECT @value AS value, CAST(@value AS {kind}) AS same", value=value) == [
        {"value": value, "same": value}
    ]


def test_nan_and_null_stay_apart(warehouse: BigQueryWarehouse) -> None:
    [row] = warehouse.query("SELECT @nan AS nan, CAST(@null AS FLOAT64) AS missing", nan=math.nan, null=None)
    assert math.isnan(row["nan"])
    assert row["missing"] is None


@pytest.mark.parametrize(
    "values", [[3, 1, 2], ["b", "a"], [1.5, 2], [NOW, NOW + timedelta(days=1)], [date(2026, 1, 2)], []]
)
def test_a_list_is_an_array(warehouse: BigQueryWarehouse, values: list[Any]) -> None:
    rows = warehouse.query("SELECT value FROM UNNEST(@values) AS value ORDER BY value", values=values)
    assert [row["value"] for row in rows] == sorted(values)


def test_a_list_of_mappings_is_an_array_of_structs(warehouse: BigQueryWarehouse) -> None:
    rows = [
        {"name": "a", "value": 1, "at": NOW, "note": None, "good": True},
        {"name": "b", "value": 2.5, "at": NOW, "note": None, "good": False},
    ]
    sql = "SELECT r.name, r.value, r.at AS moment, r.note, r.good FROM UNNEST(@rows) AS r ORDER BY r.name"
    assert warehouse.query(sql, rows=rows) == [
        {"name": "a", "value": 1.0, "moment": NOW, "note": None, "good": True},
        {"name": "b", "value": 2.5, "moment": NOW, "note": None, "good": False},
    ]


def test_a_mapping_is_a_struct(warehouse: BigQueryWarehouse) -> None:
    assert warehouse.query("SELECT @place.name AS name", place={"name": "JFK", "gates": 128}) == [{"name": "JFK"}]


def test_a_parameter_of_mixed_types_is_refused_by_name(warehouse: BigQueryWarehouse) -> None:
    with pytest.raises(TypeError, match=r"parameter values: values must be of one type, got \['INT64', 'STRING'\]"):
        warehouse.query("SELECT 1", values=[1, "a"])
    with pytest.raises(TypeError, match="parameter value: must be bool, int"):
        warehouse.query("SELECT 1", value=object())


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("SELECT model FROM ops.nowhere", "nowhere"),
        ("SELECT model FROM nowhere.drift_scores", "nowhere"),
        ("SELECT missing_column FROM ops.drift_scores", "missing_column"),
        ("SELECT s.missing_column FROM ops.drift_scores AS s", "missing_column"),
        ("INSERT INTO ops.drift_scores_raw (missing_column) VALUES (1)", "missing_column"),
        ("SELEC 1", "SELEC"),
        ("SELECT NO_SUCH_FUNCTION(1)", "NO_SUCH_FUNCTION"),
    ],
)
def test_a_refused_statement_names_what_is_wrong(warehouse: BigQueryWarehouse, sql: str, names: str) -> None:
    with pytest.raises(QueryError, match=rf"(?i)BigQuery refused the statement: .*{names}"):
        warehouse.query(sql)


def test_a_refusal_is_one_line(warehouse: BigQueryWarehouse) -> None:
    with pytest.raises(QueryError) as caught:
        warehouse.query("SELECT missing_column FROM ops.drift_scores")
    assert "\n" not in str(caught.value)


def test_a_statement_without_rows_gives_none(warehouse: BigQueryWarehouse) -> None:
    assert warehouse.query("SELECT model FROM ops.drift_scores") == []


def test_more_rows_than_a_page_come_back_whole(warehouse: BigQueryWarehouse) -> None:
    rows = warehouse.query("SELECT n FROM UNNEST(GENERATE_ARRAY(1, 30000)) AS n")
    assert sum(row["n"] for row in rows) == 30000 * 30001 // 2


def test_a_stream_gives_every_row_once_whatever_is_read_at_once(warehouse: BigQueryWarehouse) -> None:
    sql = "SELECT n, [STRUCT(n AS half, @word AS word)] AS parts FROM UNNEST(GENERATE_ARRAY(1, 20)) AS n ORDER BY n"
    for at_once in (1, 7, 20, 100):
        found = list(warehouse.stream(sql, at_once=at_once, word="x"))
        assert found == [{"n": n, "parts": [{"half": n, "word": "x"}]} for n in range(1, 21)]
    assert list(warehouse.stream("SELECT 1 AS n FROM UNNEST([1]) WHERE FALSE", at_once=7)) == []


def test_a_stream_is_refused_when_its_first_row_is_asked_for(warehouse: BigQueryWarehouse) -> None:
    rows = warehouse.stream("SELECT modle FROM ops.drift_scores", at_once=7)
    with pytest.raises(QueryError, match="modle"):
        next(rows)


def test_a_stream_that_breaks_off_says_so_after_the_rows_that_came(own_place: "Place") -> None:
    with closing(own_place.client("test")) as client:
        rows = BigQueryWarehouse(client, patience=0.3).stream(
            "SELECT n FROM UNNEST(GENERATE_ARRAY(1, 20)) AS n", at_once=5
        )
        found = [next(rows)["n"] for _ in range(5)]
        own_place.emulator.kill()
        with pytest.raises(UnavailableError, match="BigQuery does not answer"):
            next(rows)
    assert len(set(found)) == 5


def test_appended_rows_are_read_back(warehouse: BigQueryWarehouse) -> None:
    row = {"model": "m", "version": "1", "reference_start": NOW, "reference_end": NOW, "created_at": NOW}
    warehouse.append("ops.model_versions", [row, row | {"version": "2"}])
    found = warehouse.query(f"SELECT {', '.join(row)} FROM ops.model_versions ORDER BY version")
    assert found == [row, row | {"version": "2"}]


def test_appending_numbers_that_are_none_keeps_them(warehouse: BigQueryWarehouse) -> None:
    label = {"prediction_id": "p", "model": "m", "scored_at": NOW}
    warehouse.append(
        "telemetry.flight_predictions", [label | {"distance": math.inf, "hour": math.nan, "pressure": None}]
    )
    [row] = warehouse.query("SELECT distance, hour, pressure FROM telemetry.flight_predictions")
    assert row["distance"] == math.inf
    assert math.isnan(row["hour"])
    assert row["pressure"] is None


def test_appending_nothing_asks_nothing() -> None:
    BigQueryWarehouse(bigquery.Client.__new__(bigquery.Client)).append("ops.drift_scores_raw", [])


def test_appending_to_a_missing_table_names_it(warehouse: BigQueryWarehouse) -> None:
    with pytest.raises(QueryError, match="nowhere"):
        warehouse.append("ops.nowhere", [{"a": 1}])


def test_columns_hold_every_row_once_and_aligned(warehouse: BigQueryWarehouse) -> None:
    sql = "SELECT n, CONCAT('c', CAST(n AS STRING)) AS name FROM UNNEST(GENERATE_ARRAY(1, @last)) AS n"
    columns = read_columns(warehouse, sql, {"name": str, "n": float}, last=12_345)
    assert list(columns) == ["name", "n"]
    assert columns["n"].dtype == np.float64
    assert sorted(columns["n"]) == list(range(1, 12_346))
    assert all(name == f"c{n:.0f}" for name, n in zip(columns["name"], columns["n"], strict=True))


def test_columns_keep_nan_infinity_and_null(warehouse: BigQueryWarehouse) -> None:
    sql = """SELECT 1 AS n, CAST('NaN' AS FLOAT64) AS x, 'a"\\n☂' AS s UNION ALL
             SELECT 2, CAST('-inf' AS FLOAT64), NULL UNION ALL SELECT 3, NULL, 'NaN'"""
    columns = read_columns(warehouse, sql, {"n": float, "x": float, "s": str})
    order = np.argsort(columns["n"])
    np.testing.assert_array_equal(columns["x"][order], [math.nan, -math.inf, math.nan])
    assert columns["s"][order].tolist() == ['a"\n☂', None, "NaN"]


@pytest.mark.parametrize("spelt", ["n", "CAST(n AS STRING)"], ids=["as a number", "as text, as BigQuery writes it"])
def test_columns_keep_integers_that_no_float_holds(warehouse: BigQueryWarehouse, spelt: str) -> None:
    sql = f"SELECT {spelt} AS n, 1 AS k FROM UNNEST([1152921504606846977, 1152921504606846978, 5]) AS n"
    columns = read_columns(warehouse, sql, {"n": float})
    assert sorted(columns["n"].tolist()) == [5, 2**60 + 1, 2**60 + 2]
    columns = read_columns(warehouse, f"{sql} UNION ALL SELECT NULL, 1", {"n": float})
    assert {2**60 + 1, 2**60 + 2, 5, None} == set(columns["n"].tolist())
    columns = read_columns(warehouse, "SELECT 1e300 AS n UNION ALL SELECT 1.5", {"n": float})
    assert columns["n"].dtype == np.float64


def test_columns_of_no_rows_are_empty(warehouse: BigQueryWarehouse) -> None:
    columns = read_columns(warehouse, "SELECT model, value FROM ops.drift_scores", {"model": str, "value": float})
    assert {name: values.shape for name, values in columns.items()} == {"model": (0,), "value": (0,)}


def test_creating_the_tables_again_changes_nothing(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    row = {"model": "m", "version": "1", "reference_start": NOW, "reference_end": NOW, "created_at": NOW}
    warehouse.append("ops.model_versions", [row])
    create_tables(client)
    assert len(warehouse.query("SELECT * FROM ops.model_versions")) == 1


def test_a_table_of_an_earlier_version_gets_the_columns_that_came_later(place: "Place", tmp_path: Path) -> None:
    column = {"name": "at", "type": "TIMESTAMP", "mode": "REQUIRED"}
    later = [
        {"name": name, "type": kind, "mode": "NULLABLE"} for name, kind in (("mean", "FLOAT64"), ("why", "STRING"))
    ]
    body = {"description": "", "partition": {"field": "at", "type": "DAY"}, "cluster": [], "schema": [column]}
    file = tmp_path / "ops.grown.json"
    with closing(place.client("grown")) as client:
        file.write_text(json.dumps(body))
        create_tables(client, tmp_path)
        warehouse = BigQueryWarehouse(client, patience=2.0)
        at = datetime(2026, 3, 1, tzinfo=UTC)
        warehouse.append("ops.grown", [{"at": at}])
        file.write_text(json.dumps(body | {"schema": [column, *later]}))
        for _ in range(2):
            create_tables(client, tmp_path)
        warehouse.append("ops.grown", [{"at": at, "mean": 1.5, "why": "new"}])
        rows = warehouse.query("SELECT * FROM ops.grown ORDER BY mean NULLS FIRST")
    assert rows == [{"at": at, "mean": None, "why": None}, {"at": at, "mean": 1.5, "why": "new"}]


def test_a_table_is_partitioned_and_clustered_as_defined(client: bigquery.Client) -> None:
    for definition in read_definitions():
        table = client.get_table(definition.id)
        assert table.time_partitioning.field == definition.partition["field"]
        assert tuple(table.clustering_fields or ()) == definition.cluster
        assert [field.name for field in table.schema] == [column["name"] for column in definition.schema]


def test_importing_the_warehouse_brings_no_more_than_the_client() -> None:
    ours = _modules("functions.adapters.warehouse, functions.runtime.push") - _modules("google.cloud.bigquery")
    assert {name.split(".")[0] for name in ours} <= {"core", "functions", "msgspec", "flask", *sys.stdlib_module_names}


def _modules(name: str) -> set[str]:
    program = f"import sys, {name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())
