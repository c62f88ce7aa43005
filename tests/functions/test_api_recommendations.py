"""Recommendations over HTTP and by `aia costs`: listed with their evidence, decided on by people, and written down."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import Client

from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.api.recommendations import TABLE
from functions.cli.main import main
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock
from tests.support.web.over_asgi import OverAsgi

IDLE: Data = {
    "key": "idle_endpoint:model/churn",
    "kind": "idle_endpoint",
    "target": "model/churn",
    "dollars_per_month": 360.0,
    "evidence": "no prediction in 14 days, serving costs $12.00 a day: undeploy it",
    "confidence": "high",
    "state": "open",
    "decided_by": None,
    "note": None,
    "decided_at": None,
    "saved_dollars": None,
}


class Written(Rows):
    """A warehouse that keeps what is appended."""

    def __init__(self, **answers: list[Data]) -> None:
        super().__init__(**answers)
        self.rows: list[tuple[str, Data]] = []

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:  # type: ignore[override]  # of any rows
        self.rows += [(table, row) for row in rows]


@pytest.fixture
def warehouse() -> Written:
    return Written(recommendations=[IDLE])


@pytest.fixture
def app(tmp_path: Path, warehouse: Written) -> OverAsgi:
    store = open_store(f"sqlite://{tmp_path}/s.db", "test")
    clock = FakeClock()
    return pages.application(pages.services(store, warehouse, ApiFixture(store), lambda: clock.now))


@pytest.fixture
def client(app: OverAsgi) -> Client:
    return app.test_client()


def test_recommendations_are_listed(client: Client) -> None:
    found = client.get("/v1/recommendations")
    assert (found.status_code, found.json) == (200, [IDLE])


def test_a_decision_is_a_row_with_its_author(client: Client, warehouse: Written) -> None:
    said = {"key": IDLE["key"], "state": "done", "by": "Ada", "note": "deleted"}
    assert client.post("/v1/recommendations", json=said).status_code == 200
    [(table, row)] = warehouse.rows
    assert table == TABLE
    assert (row["key"], row["state"], row["decided_by"], row["note"]) == (IDLE["key"], "done", "Ada", "deleted")
    assert row["decided_at"].tzinfo is not None


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"key": "nothing", "state": "done", "by": "Ada"}, 404, "there is no recommendation 'nothing'"),
        ({"key": IDLE["key"], "state": "withdrawn", "by": "Ada"}, 400, "state: must be one of open, done, dismissed"),
        ({"key": IDLE["key"], "state": "done"}, 400, "by: must be 1 to 80"),
        ({"key": IDLE["key"], "state": "done", "by": "Ada", "why": 1}, 400, "why: must be one of"),
        ({"key": 7, "state": "done", "by": "Ada"}, 404, "there is no recommendation '7'"),
    ],
)
def test_a_decision_that_is_not_valid_is_refused_by_name(
    client: Client, warehouse: Written, body: dict[str, Any], status: int, says: str
) -> None:
    found = client.post("/v1/recommendations", json=body)
    assert found.status_code == status
    assert says in found.json["detail"]
    assert not warehouse.rows


def test_a_warehouse_that_does_not_answer_is_said(client: Client, warehouse: Written) -> None:
    warehouse.down = True
    found = client.get("/v1/recommendations")
    assert (found.status_code, "BigQuery" in found.json["detail"]) == (503, True)


def aia(*words: str) -> Result:
    return CliRunner().invoke(main, ["costs", *words], env={"COLUMNS": "240", "LOGNAME": "Ada"})


def test_the_command_lists_and_decides(app: OverAsgi, warehouse: Written) -> None:
    with pages.served(app) as url:
        listed = aia("--url", url, "list")
        assert listed.exit_code == 0, listed.output
        for part in ("idle_endpoint:model/churn", "$360", "high", "open", "not known", "undeploy it"):
            assert part in listed.output
        assert json.loads(aia("--url", url, "list", "--json").output) == [IDLE]
        decided = aia("--url", url, "decide", str(IDLE["key"]), "dismissed")
        assert (decided.exit_code, decided.output) == (0, "idle_endpoint:model/churn: dismissed\n")
        assert [row["state"] for _, row in warehouse.rows] == ["dismissed"]
        refused = aia("--url", url, "decide", "nothing", "done")
        assert (refused.exit_code, "there is no recommendation" in refused.stderr) == (2, True)
    assert aia("--url", url, "list").exit_code == 3


def test_scans_that_cannot_be_measured_are_told_by_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    wrong = tmp_path / "monitoring.yaml"
    wrong.write_text("version: 1\njobs: {}\nbusiness: {billing: {}}\n")
    refused = aia("tables", "--settings", str(wrong), "--project", "p")
    assert (refused.exit_code, "business.billing.table: must be given" in refused.stderr) == (2, True)
