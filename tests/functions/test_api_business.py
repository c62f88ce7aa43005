"""The business, forecasts and the settings over the API: the range that is asked for, page by page, and no secret."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import Client

from functions.adapters import config
from functions.adapters.ports import Data
from functions.adapters.stores import open_store
from functions.api.business import USUAL
from functions.api.settings_view import WITHHELD, shown
from infra import plan
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows

NOW = datetime(2026, 1, 2, 12, 30, 30, tzinfo=UTC)
DAY = {"day": NOW, "measured_at": NOW, "name": "aia_revenue_dollars", "labels": '{"source": "orders"}', "value": 7.5}


def forecast(metric: str, subject: str, *, ago: int = 0, **more: Any) -> Data:
    at = NOW - timedelta(hours=ago)
    found: Data = {"id": f"{metric}:{subject}:", "metric": metric, "subject": subject, "made_at": at, "starts_at": at}
    bounds = {"low": 1.0, "middle": 2.0, "high": 3.0, "naive": None, "naive_usual_error": None}
    return found | {"horizon_seconds": 3600} | bounds | more


def tracked(name: str, value: float, **labels: str) -> Data:
    row: Data = {"name": name, "labels": json.dumps(labels), "value": value, "measured_at": NOW}
    return row | {"n": None, "naive_error": None, "coverage": None}


MADE = [
    forecast("capacity", "disk"),
    forecast("revenue", "shop", ago=1, naive=2.5),
    forecast("costs", '{"dimension": "service", "item": "BigQuery"}', ago=2, starts_at=None, low=None, high=None),
]
ACCURACY = [
    tracked("aia_forecast_total_error_ratio", 0.1, source="shop", method="forecast"),
    tracked("aia_forecast_total_error_ratio", 0.2, source="shop", method="seasonal_naive"),
    tracked("aia_forecast_total_scaled_error_ratio", 0.5, source="shop", method="forecast"),
    tracked("aia_forecast_total_scaled_error_ratio", 1.0, source="shop", method="seasonal_naive"),
    tracked("aia_forecast_total_coverage_ratio", 0.9, source="shop"),
    tracked("aia_forecast_totals", 61.0, source="shop"),
    tracked("aia_forecast_error_ratio", 0.3, source="kiosk"),
    tracked("aia_customer_purchases_error", 0.7, method="forecast"),
    {
        "name": "capacity",
        "labels": "disk",
        "value": 0.01,
        "measured_at": NOW,
        "n": 9,
        "naive_error": 0.02,
        "coverage": 1.0,
    },
]


@pytest.fixture
def warehouse() -> Rows:
    return Rows(**{"INTERVAL 7 DAY": ACCURACY, "AS horizon_seconds": MADE, "daily_metrics": [DAY]})


@pytest.fixture
def client(tmp_path: Path, warehouse: Rows) -> Iterator[Client]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield pages.client_of(pages.services(store, warehouse, ApiFixture(store), lambda: NOW))
    store.close()  # type: ignore[attr-defined]


def test_metrics_of_a_range_are_read_page_by_page(client: Client, warehouse: Rows) -> None:
    warehouse.answers["daily_metrics"] = [DAY, DAY | {"name": "aia_roi_ratio"}]
    first = client.get("/v1/business/metrics?limit=1").json or {}
    [one] = first["metrics"]
    assert (one["labels"], one["value"]) == ({"source": "orders"}, 7.5)
    until = datetime(2026, 1, 2, 12, 31, tzinfo=UTC)
    asked = warehouse.asked[-1][1]
    assert (asked["since"], asked["until"], asked["most"], asked["name"]) == (until - USUAL, until, 2, "")
    asked = len(warehouse.asked)
    client.get("/v1/business/metrics?limit=1")
    assert len(warehouse.asked) == asked
    client.get("/v1/business/metrics", query_string={"cursor": first["next"], "name": "aia_revenue_dollars"})
    asked = warehouse.asked[-1][1]
    assert (asked["before"], asked["before_id"]) == (NOW, 'aia_revenue_dollars{"source": "orders"}')
    assert asked["name"] == "aia_revenue_dollars"


def test_every_forecast_is_listed_with_its_interval_and_how_right_those_before_it_were(client: Client) -> None:
    found = client.get("/v1/forecasts").json or {}
    assert [(one["metric"], one["subject"], one["starts_at"] is None) for one in found["forecasts"]] == [
        ("capacity", "disk", False),
        ("revenue", "shop", False),
        ("costs", "service/BigQuery", True),
    ]
    assert found["next"] == ""
    disk, shop = found["accuracy"]  # and nothing of what is not on the page
    assert (disk["error"], disk["naive_error"], disk["coverage"], disk["n"]) == (0.01, 0.02, 1.0, 9)
    assert (shop["metric"], shop["error"], shop["naive_error"], shop["unit"]) == ("revenue", 0.1, 0.2, "ratio")
    assert (shop["scaled_error"], shop["coverage"], shop["n"]) == (0.5, 0.9, 61)


def test_forecasts_are_filtered_and_read_page_by_page(client: Client, warehouse: Rows) -> None:
    given = {"metric": "revenue,costs", "subject": "service/BigQuery", "limit": "1"}
    times = {"since": "2026-01-01T00:00:00Z", "until": "2026-01-02T00:00:00+02:00"}
    first = client.get("/v1/forecasts", query_string=given | times).json or {}
    asked = next(one for sql, one in warehouse.asked if "horizon_seconds" in sql)
    assert (asked["kinds"], asked["most"]) == (["revenue", "costs"], 2)
    assert asked["subjects"] == ["service/BigQuery", '{"dimension": "service", "item": "BigQuery"}']
    assert asked["until"] - asked["since"] == timedelta(hours=22)
    client.get("/v1/forecasts", query_string=given | times | {"cursor": first["next"]})
    asked = warehouse.asked[-1][1]
    assert (asked["before"], asked["before_id"]) == (NOW, "capacity:disk:")
    refused = client.get("/v1/forecasts?metric=weather&until=0001-01-01T00:00:00Z&limit=0").json or {}
    assert [one["path"] for one in refused["faults"]] == ["metric", "limit"]
    assert client.get("/v1/forecasts?until=0001-01-01T00:00:00Z").status_code == 200


def test_the_settings_are_shown_without_any_secret() -> None:
    file = plan.TERRAFORM / "tests" / "samples" / "settings.yaml"
    names = sorted(set(re.findall(r"\$\{(\w+)\}", file.read_text())))
    values = {name: f"{n:02d}" * 16 for n, name in enumerate(names)}
    web = {name: f"https://{name.lower().replace('_', '-')}.example.com/{value}" for name, value in values.items()}
    environ = {name: (web if "URL" in name or "WEBHOOK" in name else values)[name] for name in names}
    environ |= {"SLACK_SIGNING_SECRET": "c" * 32, "PAGERDUTY_WEBHOOK_SECRET": "d" * 32}
    settings = config.load(file, environ)
    text = json.dumps(shown(settings))
    assert [name for name in names if "URL" not in name and environ[name] in text] == []
    assert WITHHELD in text
    assert [one["name"] for one in shown(settings)["channels"]] == [one.name for one in settings.channels]
