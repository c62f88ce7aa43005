"""The business and the settings over the API: the range that is asked for, and no secret."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.adapters import config
from functions.adapters.stores import open_store
from functions.api.business import MOST, USUAL
from functions.api.settings_view import WITHHELD, shown
from infra import plan
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows

NOW = datetime(2026, 1, 2, 12, 30, 30, tzinfo=UTC)
DAY = {"day": NOW, "measured_at": NOW, "name": "aia_revenue_dollars", "labels": '{"source": "orders"}', "value": 7.5}
MADE = {"made_at": NOW, "source": "orders", "low": 1.0, "middle": 2.0, "high": 3.0, "naive": 2.5, "usual_error": None}


@pytest.fixture
def warehouse() -> Rows:
    return Rows(daily_metrics=[DAY], revenue_forecast_totals=[MADE])


def test_metrics_and_forecasts_of_a_range(tmp_path: Path, warehouse: Rows) -> None:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    client = pages.client_of(pages.services(store, warehouse, ApiFixture(store), lambda: NOW))
    [one] = client.get("/v1/business/metrics").json or []
    assert (one["labels"], one["value"]) == ({"source": "orders"}, 7.5)
    until = datetime(2026, 1, 2, 12, 31, tzinfo=UTC)
    assert warehouse.asked[-1][1] == {"since": until - USUAL, "until": until, "most": MOST}
    [made] = (
        client.get("/v1/business/forecasts?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00%2B02:00").json or []
    )
    assert (made["middle"], made["usual_error"]) == (2.0, None)
    assert warehouse.asked[-1][1]["until"] - warehouse.asked[-1][1]["since"] == timedelta(hours=22)
    asked = len(warehouse.asked)
    client.get("/v1/business/metrics")
    assert len(warehouse.asked) == asked
    store.close()  # type: ignore[attr-defined]


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
