"""What retraining leaves in the warehouse: each request a row as the bus writes it, and the version that a pipeline writes."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from google.cloud import bigquery
from google.pubsub_v1.types import PubsubMessage, Subscription

from core.events import RetrainingRequest, stamp
from functions.adapters.events import encode
from functions.adapters.training import history
from functions.adapters.warehouse import BigQueryWarehouse
from functions.api import training_outcomes
from infra import stage
from infra.local.pubsub.backlog import Item
from infra.local.pubsub.rows import RowFormat
from tests.support.builders.flights import load
from tests.support.checks.googlesql import of_the_deployment

pytest_plugins = ["tests.support.servers.warehouse"]
pytestmark = pytest.mark.timeout(300)  # the analyser is compiled when it is first used, which takes a while

TABLE = stage.deployment()["tables"]["retraining-audit"]["table"]
AT = datetime(2026, 1, 2, 12, tzinfo=UTC)
REQUEST = RetrainingRequest(
    model="delay",
    model_version="7",
    requested_at=AT,
    reason="below_floor",
    window_start=AT - timedelta(days=60),
    window_end=AT - timedelta(hours=12),
    n_labels=800,
    features=("hour", "carrier"),
    accuracy=0.8,
    floor=0.85,
)
GUIDE = (Path(__file__).parents[2] / "docs" / "retraining.md").read_text()
[WRITE_VERSION] = re.findall(r"```sql\n(.*?)```", GUIDE, re.DOTALL)
RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbooks" / "models.md").read_text()
[LOOK] = [sql for sql in re.findall(r"```sql\n(.*?)```", RUNBOOK, re.DOTALL) if "ops.retraining_requests" in sql]
VERSION = {"model": "delay", "version": "8", "window_start": REQUEST.window_start, "window_end": REQUEST.window_end}


@pytest.mark.parametrize("request_", [REQUEST, replace(REQUEST, features=(), accuracy=None, floor=None)])
def test_every_request_is_a_row_as_the_bus_writes_it(client: bigquery.Client, request_: RetrainingRequest) -> None:
    schema = client.get_table(TABLE).schema
    form = RowFormat(schema, Subscription.pb(Subscription(bigquery_config={"table": TABLE, "use_table_schema": True})))
    row = form.row(Item(1, PubsubMessage.pb(PubsubMessage(data=encode(request_)))))
    load(client, TABLE, [msgspec.json.decode(row)])
    [kept] = client.query_and_wait(f"SELECT * FROM {TABLE}")
    assert (kept["id"], kept["features"]) == (request_.id, list(request_.features))
    assert (kept["accuracy"], kept["floor"]) == (request_.accuracy, request_.floor)
    assert (kept["requested_at"], kept["window_start"]) == (AT, request_.window_start)
    [found] = client.query_and_wait(re.sub(r"'NAME' AND .* ORDER", "'delay' ORDER", LOOK))
    assert found["id"] == request_.id


def test_a_training_has_its_request_its_result_and_its_experiment_each_once(
    client: bigquery.Client, warehouse: BigQueryWarehouse
) -> None:
    asked = {"requested_by": "finding:model/delay:drift:2026-01-02T12:00:00Z"}
    rows = [
        msgspec.json.decode(encode(replace(REQUEST, **asked))),
        msgspec.json.decode(encode(replace(REQUEST, model="x"))),
    ]
    known = {field.name for field in client.get_table(TABLE).schema}
    load(client, TABLE, [{name: value for name, value in row.items() if name in known} for row in (*rows, rows[0])])
    result = {"request_id": REQUEST.id, "model": "delay", "run_id": "r", "pipeline": "p", "n_rows": 9, "metrics": "{}"}
    for minute, told in enumerate(({"outcome": "not better", "why": "first"}, {"outcome": "trained", "why": "lower"})):
        finished = {"finished_at": stamp(AT + timedelta(minutes=minute)), "version": "8"}
        load(client, "ops.training_results", [result | told | finished])
    look = {"champion": "7", "challenger": "8", "mode": "shadow", "stage": "comparison", "share": 0, "n": 9}
    look |= {"evidence": "{}", "decision": "continue", "reason": "not_known", "model": "delay"}
    for name in ("delay:8:20260102T120000", "delay:8:20260103T120000"):
        load(client, "ops.experiment_looks", [look | {"id": f"{name}:x", "experiment": name, "look_at": stamp(AT)}])
    [row] = warehouse.query(
        training_outcomes.TRAININGS, model="delay", since=AT - timedelta(days=1), until=AT + timedelta(days=1)
    )
    assert (row["id"], row["requested_by"], row["model_version"]) == (REQUEST.id, asked["requested_by"], "7")
    assert (row["outcome"], row["version"], row["why"], row["finished_at"]) == (
        "trained",
        "8",
        "lower",
        AT + timedelta(minutes=1),
    )
    assert row["experiment"] == "delay:8:20260103T120000"
    later = {"since": AT + timedelta(days=1), "until": AT + timedelta(days=2)}
    assert warehouse.query(training_outcomes.TRAININGS, model="delay", **later) == []


def test_a_pipeline_writes_its_version_once_however_often_the_step_runs(warehouse: BigQueryWarehouse) -> None:
    for _ in range(2):
        warehouse.query(WRITE_VERSION, **VERSION)
    [row] = warehouse.query("SELECT * FROM ops.model_versions")
    assert (row["version"], row["reference_end"]) == ("8", REQUEST.window_end)
    assert history.version_in_use(warehouse, "delay", datetime.now(UTC) + timedelta(minutes=1)) == "8"


def test_the_statements_of_the_guide_and_the_runbook_are_ones_of_bigquery() -> None:
    analyser = of_the_deployment()
    analyser.analyse(WRITE_VERSION, VERSION)
    analyser.analyse(LOOK, {})
