"""Asking queries: of Prometheus itself, and of servers that answer wrongly, slowly, or not at all."""

import gzip
import json
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google.auth
import google.auth.credentials
import pytest
import requests

from core.errors import AiaError, QueryError, UnavailableError
from functions.adapters import prometheus as adapter
from functions.adapters.prometheus import Prometheus, Series, connect
from functions.api.layout import Filter
from functions.api.tile_request import fill
from infra.local.prometheus import HistoryPoint, write_blocks
from tests.support.servers.prometheus import needs_prometheus, prometheus
from tests.support.servers.targets import Handler, Web

pytest_plugins = ["tests.support.servers.target_fixtures"]

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads"
NOW = int(datetime.now(UTC).replace(minute=0, second=0, microsecond=0).timestamp())
HOUR = 3600
HOSTILE = ['"} or up{x="', "a|b", ".*", "back\\slash", '\\"', "{brace}", "a.b-c d~#&", "é ü", "'single'", "$1 ^a$"]


def asks(url: str, *, patience: float = 5.0) -> Prometheus:
    return Prometheus(name="Prometheus", url=url, open_session=requests.Session, patience=patience)


def history(values: list[float], models: list[str]) -> list[HistoryPoint]:
    """A value an hour of each model, the newest now."""
    return [
        HistoryPoint(
            name="aia_drift_rows",
            labels={"model": model},
            at=datetime.fromtimestamp(NOW, UTC) - timedelta(hours=len(values) - 1 - place),
            value=value,
        )
        for model in models
        for place, value in enumerate(values)
    ]


@needs_prometheus
def test_prometheus_gives_values_on_the_grid_and_gaps_where_there_is_none(tmp_path: Path) -> None:
    write_blocks(history([1.0, 2.0, 3.5], ["m"]), tmp_path / "data", part="p", until=datetime.fromtimestamp(NOW, UTC))
    with prometheus(tmp_path) as server:
        found = asks(server.url).range("max by (model) (aia_drift_rows)", start=NOW - 4 * HOUR, end=NOW, step=HOUR)
        newest = asks(server.url).instant("max by (model) (aia_drift_rows)", at=NOW)
        assert asks(server.url).range("aia_drift_rows", start=NOW - 90 * 86_400, end=NOW - 80 * 86_400, step=HOUR) == []
    assert found == [Series(labels={"model": "m"}, values=(None, None, 1.0, 2.0, 3.5))]
    assert newest == [Series(labels={"model": "m"}, values=(3.5,))]


@needs_prometheus
def test_numbers_that_are_none_are_gaps_and_a_scalar_is_a_series(tmp_path: Path) -> None:
    with prometheus(tmp_path) as server:
        ask = asks(server.url)
        assert ask.instant("3", at=NOW) == [Series(labels={}, values=(3.0,))]
        assert ask.instant("vector(0) / 0", at=NOW) == [Series(labels={}, values=(None,))]
        assert ask.range("vector(1) / 0", start=NOW, end=NOW + 120, step=60)[0].values == (None,) * 3


@needs_prometheus
def test_a_query_that_cannot_be_parsed_is_refused_with_the_reason(tmp_path: Path) -> None:
    with prometheus(tmp_path) as server, pytest.raises(QueryError, match=r"refuses the query: .*unclosed left paren"):
        asks(server.url).instant("rate(up", at=NOW)


@needs_prometheus
def test_a_chosen_value_finds_its_series_and_no_other_whatever_is_in_it(tmp_path: Path) -> None:
    write_blocks(
        history([1.0], [*HOSTILE, "other"]), tmp_path / "data", part="p", until=datetime.fromtimestamp(NOW, UTC)
    )
    filters = [Filter(label_key="model", template_variable="model")]
    with prometheus(tmp_path) as server:
        for value in [*HOSTILE, ""]:
            query = fill("max by (model) (aia_drift_rows{${model}})", filters, {"model": value}, step=60)
            found = asks(server.url).instant(query, at=NOW)
            assert sorted(one.labels["model"] for one in found) == sorted([value] if value else [*HOSTILE, "other"])


