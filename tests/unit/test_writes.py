"""Which tables a request to BigQuery may write: none is missed, whatever kind of request it is."""

import json
from typing import Any

import pytest

from tests.support.servers.writes import written

QUERIES = "http://127.0.0.1:9050/bigquery/v2/projects/test/queries"
JOBS = "http://127.0.0.1:9050/bigquery/v2/projects/test/jobs"


def job(**configuration: Any) -> str:
    return json.dumps({"configuration": configuration})


@pytest.mark.parametrize(
    ("method", "path", "body", "tables"),
    [
        ("GET", QUERIES, None, set()),
        ("PUT", "http://127.0.0.1:9050/upload/bigquery/v2/projects/test/jobs", "rows", set()),
        ("POST", f"{QUERIES[:-8]}/datasets/ops/tables/drift_scores_raw/insertAll", "{}", {"ops.drift_scores_raw"}),
        ("POST", QUERIES, json.dumps({"query": "SELECT a FROM ops.findings"}), set()),
        ("POST", QUERIES, json.dumps({"query": "DELETE FROM `ops.findings` WHERE TRUE"}), {"ops.findings"}),
        ("POST", JOBS, job(query={"query": "-- Why.\nMERGE marts.a AS a USING ops.b AS b"}), {"marts.a", "ops.b"}),
        ("POST", JOBS, job(query={"query": "insert into `test`.`marts`.`a` VALUES (1)"}), {"marts.a"}),
        ("POST", JOBS, job(load={"destinationTable": {"datasetId": "ops", "tableId": "a"}}), {"ops.a"}),
        ("POST", JOBS, job(query={"query": "CREATE TABLE ops.a (b INT64)"}), None),
        ("POST", JOBS, job(query={"query": "SELECT 1; DROP TABLE ops.a"}), None),
        ("POST", JOBS, job(copy={"destinationTable": {"datasetId": "ops", "tableId": "a"}}), None),
        ("POST", f"{JOBS[:-5]}/datasets/ops/tables", '{"tableReference": {}}', None),
        ("DELETE", f"{JOBS[:-5]}/datasets/ops/tables/a", None, None),
        ("POST", JOBS, "no JSON", None),
    ],
)
def test_the_tables_that_a_request_may_write(method: str, path: str, body: str | None, tables: set[str] | None) -> None:
    assert written(method, path, body) == tables
