"""What the API answers about dashboards, and that it asks nothing but what stands in them."""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from core.errors import QueryError, UnavailableError
from functions.adapters.stores import open_store
from functions.api import dashboards
from functions.api.dashboards import Dashboards
from functions.api.request import Request
from functions.api.services import Services
from tests.support.builders import pages
from tests.support.web import charts
from tests.support.web.charts import Charts

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
END = int(NOW.timestamp())
WORDS = {"text": {"content": "words", "format": "MARKDOWN"}}
LINES, AREAS, CARD, SPARK, TABLE, TEXT = 0, 2, 4, 6, 7, 8


@pytest.fixture
def prometheus() -> Charts:
    return charts.charts()


@pytest.fixture
def services(tmp_path: Path, prometheus: Charts) -> Iterator[Services]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    made = pages.services(store, pages.Rows(), pages.ApiFixture(store), lambda: NOW)
    yield replace(made, dashboards=served(prometheus))
    store.close()  # type: ignore[attr-defined]


def served(prometheus: Charts, **more: Any) -> Dashboards:
    every = {"sample": charts.dashboard(**more)}
    return Dashboards(all=every, prometheus=prometheus, models=lambda: ["churn", "late"], clock=lambda: NOW)  # type: ignore[arg-type]


def ask(services: Services, path: str) -> TestResponse:
    return pages.client_of(services).get(path)


def tile(services: Services, index: int, query: str = "", status: int = 200) -> Any:
    response = ask(services, f"/v1/dashboards/sample/tiles/{index}?{query}")
    assert response.status_code == status, response.get_data()
    return json.loads(response.get_data())


def test_dashboards_are_listed_in_a_fixed_order() -> None:
    assert list(dashboards.load()) == list(dashboards.ORDER)


def test_those_that_nobody_has_ordered_come_last_by_their_names(tmp_path: Path) -> None:
    text = (dashboards.FOLDER / "models.json").read_text()
    for name in ("zebra", "models", "ants", "executive"):
        (tmp_path / f"{name}.json").write_text(text)
    assert list(dashboards.load(tmp_path)) == ["executive", "models", "ants", "zebra"]


def test_the_list_has_names_and_titles(services: Services) -> None:
    assert json.loads(ask(services, "/v1/dashboards").get_data()) == [{"name": "sample", "title": "AIA: sample"}]


def test_a_layout_has_its_tiles_in_reading_order_with_all_but_the_data(services: Services) -> None:
    layout = json.loads(ask(services, "/v1/dashboards/sample").get_data())
    assert layout["columns"] == 48
    assert layout["variables"] == [{"name": "model", "value": "", "choices": ["churn", "late"]}]
    places = [(one["y"], one["x"]) for one in layout["tiles"]]
    assert places == sorted(places)
    assert [one["kind"] for one in layout["tiles"]] == [
        *("header", "chart", "chart", "chart", "scorecard", "scorecard", "scorecard"),
        *("table", "text", "chart", "unknown", "chart"),
    ]
    by_index = {one["index"]: one for one in layout["tiles"]}
    assert by_index[AREAS]["sets"] == [
        {"query": "revenue", "unit": "USD", "legend": "${source}", "axis": "Y1", "plot": "area"}
    ]
    assert by_index[AREAS]["thresholds"][0] == {
        "value": 30,
        "label": "floor",
        "level": "",
        "below": False,
        "axis": "Y1",
    }
    assert [(one["level"], one["below"]) for one in by_index[CARD]["thresholds"]] == [
        ("error", True),
        ("warning", True),
    ]
    assert (by_index[TABLE]["columns"], by_index[TABLE]["hidden"], by_index[TABLE]["bars"]) == (
        ["company"],
        ["job"],
        True,
    )