def payload(name: str) -> bytes:
    return (PAYLOADS / f"{name}.json").read_bytes()


def serve(web: Web, status: int, body: bytes, **headers: str) -> Prometheus:
    for what in ("query", "query_range"):
        web.routes[f"/api/v1/{what}"] = lambda handler: handler.reply(status, body, **headers)
    return asks(web.url(""))


def test_golden_what_prometheus_answers_is_read(web: Web) -> None:
    matrix = json.loads(payload("prometheus_query_range_real_2_42"))["data"]["result"]
    start = int(min(value[0] for one in matrix for value in one["values"]))
    found = serve(web, 200, payload("prometheus_query_range_real_2_42")).range(
        "q", start=start, end=start + 7200, step=3600
    )
    assert [one.labels for one in found] == [{"feature": "hour"}, {"feature": "none"}, {"feature": "origin"}]
    for one, raw in zip(found, matrix, strict=True):
        told = {(int(at) - start) // 3600: float(value) for at, value in raw["values"]}
        assert one.values == tuple(told[at] if math.isfinite(told.get(at, math.nan)) else None for at in range(3))
    vector = serve(web, 200, payload("prometheus_query_real_2_42")).instant("q", at=start)
    assert [(one.labels["probe"], one.values) for one in vector] == [("api", (1.0,)), ("warehouse", (1.0,))]
    assert serve(web, 200, payload("prometheus_query_scalar_real_2_42")).instant("q", at=start)[0].values == (3.0,)
    with pytest.raises(QueryError, match="unclosed left parenthesis"):
        serve(web, 400, payload("prometheus_query_refused_real_2_42")).instant("q", at=start)


def test_what_is_asked_is_what_the_query_api_takes(web: Web) -> None:
    ask = serve(web, 200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}')
    assert ask.range('up{a="b&c"}', start=100, end=200, step=50) == []
    assert web.asked[-1][0] == "/api/v1/query_range?query=up%7Ba%3D%22b%26c%22%7D&start=100&end=200&step=50"
    ask.instant("up", at=7)
    assert web.asked[-1][0] == "/api/v1/query?query=up&time=7"


def test_compressed_answers_are_read(web: Web) -> None:
    body = gzip.compress(b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]}}')
    assert serve(web, 200, body, Content_Encoding="gzip").instant("q", at=1)[0].values == (2.0,)


VECTOR = '{"status":"success","data":{"resultType":"vector","result":%s}}'
NONSENSE: dict[str, tuple[int, bytes]] = {
    "nothing": (200, b""),
    "a page": (200, b"<html>Sign in</html>"),
    "null": (200, b"null"),
    "a list": (200, b"[]"),
    "no data": (200, b'{"status":"success"}'),
    "an error that is a success": (200, b'{"status":"error","error":"x"}'),
    "an unknown type": (200, b'{"status":"success","data":{"resultType":"streams","result":[]}}'),
    "a result that is none": (200, (VECTOR % '{"a":1}').encode()),
    "values that are numbers": (200, (VECTOR % '[{"metric":{},"value":[1,2]}]').encode()),
    "a value that is none": (200, (VECTOR % '[{"metric":{},"value":[1,"one"]}]').encode()),
    "labels that are numbers": (200, (VECTOR % '[{"metric":{"a":1},"value":[1,"1"]}]').encode()),
    "deep": (200, b'{"error":' * 5000),
    "no UTF-8": (200, b'{"status":"success\xff"}'),
    "elsewhere": (302, b"{}"),
    "not there": (404, b'{"status":"error","errorType":"not_found","error":"x"}'),
    "broken": (500, b"oops"),
    "overloaded": (503, b'{"status":"error","errorType":"timeout","error":"query timed out"}'),
    "no rights": (403, b'{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}'),
    "too often": (429, b'{"error":{"code":429,"message":"Quota exceeded"}}'),
}


