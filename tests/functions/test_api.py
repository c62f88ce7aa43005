"""What the read-only API answers, and that it only reads."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import flask
import pytest

from core.errors import UnavailableError
from core.settings import Features, Model, Reference, Settings, TcpProbe
from functions.adapters.ports import Data, Store
from functions.adapters.store import open_store
from functions.api.routes import answer
from functions.api.views import Views, by_day

NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Rows:
    """A warehouse that knows the answer to each statement by a word in it."""

    def __init__(self, **answers: list[Data]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, Data]] = []
        self.down = False

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        if self.down:
            raise UnavailableError("BigQuery: does not answer")
        self.asked.append((sql, parameters))
        return next(rows for word, rows in self.answers.items() if word in sql)

    def append(self, table: str, rows: object) -> None:
        raise AssertionError(f"the api must not write, wrote {table}: {rows}")


def score(feature: str, test: str, value: float | None, *, drifted: bool, reason: str = "drift") -> Data:
    row: Data = {"model": "churn", "version": "v1", "feature": feature, "test": test, "value": value, "p_value": None}
    row |= {"drifted": drifted, "reason": reason, "n_reference": 900, "n_current": 300}
    return row | {"window_start": NOW, "window_end": NOW}


SCORES = [
    score("age", "psi", 0.4, drifted=True),
    score("age", "ks", 0.2, drifted=True),
    score("city", "psi", 0.01, drifted=False),
]


@pytest.fixture
def warehouse() -> Rows:
    by_days = [
        {"day": date(2026, 1, 1), "feature": "age", "test": "psi", "value": 0.1, "drifted": False, "reason": ""},
        {"day": date(2026, 1, 2), "feature": "age", "test": "psi", "value": 0.4, "drifted": True, "reason": ""},
    ]
    accuracy = [{"model": "churn", "day": date(2026, 1, 2), "value": 0.9, "n_labels": 5, "n_current": 9}]
    return Rows(model_performance=accuracy, DATE=by_days, drift_scores=SCORES)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")


@pytest.fixture
def views(warehouse: Rows, store: Store) -> Views:
    model = Model(
        name="churn",
        owner="growth",
        table="telemetry.churn",
        timestamp="at",
        id="id",
        score="score",
        features=Features(numeric=("age",), categorical=("city",)),
        reference=Reference(days=30),
        window=NOW - datetime(2026, 1, 1, tzinfo=UTC),
        accuracy_floor=0.85,
    )
    probe = TcpProbe(name="db", every=timedelta(minutes=1), host="db.internal", port=5432)
    settings = Settings(jobs={}, models=(model,), probes=(probe,), dependencies=(), revenue={}, channels=(), routes=())
    return Views(settings=settings, store=store, warehouse=warehouse)


def ask(views: Views, path: str, method: str = "GET") -> flask.Response:
    app = flask.Flask("test")
    with app.test_request_context(path, method=method):
        return answer(flask.request, lambda: views)


def body(response: flask.Response) -> Any:
    assert response.status_code == 200, response.get_data()
    return json.loads(response.get_data())


def test_a_model_is_shown_with_its_newest_window_and_its_accuracy(views: Views) -> None:
    [model] = body(ask(views, "/api/models"))
    assert (model["name"], model["owner"], model["version"]) == ("churn", "growth", "v1")
    assert model["drifted"] == ["age"]
    assert model["strongest"] == "age"
    assert [feature["name"] for feature in model["features"]] == ["age", "city"]
    assert model["features"][0]["tests"]["psi"] == {"value": 0.4, "p_value": None}
    assert model["accuracy"] == {
        "value": 0.9,
        "n_labels": 5,
        "floor": 0.85,
        "by_day": [{"day": "2026-01-02", "value": 0.9}],
    }


def test_a_model_that_was_never_scored_is_shown_as_such(views: Views, warehouse: Rows) -> None:
    warehouse.answers = {"model_performance": [], "drift_scores": []}
    [model] = body(ask(views, "/api/models"))
    assert (model["window_end"], model["drifted"], model["accuracy"]) == (None, [], None)


def test_a_window_that_could_not_be_judged_says_why(views: Views, warehouse: Rows) -> None:
    warehouse.answers["drift_scores"] = [score("", "", None, drifted=False, reason="insufficient_data")]
    [model] = body(ask(views, "/api/models"))
    assert (model["reason"], model["features"]) == ("insufficient_data", [])


def test_drift_by_day_has_a_value_a_day(views: Views) -> None:
    shown = body(ask(views, "/api/models/churn/drift?days=30"))
    assert shown["days"] == ["2026-01-01", "2026-01-02"]
    assert shown["features"] == [{"name": "age", "tests": {"psi": [0.1, 0.4]}, "drifted": [False, True]}]


def test_a_day_without_a_feature_is_a_gap_not_a_zero() -> None:
    rows = [
        {"day": 1, "feature": "a", "test": "ks", "value": 0.1, "drifted": False},
        {"day": 2, "feature": "b", "test": "ks", "value": 0.2, "drifted": True},
    ]
    shown = by_day(rows)
    assert [feature["tests"]["ks"] for feature in shown["features"]] == [[0.1, None], [None, 0.2]]
    assert [feature["drifted"] for feature in shown["features"]] == [[False, None], [None, True]]


@pytest.fixture
def incidents(store: Store) -> None:
    for number, state in enumerate(["resolved", "open", "resolved"]):
        opened = NOW.replace(day=number + 1)
        store.create(
            "incidents", f"i{number}", {"id": f"i{number}", "state": state, "opened_at": opened, "title": "<b>"}
        )


@pytest.mark.usefixtures("incidents")
def test_incidents_are_shown_open_ones_first_then_the_newest(views: Views) -> None:
    assert [incident["id"] for incident in body(ask(views, "/api/incidents"))] == ["i1", "i2", "i0"]
    assert body(ask(views, "/api/incidents/i2"))["state"] == "resolved"


def test_probes_are_shown_also_before_their_first_check(views: Views, store: Store) -> None:
    assert body(ask(views, "/api/probes")) == [{"name": "db", "kind": "tcp"}]
    store.create("probes", "db", {"name": "db", "kind": "tcp", "status": "resolved", "latency": 0.1})
    assert body(ask(views, "/api/probes"))[0]["status"] == "resolved"


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/nothing", 404, "not found"),
        ("/api/models/other/drift", 404, "no model is called 'other'"),
        ("/api/models/churn/drift?days=0", 400, "days: must be 1 to 400, got '0'"),
        ("/api/models/churn/drift?days=ten", 400, "days: must be 1 to 400, got 'ten'"),
        ("/api/incidents/none", 404, "none has the id 'none'"),
        ("/assets/../main.py", 404, ""),
        ("/assets/nothing.js", 404, ""),
    ],
)
def test_what_is_asked_for_wrongly_is_told_plainly(views: Views, path: str, status: int, says: str) -> None:
    response = ask(views, path)
    assert response.status_code == status
    assert says in json.loads(response.get_data())["error"]


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_written(views: Views, method: str) -> None:
    assert ask(views, "/api/models", method).status_code == 405


def test_a_warehouse_that_is_down_is_named(views: Views, warehouse: Rows) -> None:
    warehouse.down = True
    response = ask(views, "/api/models")
    assert response.status_code == 503
    assert json.loads(response.get_data()) == {"error": "BigQuery: does not answer"}


def test_many_viewers_cost_one_query(views: Views, warehouse: Rows) -> None:
    for _ in range(5):
        ask(views, "/api/models")
    assert len(warehouse.asked) == 2


def test_the_page_allows_no_foreign_script(views: Views) -> None:
    response = ask(views, "/")
    assert response.headers["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self'")
    response.direct_passthrough = False
    assert b"<title>aia</title>" in response.get_data()
    response.close()


def test_health_needs_nothing_behind_it() -> None:
    app = flask.Flask("test")
    with app.test_request_context("/healthz"):
        assert answer(flask.request, lambda: pytest.fail("must not be asked for")).get_data() == b"ok"
