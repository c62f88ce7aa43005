"""What detectors conclude, and what signals say, over HTTP: found by what is asked, page by page."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from core.detection import ConditionSpec, Observation, Outcome, Verdict
from core.events import Severity
from core.health.result import ProbeReason
from functions.adapters.ports import Data
from functions.adapters.prometheus import Series
from functions.api import findings
from functions.api.listing import write_cursor
from functions.api.signals import MOST_SERIES, MOST_VALUES, Signals
from functions.services.detection import Tracker
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


class Metrics:
    """A Prometheus with as many series of a metric as one wants."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, int, int]] = []
        self.count = 1

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        self.asked.append((query, start, end, step))
        values = (None, *[1.0] * ((end - start) // step))
        return [Series(labels={"number": str(number)}, values=values) for number in range(self.count)]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore(Breaking(now=NOW))


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def client(store: MemoryStore, rows: Rows, metrics: Metrics) -> Client:
    made = pages.services(store, rows, ApiFixture(store), lambda: NOW)
    known = Signals(made.coverage, metrics, lambda: NOW)  # type: ignore[arg-type] # the same method
    return pages.client_of(replace(made, signals=known))


def get(client: Client, path: str, **query: str) -> Any:
    response = client.get(path, query_string=query)
    assert response.status_code == 200, response.get_data()
    return response.json


def judged(store: MemoryStore, target: str, kind: str, *, bad: bool, source: str = "drift_score") -> None:
    spec = ConditionSpec(target=target, kind=kind, source=source, runbook="models.md#drift")
    outcome = Outcome.BAD if bad else Outcome.GOOD
    verdict = Verdict(outcome=outcome, severity=Severity.ERROR, reason=ProbeReason.REFUSED, summary="beyond the limit")
    Tracker(store, ApiFixture(store)).record(Observation(spec=spec, verdict=verdict, at=NOW))


def test_every_condition_is_listed_and_found_by_target_detector_and_status(
    client: Client, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(findings, "_READ", 2)
    judged(store, "model/churn", "drift", bad=True)
    judged(store, "model/churn", "accuracy", bad=False)
    judged(store, "model/delay", "drift", bad=True)
    judged(store, "service/shop", "down", bad=True, source="health_check")

    def keys(**query: str) -> list[str]:
        found, cursor = [], ""
        while True:
            page = get(client, "/v1/conditions", limit="1", cursor=cursor, **query)
            found += [one["key"] for one in page["conditions"]]
            if not (cursor := page["next"]):
                return found

    everything = ["model/churn:accuracy", "model/churn:drift", "model/delay:drift", "service/shop:down"]
    assert keys() == everything
    assert keys(target="model/churn") == everything[:2]
    assert keys(target="model/*", firing="true") == everything[1:3]
    assert keys(source="health_check") == everything[3:]
    assert keys(target="model/nobody") == []
    [one] = get(client, "/v1/conditions", target="model/delay")["conditions"]
    assert (one["status"], one["severity"], one["reason"], one["source"]) == (
        "firing",
        "error",
        ProbeReason.REFUSED,
        "drift_score",
    )
    assert datetime.fromisoformat(one["since"]) == NOW


@pytest.mark.parametrize("key", ["a\0b", "__reserved"])
def test_a_cursor_that_no_condition_has_is_refused(client: Client, key: str) -> None:
    refused = client.get("/v1/conditions", query_string={"cursor": write_cursor((key,))})
    assert (refused.status_code, "cursor: must be what" in (refused.json or {})["detail"]) == (400, True)


def finding(name: str, ago: timedelta) -> Data:
    row: Data = {"id": name, "target": "model/churn", "kind": "drift", "status": "firing", "severity": "error"}
    row |= {"observed_at": NOW - ago, "published_at": NOW - ago, "source": "drift_score", "summary": "churn drifted"}
    return row | {"value": 0.5, "threshold": 0.2, "unit": None, "incident_group": "model/churn"}


def test_findings_are_read_page_by_page_with_what_is_looked_for(client: Client, rows: Rows) -> None:
    rows.answers = {"ops.findings": [finding(str(n), timedelta(minutes=n)) for n in range(3)]}
    query = {"target": "model/*", "source": "drift_score", "kind": "drift", "limit": "2"}
    first = get(client, "/v1/findings", **query)
    asked = rows.asked[-1][1]
    assert [one["id"] for one in first["findings"]] == ["0", "1"]
    assert (asked["target"], asked["source"], asked["kind"], asked["most"]) == ("model/%", "drift_score", "drift", 3)
    assert asked["until"] - asked["since"] == findings.USUAL
    get(client, "/v1/findings", cursor=first["next"], **query)
    asked = rows.asked[-1][1]
    assert (asked["before"], asked["before_id"]) == (NOW - timedelta(minutes=1), "1")


def test_signals_are_found_by_area_and_words(client: Client) -> None:
    everything = get(client, "/v1/signals")
    assert len(everything) == sum(len(one["signals"]) for one in get(client, "/v1/coverage")["areas"])
    area = everything[0]["area"]
    assert {one["area"] for one in get(client, "/v1/signals", area=area)} == {area}
    found = get(client, "/v1/signals", q="AIA_PROBE up")
    assert found
    assert all("aia_probe" in one["selector"] for one in found)
    assert get(client, "/v1/signals", seen="true") == []  # what does not answer has seen none


@pytest.mark.parametrize(
    ("query", "step", "count"),
    [
        ({}, 15, 241),
        ({"since": "2026-03-09T12:00:00Z", "until": "2026-03-10T12:00:00Z"}, 360, 241),
        ({"since": "2026-03-09T12:00:00Z", "until": "2026-03-10T12:00:00Z", "step": "3600"}, 3600, 25),
        ({"since": "2026-02-09T12:00:00Z", "until": "2026-03-10T12:00:00Z", "step": "15"}, 2520, 995),
        ({"since": "2099-01-01T00:00:00Z"}, 15, 1),
    ],
)
def test_the_values_of_a_signal_are_of_a_range(
    client: Client, metrics: Metrics, query: dict[str, str], step: int, count: int
) -> None:
    metrics.count = MOST_SERIES + 2
    found = get(client, "/v1/signals/aia_probe_up/values", **query)
    assert (found["step"], len(found["series"][0]["values"]), found["left_out"]) == (step, count, 2)
    assert (len(found["series"]), count <= MOST_VALUES + 1) == (MOST_SERIES, True)
    assert found["series"][0]["values"][:2] == [None, 1.0][:count]
    assert metrics.asked[-1][0] == "aia_probe_up"


def test_only_known_metrics_are_asked_for(client: Client, metrics: Metrics) -> None:
    for name in ("up{job='x'}", "1+1", "aia_probe_up or vector(1)", "nothing"):
        assert client.get(f"/v1/signals/{name}/values").status_code == 404
    assert metrics.asked == []
    refused = client.get("/v1/signals/aia_probe_up/values?since=2020-01-01T00:00:00Z")
    assert (refused.status_code, "400 days" in (refused.json or {})["detail"]) == (400, True)