@pytest.mark.parametrize(
    ("label", "color", "level"),
    [
        ("IncidentRouterSilent", "YELLOW", "critical"),
        ("MessagesLeftWaiting", "RED", "error"),
        ("MissingValuesHigh", "RED", "warning"),
        ("BiRollupSilent, HealthCheckSilent", "YELLOW", "critical"),
        ("ErrorBudgetGoneInOneMonth", "RED", "info"),
        ("objective", "RED", "error"),
        ("objective", "YELLOW", "warning"),
        ("", "", ""),
    ],
)
def test_a_card_is_as_grave_as_the_alert_rule_that_its_threshold_stands_for(label: str, color: str, level: str) -> None:
    threshold = {"value": 1, "direction": "ABOVE", "color": color, "label": label}
    tiles = [charts.tile(0, 0, "48x8", "A card", charts.card("up", thresholds=[threshold]))]
    made = served(charts.charts(), mosaicLayout={"columns": 48, "tiles": tiles})
    assert made.layout("sample")["tiles"][0]["thresholds"][0]["level"] == level


@pytest.mark.parametrize(
    ("query", "foreign"),
    [
        ("max(kubernetes_io:node_status_condition)", True),
        ("max(aia_probe_up)", False),
        ("max(aia_probe_up) / max(kubernetes_io:node_status_condition)", False),
    ],
)
def test_a_tile_of_what_only_others_measure_is_told_apart(query: str, *, foreign: bool) -> None:
    """There may be nothing of it, which is no fault."""
    tiles = [charts.tile(0, 0, "24x8", "A card", charts.card(query)), charts.tile(24, 0, "24x8", "Words", WORDS)]
    made = served(charts.charts(), mosaicLayout={"columns": 48, "tiles": tiles})
    assert [one["foreign"] for one in made.layout("sample")["tiles"]] == [foreign, False]


def test_a_chart_has_values_counted_back_from_the_end_the_same_for_all_within_ten_seconds(services: Services) -> None:
    data = tile(services, LINES, f"start={END - 3595}&end={END + 7}&step=60")
    assert (data["start"], data["end"], data["step"]) == (END - 3600, END, 60)
    [series] = [one for one in data["sets"][0]["series"] if one["labels"] == {"probe": "web"}]
    instants = range(data["start"], data["end"] + 1, 60)
    assert series["values"] == [pytest.approx(charts.rising(0.1)(at)) for at in instants]
    assert data["sets"][0]["now"] == []


def test_scorecards_and_tables_have_the_newest_value_and_a_spark_line_its_past(
    services: Services, prometheus: Charts
) -> None:
    [card] = tile(services, CARD)["sets"]
    assert (card["now"], card["series"]) == ([{"labels": {"model": "churn"}, "value": 0.81}], [])
    [spark] = tile(services, SPARK)["sets"]
    assert (len(spark["now"]), len(spark["series"][0]["values"])) == (1, 241)
    [table] = tile(services, TABLE)["sets"]
    assert [(one["labels"]["company"], one["value"]) for one in table["now"]] == [("ours", 0.5), ("Acme", 0.25)]
    assert {(start, end) for query, start, end, _ in prometheus.asked if query.startswith("sort")} == {(END, END)}


def test_words_ask_for_nothing(services: Services, prometheus: Charts) -> None:
    assert tile(services, TEXT)["sets"] == []
    assert prometheus.asked == []


def test_without_a_span_it_is_the_last_hour(services: Services) -> None:
    data = tile(services, LINES)
    assert (data["start"], data["end"], data["step"]) == (END - 3600, END, 15)


def test_however_far_apart_its_instants_are_the_newest_is_at_the_end(services: Services) -> None:
    data = tile(services, LINES, f"start={END - 30 * 86400 + 61}&end={END + 61}&step=86400")
    assert (data["start"], data["end"]) == (END + 60 - 30 * 86400, END + 60)


