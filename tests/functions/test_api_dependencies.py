"""The service map over HTTP and by `aia dependencies`."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.cli.main import main
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock
from tests.support.web.over_asgi import OverAsgi

SEEN = [("checkout", "call", "churn", 4100), ("shop", "database", "neo4j/MATCH", 30), ("shop", "call", "x", 9)]
ROWS: list[Data] = [
    {"service": service, "operation": operation, "name": name, "calls": calls}
    for service, operation, name, calls in SEEN
]
ALL = [
    {"from": "service/checkout", "to": "model/churn", "calls": 4100, "in_settings": False},
    {"from": "service/shop", "to": "database/neo4j", "calls": 30, "in_settings": True},
    {"from": "service/shop", "to": "service/x", "calls": 9, "in_settings": False},
]


@pytest.fixture
def warehouse() -> Rows:
    return Rows(answered=ROWS)


@pytest.fixture
def app(tmp_path: Path, warehouse: Rows) -> OverAsgi:
    store = open_store(f"sqlite://{tmp_path}/s.db", "test")
    clock = FakeClock()
    return pages.application(pages.services(store, warehouse, ApiFixture(store), lambda: clock.now))


@pytest.fixture
def url(app: OverAsgi) -> Iterator[str]:
    with pages.served(app) as url:
        yield url


def test_dependencies_that_traces_show_are_listed(app: OverAsgi, warehouse: Rows) -> None:
    assert app.test_client().get("/v1/dependencies").json == ALL
    [(_, asked)] = warehouse.asked
    assert asked["until"] - asked["since"] == timedelta(hours=24)


def test_a_warehouse_that_does_not_answer_is_said(app: OverAsgi, warehouse: Rows) -> None:
    warehouse.down = True
    assert app.test_client().get("/v1/dependencies").status_code == 503


def test_the_command_says_what_is_missing_and_what_to_write(url: str) -> None:
    said = CliRunner().invoke(main, ["dependencies", "--url", url]).output
    assert said.splitlines() == [
        "seen 4,100 calls service/checkout -> model/churn; not in your settings",
        "",
        "dependencies:",
        '  - {from: "service/checkout", to: "model/churn"}',
    ]
    every = CliRunner().invoke(main, ["dependencies", "--url", url, "--all", "--minimum", "1", "--json"]).output
    assert json.loads(every) == ALL
