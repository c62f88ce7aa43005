"""Coverage over the API and by `aia coverage`: the real catalogue, rules and dashboards, and a Prometheus that knows some series."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from werkzeug.test import Client

from core.errors import QueryError, UnavailableError
from core.settings import HttpProbe, Partner, Settings
from functions.adapters.prometheus import Series
from functions.adapters.stores import open_store
from functions.api import coverage
from functions.api.coverage import Coverage
from functions.api.dashboards import load
from functions.api.freshness import Start
from functions.cli.main import main
from functions.services.signals import areas
from tests.support.builders import pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock

REPLAYED = '{model=~"flight-delay|recommender"}'
MINUTE = timedelta(minutes=1)
UP = 'aia_probe_up{probe=~"api"}'


class Known:
    """A Prometheus that has series of some selectors."""

    def __init__(self, **by_selector: dict[str, int]) -> None:
        self.by_selector = by_selector
        self.down: Exception | None = None
        self.of = ""
        self.asked = 0

    def instant(self, query: str, *, at: int) -> list[Series]:
        assert at
        self.asked += 1
        if self.down and self.of in query:
            raise self.down
        return [
            Series(labels={"signal": str(number), "job": job}, values=(float(count),))
            for number, term in enumerate(query.split(" or "))
            for selector, jobs in self.by_selector.items()
            if f"last_over_time({selector}[" in term
            for job, count in jobs.items()
        ]


@pytest.fixture
def known() -> Known:
    rows = {"drift_score": 2}
    return Known(**{UP: {"health_check": 1}, "aia_drift_rows": rows, f"aia_drift_rows{REPLAYED}": rows})


@pytest.fixture
def client(tmp_path: Path, known: Known) -> Iterator[Client]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    clock = FakeClock()
    services = pages.services(store, Rows(), ApiFixture(store, obeys=False), clock)
    partners = (Partner(name="bank"),)
    settings = Settings(
        jobs={"telemetry_rollup": "*/5 * * * *"},
        probes=(HttpProbe(name="api", url="http://127.0.0.1", every=MINUTE),),
        partners=partners,
    )
    start = Start(at=clock(), clock=clock)
    answers = Coverage(dashboards=load(), prometheus=known, settings=settings, clock=clock, start=start)  # type: ignore[arg-type]
    yield pages.application(replace(services, coverage=answers)).test_client()
    store.close()  # type: ignore[attr-defined]


def covered(client: Client) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in json.loads(client.get("/v1/coverage").data)["areas"]}


def test_every_area_has_its_rules_and_panels_and_what_is_seen(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    found = covered(client)
    assert [*found] == [area.name for area in areas(coverage.FILE)]
    assert (found["APIs"]["sight"], found["Models"]["sight"], found["Kubernetes"]["sight"]) == (
        "seen here",
        "replayed",
        "needs GCP",
    )
    assert (found["Incidents"]["sight"], found["Partners"]["sight"], found["Redis"]["sight"]) == (
        "not seen",
        "not seen yet",  # it is in the settings, and its job has not run since the start
        "not set up",
    )
    due_at = datetime.fromisoformat(str(found["Partners"]["due_at"]))
    assert (due_at.minute % 5, found["Incidents"]["due_at"]) == (0, None)
    assert "kind: redis" in found["Redis"]["set_up"]["settings"]  # type: ignore[index]
    assert (found["Models"]["seen"], found["Models"]["replayed"]) == (0, 1)
    signals = {one["selector"]: one for one in found["APIs"]["signals"]}  # type: ignore[attr-defined]
    assert (signals[UP]["series"], signals[UP]["written_by"]) == (1, ["health_check"])
    assert {"EndpointDown", "EndpointFlapping"} <= {*signals[UP]["rules"]}
    assert all(one["rules"] and one["panels"] for one in found.values())


def test_what_nobody_answers_is_not_known(client: Client, known: Known) -> None:
    known.down = UnavailableError("Prometheus: does not answer")
    assert {(one["sight"], one["seen"]) for one in covered(client).values()} == {("not known", None)}
    assert known.asked == 1, "each would be waited for"


@pytest.mark.parametrize("fault", [QueryError("Prometheus: refuses the query"), LookupError("signal")])
def test_what_is_refused_is_not_known_and_the_rest_is(client: Client, known: Known, fault: Exception) -> None:
    known.down, known.of = fault, "kubernetes_io:container_restart_count"
    found = covered(client)
    assert (found["Kubernetes"]["sight"], found["APIs"]["sight"]) == ("not known", "seen here")


def test_an_answer_that_is_not_to_the_query_is_none(
    client: Client, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    for labels in ({}, {"signal": "x"}, {"signal": "1000"}):
        monkeypatch.setattr(known, "instant", lambda *_, labels=labels, **__: [Series(labels=labels, values=(1.0,))])
        assert {one["sight"] for one in covered(client).values()} == {"not known"}
        with pages.served(client.application) as url:
            assert CliRunner().invoke(main, ["coverage", "--url", url, "--fail"]).exit_code == 3


def test_on_google_cloud_nothing_is_a_replay(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIGQUERY_EMULATOR_HOST", raising=False)
    assert covered(client)["Models"]["sight"] == "seen here"


def test_the_command_prints_the_areas_the_signals_of_one_and_fails_where_asked(client: Client) -> None:
    with pages.served(client.application) as url:

        def run(*options: str) -> tuple[int, str]:
            result = CliRunner().invoke(main, ["coverage", "--url", url, *options])
            return result.exit_code, result.output

        status, table = run()
        assert status == 0
        assert table.splitlines()[0].split() == ["area", "owner", "signals", "seen", "replayed", "rules", "panels"]
        assert any(line.startswith("Kubernetes") and "needs GCP (tests/" in line for line in table.splitlines())
        assert f"{UP}: 1 series by health_check; " in run("--area", "APIs")[1]
        assert "Name a Redis server. Guide: docs/settings.md#probes" in run("--area", "Redis")[1]
        assert "kind: redis" in run("--area", "Redis")[1]
        assert json.loads(run("--json", "--area", "DNS")[1])["areas"][0]["name"] == "DNS"
        assert run("--fail")[0] == 1
        assert run("--fail", "--area", "APIs")[0] == 0
        status, said = run("--area", "Nowhere")
        assert (status, "must be one of APIs, " in said) == (2, True)