WRONG = {
    "end before start": (f"start={END}&end={END - 60}", "start"),
    "nothing between": (f"start={END}&end={END}", "start"),
    "too long": (f"start={END - 401 * 86400}&end={END}", "start"),
    "too many instants": (f"start={END - 86400}&end={END}&step=15", "step"),
    "too short a step": ("step=1", "step"),
    "no step": ("step=0", "step"),
    "a negative start": ("start=-1", "start"),
    "no number": ("start=now", "start"),
    "a fraction": ("step=15.5", "step"),
    "other digits": ("end=%D9%A1%D9%A7", "end"),
    "far too many digits": (f"end={'9' * 5000}", "end"),
    "after the end of time": ("end=99999999999", "end"),
    "infinite": ("end=inf", "end"),
    "empty": ("step=", "step"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_span_is_refused_by_its_name_and_nothing_is_asked(
    services: Services, prometheus: Charts, name: str
) -> None:
    query, key = WRONG[name]
    error = tile(services, LINES, query, status=400)["detail"]
    assert error.startswith(f"{key}: must ")
    assert len(error) < 300
    assert prometheus.asked == []


@pytest.mark.parametrize("span", [60, 3600, 86_400, 30 * 86_400, 365 * 86_400, 400 * 86_400])
def test_without_a_step_a_span_of_any_length_has_a_few_hundred_instants_at_most(services: Services, span: int) -> None:
    data = tile(services, LINES, f"start={END - span}&end={END}")
    assert data["step"] >= 15
    assert 1 <= (data["end"] - data["start"]) // data["step"] + 1 <= 402


@pytest.mark.parametrize(
    "path", ["nothing", "nothing/tiles/0", "sample/tiles/99", "sample/tiles/x", "sample/tiles/-1", "../main"]
)
def test_what_is_not_there_is_not_found(services: Services, prometheus: Charts, path: str) -> None:
    response = ask(services, f"/v1/dashboards/{path}")
    assert response.status_code == 404
    assert json.loads(response.get_data())["detail"]
    assert prometheus.asked == []


def test_a_name_that_is_none_is_told_with_those_there_are(services: Services) -> None:
    error = json.loads(ask(services, "/v1/dashboards/nothing").get_data())["detail"]
    assert error == "dashboard: must be one of sample, got 'nothing'"


def asked(services: Services, prometheus: Charts, query: str) -> str:
    tile(services, CARD, query)
    return prometheus.asked[-1][0]


def test_where_nothing_is_chosen_every_model_counts(services: Services, prometheus: Charts) -> None:
    assert asked(services, prometheus, "") == 'accuracy{model=~".*"}'
    assert asked(services, prometheus, "model=") == 'accuracy{model=~".*"}'


def test_a_dashboard_may_choose_at_first_and_the_viewer_otherwise(services: Services, prometheus: Charts) -> None:
    first = {"labelKey": "model", "templateVariable": "model", "stringValue": "late"}
    made = replace(services, dashboards=served(prometheus, dashboardFilters=[first]))
    assert asked(made, prometheus, "") == 'accuracy{model=~"late"}'
    assert asked(made, prometheus, "model=churn") == 'accuracy{model=~"churn"}'
    assert asked(made, prometheus, "model=") == 'accuracy{model=~".*"}'


HOSTILE_VALUES = ['"} or up{x="', "a|b", ".*", "x\\", '\\"', "{", "${model}", "${__interval}", "a.b-c d", "é", "'"]


@pytest.mark.parametrize("value", HOSTILE_VALUES)
def test_a_value_can_be_nothing_but_a_value(services: Services, prometheus: Charts, value: str) -> None:
    query = asked(services, prometheus, f"model={quote(value)}")
    literal = re.fullmatch(r'accuracy\{model=~"((?:[^"\\]|\\.)*)"\}', query)
    assert literal, query
    pattern = re.sub(r"\\(.)", r"\1", literal[1])
    assert re.fullmatch(pattern, value)
    assert not re.fullmatch(pattern, f"{value}x")


@pytest.mark.parametrize("value", ["a\nb", "a\0b", "x" * 201])
def test_a_value_that_no_label_of_ours_has_is_refused(services: Services, prometheus: Charts, value: str) -> None:
    error = tile(services, CARD, f"model={quote(value)}", status=400)["detail"]
    assert error.startswith("model: must be at most 200 printable characters")
    assert prometheus.asked == []


def test_a_query_cannot_be_sent(services: Services, prometheus: Charts) -> None:
    tile(services, CARD, "query=up&expr=up&__interval=1d")
    assert [query for query, *_ in prometheus.asked] == ['accuracy{model=~".*"}']


@pytest.mark.parametrize(("step", "interval"), [(15, "60s"), (60, "60s"), (3600, "3600s")])
def test_the_interval_of_a_rate_is_the_step_and_a_minute_at_least(
    services: Services, prometheus: Charts, step: int, interval: str
) -> None:
    tile(services, 11, f"start={END - 7200}&end={END}&step={step}")
    assert prometheus.asked[-1][0] == f"rate(x[{interval}])"


def test_too_many_series_are_cut_off_and_it_is_said(services: Services, prometheus: Charts) -> None:
    many = [({"probe": str(number)}, charts.rising(number)) for number in range(70)]
    prometheus.answers = {"latency": many, "sort_desc(share)": many * 3}
    [data] = tile(services, LINES)["sets"]
    assert (len(data["series"]), data["left_out"]) == (50, 20)
    assert {int(one["labels"]["probe"]) for one in data["series"]} == set(range(20, 70))
    [data] = tile(services, TABLE)["sets"]
    assert (len(data["now"]), data["left_out"]) == (200, 10)


@pytest.mark.parametrize("error", [UnavailableError("Prometheus: does not answer"), QueryError("Prometheus: refuses")])
def test_when_prometheus_fails_the_reason_is_told(services: Services, prometheus: Charts, error: Exception) -> None:
    prometheus.fault = error
    assert tile(services, LINES, status=503)["detail"] == str(error)
    prometheus.fault = None
    assert tile(services, LINES)["sets"][0]["series"]


def test_the_same_question_is_asked_once_for_many_viewers(services: Services, prometheus: Charts) -> None:
    prometheus.delay = threading.Event()
    with ThreadPoolExecutor(6) as viewers:
        answers = [viewers.submit(tile, services, LINES, f"end={END + second}") for second in range(6)]
        while not prometheus.asked:
            pass
        prometheus.delay.set()
        shown = [one.result() for one in answers]
    assert len(prometheus.asked) == 1
    assert all(one["sets"] == shown[0]["sets"] for one in shown)


def test_who_waits_for_a_question_that_fails_hears_of_it_too(services: Services, prometheus: Charts) -> None:
    prometheus.delay, prometheus.fault = threading.Event(), UnavailableError("Prometheus: does not answer")
    with ThreadPoolExecutor(3) as viewers:
        answers = [viewers.submit(ask, services, "/v1/dashboards/sample/tiles/0") for _ in range(3)]
        prometheus.delay.set()
        assert [one.result().status_code for one in answers] == [503] * 3


@pytest.mark.parametrize("path", ["", "/sample", "/sample/tiles/0"])
def test_what_has_not_changed_is_not_sent_again(services: Services, path: str) -> None:
    client = pages.application(services).test_client()
    first = client.get(f"/v1/dashboards{path}")
    again = client.get(f"/v1/dashboards{path}", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code, again.get_data()) == (200, 304, b"")


@pytest.mark.parametrize("path", ["/dashboards", "/dashboards/executive", "/dashboards/nothing"])
def test_every_dashboard_has_an_address_that_needs_nothing_else(services: Services, path: str) -> None:
    response = pages.client_of(lambda: pytest.fail("the page must not need the store")).get(path)
    assert response.status_code == 200
    assert b"/assets/dashboards.js" in response.get_data()
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_every_query_of_every_dashboard_is_asked_whole() -> None:
    prometheus = Charts({})
    every = Dashboards(all=dashboards.load(), prometheus=prometheus, models=list, clock=lambda: NOW)  # type: ignore[arg-type]
    queries = 0
    for name, one in every.all.items():
        for index in range(len(one.mosaic_layout.tiles)):
            queries += len(every.tile(name, index, Request(args={"model": "late"}))["sets"])
    assert queries > 100
    assert [query for query, *_ in prometheus.asked if "${" in query] == []
