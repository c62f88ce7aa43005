"""What the API says of a system that has just started: nothing of it is a fault before it was due."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core.errors import UnavailableError
from functions.adapters.ports import Data, Store
from functions.adapters.prometheus import Series
from functions.adapters.stores import open_store
from functions.api import alerts
from functions.api.dashboards import Dashboards
from functions.api.freshness import Start, following
from functions.api.request import Request
from functions.api.services import Services
from functions.api.views import lasts
from functions.services.models import Models
from tests.support.builders import pages
from tests.support.builders.pages import MODEL, ApiFixture, Rows
from tests.support.fakes.model_table import ModelTable
from tests.support.web import charts
from tests.support.web.charts import Charts

NOW = datetime(2026, 1, 2, 12, 7, 30, tzinfo=UTC)
HISTORY = {"days": 46, "of": 365, "since": NOW - timedelta(days=46), "updated_at": NOW, "done": False}
ABSENT = 'count(absent_over_time(aia_heartbeat_timestamp_seconds{function="health_check"}[1h])) or vector(0)'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield store
    store.close()  # type: ignore[attr-defined]


def made(
    store: Store, rows: Rows, *, started: datetime, now: datetime = NOW, table: ModelTable | None = None
) -> Services:
    """The API as it is at an instant, started at another."""
    services = pages.services(store, rows, ApiFixture(store), lambda: now, table=table)
    start = Start(at=started, clock=lambda: now, loading=lambda: services.backfills.loading)
    actions = replace(services.actions, start=start)
    return replace(services, views=replace(services.views, start=start), actions=actions, start=start)


def ask(services: Services, path: str) -> TestResponse:
    return pages.client_of(services).get(path)


def body(services: Services, path: str) -> Any:
    response = ask(services, path)
    assert response.status_code == 200, response.get_data()
    return json.loads(response.get_data())


def keep(store: Store, data: Data) -> None:
    pages.update(store, "backfills", "history", lambda _: data)


def score(at: datetime) -> Data:
    row: Data = {"model": MODEL.name, "version": "v1", "feature": "age", "test": "psi", "value": 0.4, "p_value": None}
    row |= {"drifted": True, "reason": "", "n_reference": 9, "n_current": 9}
    return row | {"window_start": at, "window_end": at}


def test_how_much_of_the_past_is_in_is_told(store: Store) -> None:
    keep(store, HISTORY)
    told = body(made(store, Rows(), started=NOW), "/v1/backfills")
    since = "2025-11-17T12:07:30Z"
    assert told == {"history": HISTORY | {"since": since, "updated_at": "2026-01-02T12:07:30Z"}}


@pytest.mark.parametrize("data", [None, {}, HISTORY | {"days": "many"}, HISTORY | {"since": None}])
def test_where_nobody_loads_a_past_or_it_cannot_be_read_there_is_nothing_to_tell(
    store: Store, data: Data | None
) -> None:
    if data is not None:
        keep(store, data)
    assert body(made(store, Rows(), started=NOW), "/v1/backfills") == {"history": None}


@pytest.mark.parametrize(
    ("last", "started", "awaited", "overdue"),
    [
        (None, timedelta(minutes=5), True, False),  # the first tick was four and a half minutes ago
        (None, timedelta(minutes=8), False, True),
        (timedelta(minutes=1), timedelta(days=1), False, False),
        (timedelta(minutes=30), timedelta(seconds=20), True, False),  # the system was stopped
        (timedelta(minutes=30), timedelta(minutes=4), False, True),
    ],
)
def test_a_probe_is_overdue_only_when_a_check_was_due_since_the_start(
    store: Store, last: timedelta | None, started: timedelta, *, awaited: bool, overdue: bool
) -> None:
    if last is not None:
        result = {"name": "db", "status": "resolved", "checked_at": NOW - last}
        pages.update(store, "probes", "db", lambda _: result)
    [probe] = body(made(store, Rows(), started=NOW - started), "/v1/probes")
    assert (probe["awaited"], probe["overdue"]) == (awaited, overdue)
    assert (probe["due_at"] is None) is (not awaited and not overdue)


def test_the_first_check_is_due_at_the_next_tick(store: Store) -> None:
    [probe] = body(made(store, Rows(), started=NOW), "/v1/probes")
    [model] = body(made(store, Rows(), started=NOW), "/v1/models")
    assert (probe["due_at"], model["due_at"]) == ("2026-01-02T12:08:00Z", "2026-01-02T12:15:00Z")


@pytest.mark.parametrize(
    ("ago", "done", "awaited"), [(7, True, True), (21, True, False), (21, False, True)]
)  # in minutes; the ticks are at each quarter of an hour
def test_a_model_is_overdue_only_when_a_score_was_due_and_no_past_is_coming(
    store: Store, ago: int, *, done: bool, awaited: bool
) -> None:
    keep(store, HISTORY | {"done": done})
    [model] = body(made(store, Rows(), started=NOW - timedelta(minutes=ago)), "/v1/models")
    assert (model["awaited"], model["overdue"], model["window_end"]) == (awaited, not awaited, None)


@pytest.mark.parametrize(("ago", "awaited"), [(7, True), (21, False)])  # in minutes, as above
def test_a_model_that_was_just_applied_is_awaited_however_old_the_instance_is(
    store: Store, ago: int, *, awaited: bool
) -> None:
    table = ModelTable()
    settings = {"name": "new", "owner": "growth", "table": "telemetry.new", "timestamp": "at", "id": "id", "score": "p"}
    settings |= {"features": {"numeric": ["age"]}, "reference": {"days": 30}, "window": "1d"}
    Models((), table, lambda: NOW - timedelta(minutes=ago)).put(settings, "ada")
    services = made(store, Rows(), started=NOW - timedelta(days=9), table=table)
    old, new = body(services, "/v1/models")
    assert (old["awaited"], old["overdue"]) == (False, True)
    assert (new["awaited"], new["overdue"]) == (awaited, not awaited)


@pytest.mark.parametrize(
    ("ago", "done", "starting"), [(100, True, True), (130, True, False), (130, False, True)]
)  # in seconds
def test_what_never_answered_is_starting_for_a_time(store: Store, ago: int, *, done: bool, starting: bool) -> None:
    keep(store, HISTORY | {"done": done})
    rows = Rows()
    rows.down = True
    response = ask(made(store, rows, started=NOW - timedelta(seconds=ago)), "/v1/models")
    assert response.status_code == 503
    assert json.loads(response.get_data()).get("starting", False) is starting


def test_what_answered_once_and_is_away_is_a_fault(store: Store) -> None:
    rows = Rows()
    services = made(store, rows, started=NOW)
    assert body(services, "/v1/models")
    rows.down = True
    response = ask(services, "/v1/models/churn/drift?days=3")
    assert json.loads(response.get_data())["starting"] is True, "another question, which was never answered"
    services.views._cache._answers.clear()  # minutes later
    problem = json.loads(ask(services, "/v1/models").get_data())
    assert (problem["detail"], "starting" in problem) == ("BigQuery: does not answer", False)


@pytest.mark.parametrize(
    ("ends", "seconds"),
    [
        ([NOW - timedelta(minutes=7)], 300.0),  # the next is due in seven and a half
        ([NOW - timedelta(minutes=10)], 30.0),  # that of the last quarter of an hour still comes
        ([NOW - timedelta(minutes=7), NOW - timedelta(hours=2)], 30.0),
        ([NOW - timedelta(minutes=7), None], 30.0),
        ([], 30.0),
    ],
)
def test_scores_are_asked_for_again_only_when_newer_ones_are_due(ends: list[datetime | None], seconds: float) -> None:
    assert lasts(ends, "*/15 * * * *", now=NOW) == seconds
    assert lasts(ends, None, now=NOW) == 30.0


def test_while_a_past_is_coming_scores_are_asked_for_again_soon(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, now = Rows(drift_scores=[score(NOW)]), [0.0]
    monkeypatch.setattr("functions.api.cache.time.monotonic", lambda: now[0])
    for done, asked in ((False, 6), (True, 3)):
        pages.update(store, "backfills", "history", lambda _, done=done: HISTORY | {"done": done})  # type: ignore[misc]
        services = made(store, rows, started=NOW)
        rows.asked.clear()
        for now[0] in (100.0, 106.0):
            body(services, "/v1/models")
        assert len(rows.asked) == asked


@pytest.mark.parametrize(("minutes", "starting"), [(1, True), (3, False)])
def test_actions_say_whether_their_history_is_starting(store: Store, minutes: int, *, starting: bool) -> None:
    rows = Rows()
    rows.down = True
    services = made(store, rows, started=NOW - timedelta(minutes=minutes))
    assert (body(services, "/v1/actions")["recent"], body(services, "/v1/actions")["starting"]) == (None, starting)
    rows.down = False
    assert (body(services, "/v1/actions")["recent"], body(services, "/v1/actions")["starting"]) == ([], False)


class Beats(Charts):
    """A Prometheus that knows whether functions ran before."""

    ran = False

    def instant(self, query: str, *, at: int) -> list[Series]:
        if "incident_sweep" in query and self.ran:
            self.asked.append((query, at, at, 1))
            return [Series(labels={}, values=(3.0,))]
        return super().instant(query, at=at)


@pytest.mark.parametrize(
    ("query", "minutes", "ran", "judged"),
    [
        (ABSENT, 2, False, 3),
        (ABSENT, 4, False, None),
        (ABSENT, 2, True, None),
        ("max(time() - max by (model) (x))", 2, False, 3),
        ("max(aia_probe_up)", 0, False, None),
    ],
)
def test_a_card_about_age_is_judged_when_its_rule_would_be(
    query: str, minutes: int, *, ran: bool, judged: int | None
) -> None:
    threshold = {"value": 1, "direction": "ABOVE", "color": "RED", "label": "HealthCheckSilent"}
    tiles = [charts.tile(0, 0, "48x8", "A card", charts.card(query, thresholds=[threshold]))]
    every = {"sample": charts.dashboard(mosaicLayout={"columns": 48, "tiles": tiles})}
    prometheus, started = Beats({query: [({}, lambda _: 1.0)]}), NOW - timedelta(minutes=minutes)
    prometheus.ran = ran
    boards = Dashboards(all=every, prometheus=prometheus, models=list, clock=lambda: NOW, started=started)  # type: ignore[arg-type]
    told = boards.tile("sample", 0, Request())
    assert told["judged_from"] == (None if judged is None else started + timedelta(minutes=judged))


def test_the_patience_of_the_rules_is_that_of_their_files() -> None:
    patience = alerts.patience()
    assert (patience["HealthCheckSilent"], patience["DriftScoreSilent"]) == (
        timedelta(minutes=3),
        timedelta(minutes=20),
    )
    assert patience["Watchdog"] == timedelta(0)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ("* * * * *", datetime(2026, 1, 2, 12, 8, tzinfo=UTC)),
        ("0 0 * * *", datetime(2026, 1, 3, tzinfo=UTC)),
        ("0 9 4 * mon", datetime(2026, 1, 4, 9, tzinfo=UTC)),  # either, as cron has it
        ("0 9 1 7 *", None),
    ],
)
def test_the_next_tick_is_that_of_the_cron_expression(schedule: str, first: datetime | None) -> None:
    assert following(schedule, NOW) == first


def test_a_prometheus_that_is_starting_is_told_apart(store: Store) -> None:
    prometheus = charts.charts()
    prometheus.fault = UnavailableError("Prometheus: does not answer (ConnectionError)")
    boards = Dashboards(all={"sample": charts.dashboard()}, prometheus=prometheus, models=list, clock=lambda: NOW)  # type: ignore[arg-type]
    services = replace(made(store, Rows(), started=NOW), dashboards=boards)
    assert json.loads(ask(services, "/v1/dashboards/sample/tiles/0").get_data())["starting"] is True
    prometheus.fault = None
    body(services, "/v1/dashboards/sample/tiles/0")
    prometheus.fault = UnavailableError("Prometheus: does not answer (ConnectionError)")
    assert "starting" not in json.loads(ask(services, "/v1/dashboards/sample/tiles/1?end=1").get_data())
