"""What the launcher changes in BigQuery's emulator: each change has its effect, and answers stay right."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from google.api_core.exceptions import BadRequest, NotFound
from google.cloud import bigquery

from core.errors import QueryError, UnavailableError
from functions.adapters.warehouse import BigQueryWarehouse
from infra.local.warehouse import Emulator, keeping, launcher
from infra.local.warehouse.parts import PatchError, part, replace
from infra.local.warehouse.tables import create_tables
from tests.support.builders.business import order
from tests.support.builders.flights import load
from tests.support.servers.emptying import FILLED, empty_tables

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
PATCHED = Path(__file__).parents[1] / "support" / "servers" / "patched.py"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VERSION = {"model": "m", "version": "1", "reference_start": NOW, "reference_end": NOW, "created_at": NOW}


class FewJobs(Emulator):
    """The emulator with room for three jobs."""

    @property
    def command(self) -> list[str]:
        """The program with other bounds."""
        bounds = "keeping.MOST_JOBS, keeping.LEAST_JOBS = 3, 1"
        program = f"from infra.local.warehouse import keeping, launcher; {bounds}; launcher.main()"
        return [sys.executable, "-c", program, *super().command[3:]]


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `tests.support.servers.patched` says."""
    program = [sys.executable, str(PATCHED), str(tmp_path_factory.mktemp("patched"))]
    own = os.environ | {"XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}
    said = subprocess.run(program, check=True, capture_output=True, text=True, env=own)
    found: dict[str, Any] = json.loads(said.stdout)
    return found


@pytest.fixture
def few(tmp_path: Path, place_at: Callable[[Emulator], "Place"]) -> Iterator["Place"]:
    with FewJobs(data=tmp_path) as emulator:
        yield place_at(emulator)


def stored(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What a statement finds in the file of an emulator that has ended."""
    with duckdb.connect(str(folder / "bqemulator.duckdb"), read_only=True) as file:
        return file.execute(sql).fetchall()


def test_a_part_that_is_not_there_is_named_with_the_version() -> None:
    with pytest.raises(PatchError, match=r"^bqemulator 1\.4\.0: bqemulator\.cli\.nothing: must be there"):
        part("bqemulator.cli", "nothing")
    with pytest.raises(PatchError, match=r"bqemulator\.nowhere\.main"):
        replace("bqemulator.nowhere", "main", lambda old: old)


def test_a_text_is_parsed_once_and_each_caller_has_a_tree_of_its_own(facts: dict[str, Any]) -> None:
    assert facts["parsed"] == {"same": True, "unspoilt": True, "dialects_apart": True}


def test_a_translation_is_kept_by_the_columns_of_its_tables(facts: dict[str, Any]) -> None:
    assert facts["translated"] == {"kept": True, "by_columns": True, "on_disk": True, "from_disk": True}


def test_statements_are_told_apart(facts: dict[str, Any]) -> None:
    assert facts["classified"] == {"SELECT": "SELECT", "MERGE": "MERGE", "DROP": "DROP_TABLE"}


def test_duckdb_has_a_part_of_the_machine_and_fetches_nothing(facts: dict[str, Any]) -> None:
    limited = facts["served"]["duckdb"]
    assert limited["memory_limit"].endswith("MiB")
    assert limited["threads"] == str(keeping.THREADS)
    assert limited["temp_directory"].endswith("/spill")
    assert limited["checkpoint_threshold"].endswith("MiB")
    assert limited["autoinstall_known_extensions"] == "false"
    assert "spatial" not in facts["served"]["extensions"]


def test_what_was_imported_is_not_searched_for_garbage_and_new_objects_seldom(facts: dict[str, Any]) -> None:
    assert facts["collected"]["frozen"] > 100_000
    assert facts["collected"]["after"] == 50_000


def test_no_search_for_pandas_begins(facts: dict[str, Any]) -> None:
    assert facts["pandas"] == "import of pandas halted; None in sys.modules"


def test_the_program_loads_neither_grpc_nor_bigquerys_client(facts: dict[str, Any]) -> None:
    assert facts["served"]["modules"] == []


def test_requests_are_only_unpacked_on_their_way(facts: dict[str, Any]) -> None:
    assert facts["served"]["middleware"] == ["GzipRequestMiddleware"]


def test_uploads_of_an_emulator_that_was_killed_are_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BQEMU_UPLOAD_STAGING_DIR", str(tmp_path))
    left, other = tmp_path / "1f.bin", tmp_path / "notes.txt"
    left.touch()
    other.touch()
    launcher.clear_uploads()
    assert (left.exists(), other.exists()) == (False, True)


def test_a_short_query_that_is_refused_is_an_error(client: bigquery.Client) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        client.query_and_wait("SELECT model FROM ops.nowhere")
    with pytest.raises(BadRequest, match="missing_column"):
        client.query_and_wait("SELECT missing_column FROM ops.model_versions")


def test_a_request_that_is_repeated_writes_once(client: bigquery.Client, warehouse: BigQueryWarehouse) -> None:
    """As BigQuery has it: the answer was lost, and the client asks again under the id of the first request."""
    sql = "INSERT INTO ops.model_versions (model) VALUES ('m')"
    for request in ("one", "one", "two", "one"):
        asked = {"query": sql, "useLegacySql": False, "requestId": request}
        answer = client._connection.api_request(method="POST", path="/projects/test/queries", data=asked)
        assert answer["numDmlAffectedRows"] == "1"
    assert warehouse.query("SELECT COUNT(*) AS n FROM ops.model_versions") == [{"n": 2}]


def test_what_any_client_has_written_is_gone_when_a_test_begins(client: bigquery.Client, place: "Place") -> None:
    with closing(place.client(client.project)) as other:
        BigQueryWarehouse(client).append("ops.model_versions", [VERSION])
        load(other, "telemetry.orders", [order(1, NOW)])
        other.query_and_wait("INSERT INTO ops.drift_scores_raw (model) VALUES ('m')")
        assert len(list(client.query_and_wait(FILLED))) == 3
        assert not place.writes.any
        empty_tables(client, place.writes)
        assert list(client.query_and_wait(FILLED)) == []
        other.query_and_wait("CREATE TABLE ops.left_over AS SELECT 1 AS one")
        empty_tables(client, place.writes)
    assert "left_over" not in {table.table_id for table in client.list_tables("ops")}


def test_a_look_back_in_time_is_refused(warehouse: BigQueryWarehouse) -> None:
    warehouse.append("ops.model_versions", [VERSION])
    with pytest.raises(QueryError, match=r"FOR SYSTEM_TIME AS OF: no past states of .*ops\.model_versions are kept"):
        warehouse.query("SELECT * FROM ops.model_versions FOR SYSTEM_TIME AS OF CURRENT_TIMESTAMP()")


def test_a_snapshot_that_is_asked_for_stays_as_it_was(warehouse: BigQueryWarehouse) -> None:
    warehouse.append("ops.model_versions", [VERSION])
    warehouse.query("CREATE SNAPSHOT TABLE ops.before CLONE ops.model_versions")
    warehouse.append("ops.model_versions", [VERSION | {"version": "2"}])
    assert warehouse.query("SELECT version FROM ops.before") == [{"version": "1"}]
    for change in ("DELETE FROM ops.before WHERE TRUE", "INSERT INTO ops.before SELECT * FROM ops.model_versions"):
        with pytest.raises(QueryError, match=r"ops\.before; it is immutable"):
            warehouse.query(change)
    warehouse.query("DELETE FROM ops.model_versions WHERE TRUE")
    assert warehouse.query("SELECT version FROM ops.before") == [{"version": "1"}]


def test_a_view_that_is_kept_is_told_of_changes(warehouse: BigQueryWarehouse) -> None:
    warehouse.append("ops.model_versions", [VERSION])
    warehouse.query(
        "CREATE MATERIALIZED VIEW ops.counted AS SELECT model, COUNT(*) AS n FROM ops.model_versions GROUP BY model"
    )
    counts = []
    for version in ("2", "3"):
        warehouse.append("ops.model_versions", [VERSION | {"version": version}])
        counts += warehouse.query("SELECT n FROM ops.counted")
    warehouse.query("DELETE FROM ops.model_versions WHERE version != '1'")
    assert [row["n"] for row in counts + warehouse.query("SELECT n FROM ops.counted")] == [2, 3, 1]


def test_a_statement_said_again_sees_new_columns_and_types(warehouse: BigQueryWarehouse) -> None:
    every, mean = "SELECT * FROM ops.grown", "SELECT AVG(value) AS mean FROM ops.grown"
    warehouse.query("CREATE TABLE ops.grown (value FLOAT64)")
    warehouse.query("INSERT INTO ops.grown (value) VALUES (1.5)")
    assert (warehouse.query(every), warehouse.query(mean)) == ([{"value": 1.5}], [{"mean": 1.5}])
    warehouse.query("ALTER TABLE ops.grown ADD COLUMN note STRING")
    assert warehouse.query(every) == [{"value": 1.5, "note": None}]
    warehouse.query("DROP TABLE ops.grown")
    with pytest.raises(QueryError, match="grown"):
        warehouse.query(every)
    warehouse.query("CREATE TABLE ops.grown (value NUMERIC)")
    warehouse.query("INSERT INTO ops.grown (value) VALUES (2)")
    [row] = warehouse.query(mean)
    assert (row["mean"], type(row["mean"]).__name__) == (2, "Decimal")


def test_a_statement_said_again_reads_the_view_of_now(warehouse: BigQueryWarehouse) -> None:
    asked = "SELECT n FROM ops.shown"
    for n in (1, 2):
        warehouse.query(f"CREATE OR REPLACE VIEW ops.shown AS SELECT {n} AS n")
        assert warehouse.query(asked) == [{"n": n}]
    warehouse.query("DROP VIEW ops.shown")
    warehouse.query("CREATE TABLE ops.shown (n INT64)")
    assert warehouse.query(asked) == []


def test_the_same_text_in_another_project_reads_that_project(place: "Place") -> None:
    found = []
    for project in ("one", "other"):
        with closing(place.client(project)) as client:
            warehouse = BigQueryWarehouse(client, patience=2.0)
            warehouse.query("CREATE SCHEMA apart")
            warehouse.query("CREATE TABLE apart.names AS SELECT @name AS name", name=project)
            found += warehouse.query("SELECT name FROM apart.names")
    assert found == [{"name": "one"}, {"name": "other"}]


def test_the_newest_jobs_are_kept_and_no_row_of_any(few: "Place") -> None:
    with closing(few.client("test")) as client:
        jobs = [client.query(f"SELECT {n} AS n") for n in range(5)]
        assert [row["n"] for row in jobs[-1].result()] == [4]
        kept = {job.job_id for job in client.list_jobs()}
        with pytest.raises(NotFound):
            client.get_job(jobs[0].job_id)
    few.emulator.stop()
    assert kept == {job.job_id for job in jobs[-3:]}
    assert stored(few.emulator.data, "SELECT * FROM _bqemulator_catalog.jobs") == []


def test_appends_leave_no_copies_and_their_number_outlives_a_crash_and_a_clean_end(own_place: "Place") -> None:
    emulator = own_place.emulator
    with closing(own_place.client("counted")) as client:
        create_tables(client)
        warehouse = BigQueryWarehouse(client, patience=2.0)
        for version in "123":
            warehouse.append("ops.model_versions", [VERSION | {"version": version}])
        before = client.get_table("ops.model_versions").num_rows
        emulator.kill()
        emulator.start()
        after = client.get_table("ops.model_versions").num_rows
    process = emulator._process
    emulator.stop()
    assert process is not None
    assert process.returncode == 0, "it had to be killed"
    assert (before, after) == (3, 3)
    assert not (emulator.data / "bqemulator.duckdb.wal").exists()
    assert stored(emulator.data, "SELECT * FROM _bqemulator_catalog.snapshots") == []
    schemas = "SELECT table_name FROM duckdb_tables() WHERE schema_name = '_bqemulator_snapshots'"
    assert stored(emulator.data, schemas) == []


def test_tables_that_are_as_defined_are_not_asked_for(client: bigquery.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    request = client._connection.api_request

    def recorded(**call: Any) -> Any:
        asked.append((call["method"], call["path"]))
        return request(**call)

    monkeypatch.setattr(client._connection, "api_request", recorded)
    create_tables(client)
    assert not [path for _, path in asked if "/tables/" in path]
    assert {path.rpartition("/")[2] for method, path in asked if method == "POST"} == {"datasets"}
    client.delete_table("ops.drift_scores_raw")
    create_tables(client)
    assert client.get_table("ops.drift_scores_raw").num_rows == 0


def test_a_view_that_is_missing_is_made_and_one_that_changed_is_replaced(
    client: bigquery.Client, tmp_path: Path
) -> None:
    table = {"description": "Rows.", "partition": {"field": "at", "type": "DAY"}, "cluster": []}
    columns = [
        {"name": "at", "type": "TIMESTAMP", "mode": "REQUIRED"},
        {"name": "n", "type": "INT64", "mode": "NULLABLE"},
    ]
    (tmp_path / "ops.seen_raw.json").write_text(json.dumps(table | {"schema": columns}))
    view = tmp_path / "ops.seen.sql"
    found = []
    for select in ("n", "n, 2 * n AS twice", "n, 2 * n AS twice"):
        view.write_text(f"SELECT {select} FROM `{{project}}.ops.seen_raw`")
        create_tables(client, tmp_path)
        client.query("INSERT INTO ops.seen_raw (`at`, n) VALUES (CURRENT_TIMESTAMP(), 4)").result()
        found.append([dict(row) for row in client.query("SELECT DISTINCT * FROM ops.seen").result()])
        client.query("DROP VIEW ops.seen").result()
    assert found == [[{"n": 4}], [{"n": 4, "twice": 8}], [{"n": 4, "twice": 8}]]
    client.delete_table("ops.seen_raw")


def test_a_table_of_an_earlier_version_becomes_a_view_with_its_rows(client: bigquery.Client, tmp_path: Path) -> None:
    table = {"description": "Rows.", "partition": {"field": "scored_at", "type": "DAY"}, "cluster": []}
    columns = [
        {"name": "n", "type": "INT64", "mode": "NULLABLE"},
        {"name": "scored_at", "type": "TIMESTAMP", "mode": "REQUIRED"},
    ]
    written = {"name": "written_at", "type": "TIMESTAMP", "mode": "REQUIRED"}
    old, raw = tmp_path / "ops.moved.json", tmp_path / "ops.moved_raw.json"
    old.write_text(json.dumps(table | {"schema": columns}))
    create_tables(client, tmp_path)
    client.query("INSERT INTO ops.moved (n, scored_at) VALUES (1, TIMESTAMP '2026-03-01')").result()
    old.unlink()
    raw.write_text(json.dumps(table | {"schema": [*columns, written]}))
    (tmp_path / "ops.moved.sql").write_text("SELECT n, written_at FROM `{project}.ops.moved_raw`")
    for _ in range(2):
        create_tables(client, tmp_path)
        [row] = client.query("SELECT * FROM ops.moved").result()
        assert dict(row) == {"n": 1, "written_at": datetime(2026, 3, 1, tzinfo=UTC)}
    client.query("DROP VIEW ops.moved").result()
    client.delete_table("ops.moved_raw")


def test_a_port_that_another_program_has_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"port {port} must be free"):
            Emulator(data=tmp_path, port=port).start()


def test_a_program_that_answers_otherwise_than_by_http_is_not_the_emulator(tmp_path: Path) -> None:
    def answer() -> None:
        connection, _ = other.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(b"\0\0\x12\4\0\0\0\0\0\0\3\0\0\0\x64\r\n")  # as gRPC does

    with socket.create_server(("127.0.0.1", 0)) as other:
        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(UnavailableError, match="not ready"):
            Emulator(data=tmp_path, port=other.getsockname()[1]).wait(0)
        thread.join()
