"""`since` and `until` mean the same for all that has a past: from that instant on, and before it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import Client

from functions.api.cache import Cache
from tests.support.builders import model_pages, pages
from tests.support.builders.pages import MODEL, ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ASKED = {"since": "2026-03-01T00:00:00Z", "until": "2026-03-04T01:00:00+01:00"}
SINCE, UNTIL = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 4, tzinfo=UTC)
OPEN = datetime(9999, 1, 1, tzinfo=UTC)
"""Of what is read of all models."""
OF_MODEL = f"/v1/models/{MODEL.name}"


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def client(rows: Rows) -> Client:
    store = MemoryStore(Breaking(now=NOW))
    return pages.client_of(pages.services(store, rows, ApiFixture(store), lambda: NOW))


@pytest.mark.parametrize(
    ("path", "word", "usual"),
    [
        (f"{OF_MODEL}/drift", "drifted, reason", timedelta(days=60)),
        (f"{OF_MODEL}/performance", "ops.model_performance", timedelta(days=60)),
        (f"{OF_MODEL}/history", "drifted, reason", timedelta(days=60)),
        (f"{OF_MODEL}/trainings", "ops.retraining_requests", timedelta(days=90)),
        ("/v1/dependencies", "telemetry.spans", timedelta(hours=24)),
        ("/v1/events", "ops.commands", timedelta(days=30)),
        ("/v1/business/metrics", "marts.daily_metrics", timedelta(days=30)),
        ("/v1/forecasts", "horizon_seconds", timedelta(days=30)),
    ],
)
def test_what_is_read_is_what_the_range_says(
    client: Client, rows: Rows, path: str, word: str, usual: timedelta
) -> None:
    def asked(**query: str) -> dict[str, Any]:
        assert client.get(path, query_string=query).status_code == 200
        return next(given for sql, given in reversed(rows.asked) if word in sql and given.get("until") != OPEN)

    assert {name: asked(**ASKED)[name] for name in ("since", "until")} == {"since": SINCE, "until": UNTIL}
    assert asked(until=ASKED["until"])["since"] == UNTIL - usual


@pytest.mark.parametrize(
    ("path", "query", "says"),
    [
        (f"{OF_MODEL}/drift", "days=3&since=2026-03-01T00:00:00Z", "days: must not be given beside since"),
        (f"{OF_MODEL}/drift", "days=401", "days: must be 1 to 400"),
        (f"{OF_MODEL}/history", "since=2020-03-01T00:00:00Z", "since: must be at most 400 days before until"),
        (f"{OF_MODEL}/performance", "since=0001-01-01T00:00:00Z", "since: must be at most 400 days before until"),
        (f"{OF_MODEL}/trainings", "since=2020-01-01T00:00:00Z", "since: must be at most 400 days before until"),
        ("/v1/dependencies", "since=2026-03-07T00:00:00Z", "since: must be at most 3 days before until"),
        ("/v1/probes/history", "since=2020-01-01T00:00:00Z", "since: must be at most 400 days before until"),
        ("/v1/forecasts", "since=2026-03-01T00:00:00Z&until=2026-03-01T00:00:00Z", "since: must be before until"),
    ],
)
def test_a_range_that_cannot_be_is_refused(client: Client, path: str, query: str, says: str) -> None:
    refused = client.get(f"{path}?{query}")
    assert (refused.status_code, (refused.json or {})["detail"][: len(says)]) == (400, says)


@pytest.mark.parametrize("path", [f"{OF_MODEL}/drift", f"{OF_MODEL}/history", "/v1/forecasts", "/v1/events"])
def test_a_range_that_ends_when_time_begins_has_nothing(client: Client, path: str) -> None:
    assert client.get(f"{path}?until=0001-01-01T00:00:00Z").status_code == 200


def test_days_count_back_from_the_end(client: Client) -> None:
    found = client.get(f"{OF_MODEL}/history", query_string={"days": 2, "until": ASKED["until"]}).json or {}
    assert found["days"] == ["2026-03-02", "2026-03-03"]
    found = client.get(f"{OF_MODEL}/performance", query_string=ASKED).json or {}
    assert found["days"] == ["2026-03-01", "2026-03-02", "2026-03-03"]


def test_every_measure_is_known_by_day(client: Client, rows: Rows) -> None:
    rows.answers = model_pages.answers(NOW)
    found = client.get(f"{OF_MODEL}/performance?days=12").json or {}
    [accuracy] = [one for one in found["measures"] if one["measure"] == "accuracy"]
    assert (len(accuracy["value"]), accuracy["title"], accuracy["limit"]) == (len(found["days"]), "Accuracy", 0.85)
    assert client.get("/v1/models/nobody/performance").status_code == 404


def test_whoever_asks_for_many_ranges_has_the_oldest_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.api.cache.MOST", 3)
    cache, asked = Cache(), list[int]()
    for number in (0, 1, 2, 3, 3, 2, 0):
        cache((number,), lambda number=number: asked.append(number), seconds=60.0)  # type: ignore[misc]
    assert asked == [0, 1, 2, 3, 0]
