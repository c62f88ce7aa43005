"""The event log over HTTP, and the past of probes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from functions.adapters.ports import Data
from functions.adapters.prometheus import Series
from functions.adapters.stores import open_store
from functions.api.events import KINDS
from functions.api.probe_history import ProbeHistory
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows

NOW = datetime(2026, 6, 1, 12, 0, 3, tzinfo=UTC)


class Past:
    """A Prometheus in which one probe was down for an interval, and another was never checked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int, int]] = []

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        self.asked.append((query, start, end, step))
        return [Series(labels={"probe": "db"}, values=(None, 0.5, *[1.0] * ((end - start) // step - 1)))]


@pytest.fixture
def warehouse() -> Rows:
    return Rows()


@pytest.fixture
def prometheus() -> Past:
    return Past()


@pytest.fixture
def client(tmp_path: Path, warehouse: Rows, prometheus: Past) -> Iterator[Client]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    made = pages.services(store, warehouse, ApiFixture(store), lambda: NOW)
    history = ProbeHistory(prometheus=prometheus, clock=lambda: NOW)  # type: ignore[arg-type]
    yield pages.application(replace(made, probe_history=history)).test_client()
    store.close()  # type: ignore[attr-defined]


def event(name: str, *, ago: timedelta) -> Data:
    row: Data = {"id": name, "at": NOW - ago, "kind": "command", "what": "halt", "person": "Ada", "subject": "*"}
    return row | {"target": "", "incident": "", "text": "it made it worse"}


def test_events_are_read_page_by_page_with_what_is_looked_for(client: Client, warehouse: Rows) -> None:
    rows = [event(str(n), ago=timedelta(minutes=n)) for n in range(3)]
    warehouse.answers = {"ops.commands": rows}
    query = {"kind": "command,action", "target": "model/*", "person": "ADA", "q": "Made Worse", "limit": 2}
    first = client.get("/v1/events", query_string=query).json or {}
    asked = warehouse.asked[-1][1]
    assert (asked["kinds"], asked["target"], asked["person"]) == (["command", "action"], "model/%", "ada")
    assert (asked["words"], asked["since"], asked["until"]) == ("made worse", NOW.replace(second=10) - timedelta(days=30), NOW.replace(second=10))  # fmt: skip
    assert [one["id"] for one in first["events"]] == ["0", "1"]
    warehouse.answers = {"ops.commands": rows[2:]}
    second = client.get("/v1/events", query_string=query | {"cursor": first["next"]}).json or {}
    asked = warehouse.asked[-1][1]
    assert (asked["before"], asked["before_id"]) == (NOW - timedelta(minutes=1), "command1")
    assert ([one["id"] for one in second["events"]], second["next"]) == (["2"], "")
    assert second["kinds"] == list(KINDS)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kind": "gossip"}, "kind: must be of command, incident"),
        ({"until": "soon"}, "until: must be an instant with its time zone"),
        ({"cursor": "????"}, "cursor: must be what `next` said"),
    ],
)
def test_a_log_that_is_asked_for_wrongly_says_how(client: Client, given: dict[str, Any], told: str) -> None:
    response = client.get("/v1/events", query_string=given)
    assert (response.status_code, (response.json or {})["detail"][: len(told)]) == (400, told)


def test_the_past_of_probes_is_a_share_an_interval(client: Client, prometheus: Past) -> None:
    day = client.get("/v1/probes/history").json or {}
    assert day["probes"]["db"][:3] == [None, 0.5, 1.0]
    assert (len(day["probes"]["db"]), day["seconds"]) == (48, 1800)
    assert datetime.fromisoformat(day["until"]) - datetime.fromisoformat(day["since"]) == timedelta(days=1)
    quarter = client.get("/v1/probes/history?period=90d").json or {}
    assert (len(quarter["probes"]["db"]), quarter["seconds"]) == (90, 86_400)
    assert "sum_over_time(aia_probe_up[86400s])" in prometheus.asked[-1][0]
    assert client.get("/v1/probes/history?period=1y").status_code == 400
    assert client.get("/v1/probes/history?period=90d").json == quarter
    assert len(prometheus.asked) == 2  # the second answer was kept