@pytest.mark.parametrize("name", NONSENSE)
def test_nonsense_is_told_as_such(web: Web, name: str) -> None:
    status, body = NONSENSE[name]
    with pytest.raises(UnavailableError, match=r"^Prometheus: answers "):
        serve(web, status, body, Location="http://127.0.0.1:9/").instant("q", at=1)


@pytest.mark.parametrize("name", ["no rights", "too often", "overloaded"])
def test_what_an_error_says_is_told(web: Web, name: str) -> None:
    said = {
        "no rights": "403: Permission denied",
        "too often": "429: Quota exceeded",
        "overloaded": "503: query timed out",
    }
    with pytest.raises(UnavailableError, match=said[name]):
        serve(web, *NONSENSE[name]).instant("q", at=1)


def test_times_that_are_on_no_grid_do_not_break_it(web: Web) -> None:
    result = '[{"metric":{},"values":[[-31,"1"],[1e300,"1"],[60.4,"2"],[61,"3"]]}]'
    body = (VECTOR.replace("vector", "matrix") % result).encode()
    assert serve(web, 200, body).range("q", start=0, end=120, step=60)[0].values == (None, 3.0, None)


def test_an_answer_without_an_end_is_cut_off(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "LARGEST", 100_000)
    with pytest.raises(QueryError, match="answers more than"):
        serve(web, 200, b"x" * 200_000).instant("q", at=1)


SLOW: dict[str, Callable[[Handler], object]] = {
    "says nothing": lambda handler: handler.hang(),
    "drips": lambda handler: handler.drip(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" "),
}


@pytest.mark.parametrize("name", SLOW)
def test_who_is_slow_is_not_waited_for(web: Web, name: str) -> None:
    web.routes["/api/v1/query"] = SLOW[name]
    started = time.monotonic()
    with pytest.raises(UnavailableError, match=r"does not answer within 0\.5 s"):
        asks(web.url(""), patience=0.5).instant("q", at=1)
    assert time.monotonic() - started < 5


def test_an_answer_that_breaks_off_is_told(web: Web) -> None:
    web.routes["/api/v1/query"] = lambda handler: handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{")
    with pytest.raises(AiaError, match=r"^Prometheus: "):
        asks(web.url("")).instant("q", at=1)


def test_where_nobody_listens_the_address_and_its_credentials_are_not_told() -> None:
    with pytest.raises(UnavailableError) as raised:
        asks("http://user:secret@127.0.0.1:9").instant("q", at=1)
    assert str(raised.value) == "Prometheus: does not answer (ConnectionError)"


class Known(google.auth.credentials.Credentials):  # type: ignore[misc]  # published without types
    """Credentials that cost nothing to make."""

    def refresh(self, request: object) -> None:
        self.token = "token-1"


def test_on_google_cloud_it_asks_cloud_monitoring_as_the_function(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    scopes: list[Any] = []

    def default(**more: Any) -> tuple[Known, str]:
        scopes.append(more["scopes"])
        return Known(), "p"

    path = "/v1/projects/my-project/location/global/prometheus/api/v1/query"
    web.routes[path] = lambda handler: handler.reply(200, payload("prometheus_query_scalar_real_2_42"))
    monkeypatch.delenv("AIA_PROMETHEUS_URL", raising=False)
    monkeypatch.setattr(google.auth, "default", default)
    assert adapter.GOOGLE.startswith("https://monitoring.googleapis.com/v1/projects/")
    monkeypatch.setattr(adapter, "GOOGLE", adapter.GOOGLE.replace("https://monitoring.googleapis.com", web.url("")))
    assert connect("my-project").instant("q", at=1)[0].values == (3.0,)
    asked, headers = web.asked[-1]
    assert (asked, headers["Authorization"]) == (f"{path}?query=q&time=1", "Bearer token-1")
    assert scopes == [("https://www.googleapis.com/auth/monitoring.read",)]


def test_without_credentials_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("AIA_PROMETHEUS_URL", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nothing.json"))
    with pytest.raises(UnavailableError, match="Cloud Monitoring: nobody to ask it as"):
        connect("p").instant("q", at=1)
