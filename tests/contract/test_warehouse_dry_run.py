"""A dry run: what a statement would read, by the protocol of BigQuery."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from core.errors import QueryError, UnavailableError
from functions.adapters.job_labels import job_labels
from functions.adapters.warehouse import BigQueryWarehouse
from functions.cli.main import main
from tests.support.servers.served_at import NoClient, served_at

if TYPE_CHECKING:
    from tests.support.servers.warehouse import Place

pytest_plugins = ["tests.support.servers.warehouse"]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class DryRunning(ThreadingHTTPServer):
    """Answers dry runs as BigQuery documents it (`jobs.insert`): the job is done, has no rows, and says what it would read."""

    def __init__(self, total: str) -> None:
        super().__init__(("127.0.0.1", 0), DryRun)
        self.total = total
        self.asked: list[dict[str, Any]] = []


class DryRun(BaseHTTPRequestHandler):
    server: DryRunning

    def do_POST(self) -> None:
        job = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(job["configuration"])
        answer = json.dumps(
            {
                "kind": "bigquery#job",
                "jobReference": {"projectId": "test", "location": "US"},  # a dry run has no id
                "configuration": job["configuration"],
                "statistics": {
                    "totalBytesProcessed": self.server.total,
                    "query": {"totalBytesProcessed": self.server.total, "cacheHit": False, "statementType": "SELECT"},
                },
                "status": {"state": "DONE"},
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def dry_running(place: "Place", total: str, function: str = "") -> Iterator[tuple[BigQueryWarehouse, DryRunning]]:
    with DryRunning(total) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with served_at(place, url, patience=0.5, function=function) as warehouse:
            yield warehouse, server
        server.shutdown()
        thread.join()


def test_a_dry_run_says_what_would_be_read(place: "Place") -> None:
    with dry_running(place, "24000000000") as (warehouse, server):
        found = warehouse.bytes_of("SELECT t FROM telemetry.paid WHERE t >= @since", since=NOW)
    assert found == 24_000_000_000
    [asked] = server.asked
    assert (asked["dryRun"], asked["query"]["useQueryCache"]) == (True, False)
    assert asked["query"]["queryParameters"][0]["parameterType"] == {"type": "TIMESTAMP"}


def test_the_command_tells_of_a_table_without_partitions(
    place: "Place", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a billion rows, which are read whole for whatever day is asked for."""
    settings = tmp_path / "monitoring.yaml"
    orders = "{table: shop.paid, timestamp: ordered_at, id: id, source: shop, amount: amount}"
    settings.write_text(
        f"version: 1\njobs: {{}}\nbusiness: {{orders: {orders}, billing: {{table: billing.export}}}}\n"
        "channels: [{name: chat, kind: slack, url: '${NOT_SET}'}]\n"
    )
    with dry_running(place, "40000000000") as (_, server):
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for name, value in (place.environment | {"BIGQUERY_EMULATOR_HOST": url, "COLUMNS": "200"}).items():
            monkeypatch.setenv(name, value)
        words = ["costs", "tables", "--settings", str(settings), "--project", "test"]
        found = CliRunner().invoke(main, words)
        listed = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert found.exit_code == 1, found.output
    assert "partition shop.paid by DAY(ordered_at)" in found.output
    assert listed[0] == {
        "table": "shop.paid",
        "partitioning": "unpartitioned",
        "bytes": 40_000_000_000,
        "dollars_per_month": 1964.51,
        "advice": "partition shop.paid by DAY(ordered_at)",
    }
    assert server.asked[0]["labels"] == {"service": "aia", "function": "cli"}
    assert "`_PARTITIONTIME` AS column_0" in server.asked[3]["query"]["query"]


def test_jobs_are_labelled_by_whom_they_are_for(place: "Place") -> None:
    with dry_running(place, "1", "bi_rollup") as (warehouse, server):
        with job_labels(rollup="revenue"), job_labels(model="Flight/Delay" * 10):
            warehouse.bytes_of("SELECT 1")
        warehouse.bytes_of("SELECT 1")
    whom = {"service": "aia", "function": "bi_rollup"}
    assert [asked["labels"] for asked in server.asked] == [
        whom | {"rollup": "revenue", "model": ("flight-delay" * 10)[:63]},
        whom,
    ]


def test_a_dry_run_is_refused_like_the_statement(warehouse: BigQueryWarehouse) -> None:
    assert warehouse.bytes_of("SELECT model FROM ops.drift_scores") == 0  # the emulator does not measure
    with pytest.raises(QueryError, match="missing_column"):
        warehouse.bytes_of("SELECT missing_column FROM ops.drift_scores")
    with pytest.raises(UnavailableError, match="BigQuery does not answer"):
        BigQueryWarehouse(NoClient(), patience=0.1).bytes_of("SELECT 1")
