"""Models of the table `ops.models`: created, changed and removed without a deployment, by the API and by `aia models`."""

import json
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result
from werkzeug.test import Client

from core.errors import ConflictError, SettingsError, UnavailableError
from core.events import ScoringShard
from core.settings import Settings
from functions.adapters.events import decode, encode
from functions.adapters.stores import open_store
from functions.cli.main import main
from functions.drift_score.main import build
from functions.services.models import KEPT, SETTINGS, TABLE, Change, Models
from tests.support.builders import pages
from tests.support.builders.drift import MODEL
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.deployed import NOW, Case, Deployed, tick
from tests.support.fakes.functions import FOUND, Flights
from tests.support.fakes.model_table import ModelTable
from tests.support.servers.answering import answering

CHURN: dict[str, Any] = {
    "name": "uplift",
    "owner": "growth",
    "table": "telemetry.uplift",
    "timestamp": "scored_at",
    "id": "id",
    "score": "p",
    "features": {"numeric": ["age", "spend"]},
    "reference": {"days": 30},
    "window": "1d",
}


@pytest.fixture
def table() -> ModelTable:
    return ModelTable()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def models(table: ModelTable, clock: FakeClock) -> Models:
    return Models((MODEL,), table, clock)


def test_a_model_of_the_table_is_monitored_beside_those_of_the_settings(models: Models) -> None:
    assert models.put(CHURN, "ada") is Change.CREATED
    found = models.all()
    assert sorted(found) == [MODEL.name, "uplift"]
    assert (found["uplift"].table, found["uplift"].window) == ("telemetry.uplift", timedelta(days=1))


def test_every_change_is_a_row_with_its_author(models: Models, table: ModelTable, clock: FakeClock) -> None:
    changes = []
    for settings, by in ((CHURN, "ada"), (CHURN, "bob"), (CHURN | {"window": "7d"}, "bob")):
        clock.now += timedelta(minutes=1)
        changes.append(models.put(settings, by))
    clock.now += timedelta(minutes=1)
    changes.append(models.remove("uplift", "eve"))
    assert changes == [Change.CREATED, Change.UNCHANGED, Change.CHANGED, Change.REMOVED]
    assert [(row["changed_by"], row["settings"] is None) for row in table.rows] == [
        ("ada", False),
        ("bob", False),
        ("eve", True),
    ]
    assert list(models.all()) == [MODEL.name]
    clock.now += timedelta(minutes=1)
    assert models.put(CHURN, "ada") is Change.CREATED


def test_a_name_of_the_settings_is_refused(models: Models, table: ModelTable) -> None:
    with pytest.raises(ConflictError, match=f"must not be a name that {SETTINGS} has, got '{MODEL.name}'"):
        models.put(CHURN | {"name": MODEL.name}, "ada")
    with pytest.raises(ConflictError, match=SETTINGS):
        models.remove(MODEL.name, "ada")
    assert table.rows == []


def test_settings_that_are_not_valid_are_refused_with_every_fault(models: Models, table: ModelTable) -> None:
    with pytest.raises(SettingsError) as refused:
        models.put(CHURN | {"window": "1 day", "features": {"numeric": ["no column"]}, "colour": "red"}, "ada")
    assert {fault.path for fault in refused.value.faults} == {"window", "features.numeric[0]", "colour"}
    assert table.rows == []


def test_where_a_deployment_brings_the_name_the_settings_hold(
    table: ModelTable, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    Models((), table, clock).put(CHURN | {"name": MODEL.name}, "ada")
    later = Models((MODEL,), table, clock)
    assert later.all() == {MODEL.name: MODEL}
    assert "whose settings hold" in later.entries()[MODEL.name].issue
    assert f"model of {TABLE} passed over: {MODEL.name}" in caplog.text


def test_settings_that_a_newer_version_wrote_keep_no_other_model_from_being_monitored(
    models: Models, table: ModelTable, clock: FakeClock
) -> None:
    models.put(CHURN, "ada")
    for name, text in (("newer", json.dumps(CHURN | {"name": "newer", "colour": "red"})), ("broken", "{")):
        table.append(TABLE, [table.rows[0] | {"id": name, "model": name, "settings": text}])
    clock.now += KEPT
    assert sorted(models.all()) == [MODEL.name, "uplift"]
    assert "colour: must be a known key" in models.entries()["newer"].issue
    assert models.entries()["broken"].issue


def test_the_table_is_read_once_for_a_while_and_at_once_for_a_name_that_another_instance_saw(
    models: Models, table: ModelTable, clock: FakeClock
) -> None:
    for _ in range(3):
        models.all()
    assert table.queries == 1
    Models((), table, clock).put(CHURN, "ada")
    before = table.queries
    assert "uplift" not in models.all()
    assert table.queries == before
    assert "uplift" in models.all(["uplift"])
    clock.now += KEPT
    models.all()
    assert table.queries == before + 2


def test_a_table_that_does_not_answer_is_no_deployment_without_models(models: Models, table: ModelTable) -> None:
    table.down = True
    with pytest.raises(UnavailableError):
        models.all()


def test_a_model_is_scored_at_the_tick_after_it_was_applied() -> None:
    table = ModelTable()
    case = Case(
        name="drift_score",
        build=build,
        takes=(tick("drift_score"),),
        refuses=(encode(FOUND), ""),
        settings=Settings(jobs={}),
        answers=Flights(),
    )
    function = Deployed(case, table)
    settings = {
        "name": "late",
        "owner": MODEL.owner,
        "table": MODEL.table,
        "timestamp": MODEL.timestamp,
        "id": MODEL.id,
        "score": MODEL.score,
        "features": {"numeric": list(MODEL.features.numeric), "categorical": list(MODEL.features.categorical)},
        "reference": {"days": 10},
        "window": "1d",
        "minimum_rows": 100,
    }
    assert function.deliver(tick("drift_score")) == 204
    assert function.outside.published == []
    Models((), table, lambda: NOW).put(settings, "ada")
    assert function.deliver(tick("drift_score", NOW + timedelta(minutes=15))) == 204
    [(_, data)] = function.outside.published
    assert decode(data, ScoringShard).models == ("late",)
    assert function.deliver(data) == 204
    assert ("aia_drift_features_drifted_ratio", "late") in function.outside.gauges


@pytest.fixture
def client(tmp_path: Path, table: ModelTable, clock: FakeClock) -> Iterator[Client]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    services = pages.services(store, Rows(), ApiFixture(store), clock, table=table)
    yield pages.application(services).test_client()
    store.close()  # type: ignore[attr-defined]


def test_the_api_creates_shows_and_removes_a_model(client: Client) -> None:
    assert client.get("/v1/models/uplift").status_code == 404
    created = client.put("/v1/models/uplift?by=ada", json=CHURN)
    assert (created.status_code, created.json) == (200, {"name": "uplift", "change": "created"})
    shown = client.get("/v1/models/uplift").json
    assert shown
    assert (shown["source"], shown["settings"], shown["changed_by"]) == (TABLE, CHURN, "ada")
    listed = client.get("/v1/models").json
    assert listed
    assert [(one["name"], one["source"]) for one in listed] == [
        (pages.MODEL.name, "infra/monitoring.yaml"),
        ("uplift", TABLE),
    ]
    assert client.delete("/v1/models/uplift?by=ada").json == {"name": "uplift", "change": "removed"}
    assert client.get("/v1/models/uplift").status_code == 404
    assert client.get(f"/v1/models/{pages.MODEL.name}").json == {"name": pages.MODEL.name, "source": SETTINGS}


def test_a_list_that_was_read_before_has_what_was_changed_since(client: Client) -> None:
    def listed() -> list[tuple[str, str]]:
        return [(one["name"], one["owner"]) for one in client.get("/v1/models").json or ()]

    before = listed()
    client.put("/v1/models/uplift?by=ada", json=CHURN)
    assert listed() == [*before, ("uplift", "growth")]
    client.put("/v1/models/uplift?by=ada", json=CHURN | {"owner": "sales"})
    assert listed() == [*before, ("uplift", "sales")]
    client.delete("/v1/models/uplift?by=ada")
    assert listed() == before


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("/v1/models/uplift", CHURN, 400, "by: must be 1 to 80 printable characters"),
        ("/v1/models/other?by=a", CHURN, 400, "name: must be 'other', as in the address, got 'uplift'"),
        ("/v1/models/uplift?by=a", {"owner": "growth"}, 400, "table: must be given"),
        (f"/v1/models/{pages.MODEL.name}?by=a", CHURN | {"name": pages.MODEL.name}, 409, SETTINGS),
    ],
    ids=["nobody", "name", "settings", "taken"],
)
def test_the_api_refuses(client: Client, path: str, body: dict[str, Any], status: int, says: str) -> None:
    refused = client.put(path, json=body)
    assert refused.status_code == status
    assert refused.json
    assert says in refused.json["detail"]


def test_the_api_refuses_to_remove_what_is_not_there_or_is_of_the_settings(client: Client) -> None:
    assert client.delete("/v1/models/uplift?by=a").status_code == 404
    assert client.delete(f"/v1/models/{pages.MODEL.name}?by=a").status_code == 409


def test_a_table_that_does_not_answer_is_told(client: Client, table: ModelTable) -> None:
    table.down = True
    assert client.put("/v1/models/uplift?by=ada", json=CHURN).status_code == 503


@pytest.fixture
def url(client: Client) -> Iterator[str]:
    with pages.served(client.application) as url:
        yield url


def aia(url: str, *arguments: str, columns: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": columns, "LOGNAME": "ada"}).invoke(main, ["models", "--url", url, *arguments])


@pytest.mark.parametrize(
    ("window", "verdict"),
    [
        ({"window_end": None, "overdue": True}, "not scored yet"),
        ({"window_end": "2026-01-02T12:00:00Z", "overdue": True, "drifted": ["age"]}, "overdue"),
        ({"window_end": "2026-01-02T12:00:00Z", "reason": "insufficient_data", "drifted": []}, "no verdict"),
        ({"window_end": "2026-01-02T12:00:00Z", "reason": None, "drifted": ["age"]}, "drifted"),
        ({"window_end": "2026-01-02T12:00:00Z", "reason": None, "drifted": []}, "no drift"),
    ],
)
def test_the_list_says_the_verdict_of_the_newest_window(window: dict[str, Any], verdict: str) -> None:
    model = {"name": "m", "owner": "o", "source": TABLE, "drifted": []} | window
    with answering(body=json.dumps([model]).encode()) as server:
        row = next(line for line in aia(server.url, "list").output.splitlines() if TABLE in line)
    assert [cell.strip() for cell in row.strip("│").split("│")] == [
        "m",
        "o",
        TABLE,
        "2026-01-02 12:00 UTC" if window["window_end"] else "",
        verdict,
    ]


def test_the_command_applies_a_file_lists_and_removes(url: str, tmp_path: Path) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(json.dumps({"models": [CHURN, CHURN | {"name": "fraud"}]}))
    applied = aia(url, "apply", str(file))
    assert (applied.exit_code, applied.output) == (0, "uplift: created\nfraud: created\n")
    assert aia(url, "apply", str(file)).output == "uplift: unchanged\nfraud: unchanged\n"
    listed = json.loads(aia(url, "list", "--json").output)
    assert [one["name"] for one in listed] == [pages.MODEL.name, "fraud", "uplift"]
    table = aia(url, "list").output
    assert "uplift" in table
    assert "not scored yet" in table
    long = "a" * 100
    file.write_text(json.dumps(CHURN | {"name": long}))
    assert aia(url, "apply", str(file)).exit_code == 0
    narrow = aia(url, "list", columns="60").output
    assert "".join(re.findall("^│ *(a+) *│", narrow, re.MULTILINE)) == long
    assert aia(url, "remove", long).exit_code == 0
    removed = aia(url, "remove", "uplift")
    assert (removed.exit_code, removed.output) == (0, "uplift: removed\n")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- [", "must be YAML"),
        ("name: a\nname: b\n", "key 'name' must be given once"),
        ("a: &a [*a]\n", "must be nested at most 20 deep"),
        ("[" * 3000 + "]" * 3000, "must be"),
        ("name: a\n2026-01-01: b\n", "every key must be a text"),
        ("a: !!python/object/apply:os.system [id]\n", "must be YAML"),
        ("[]", "must hold a model, or a list of models"),
        (json.dumps([CHURN, CHURN]), "uplift: must be there once"),
        (json.dumps([CHURN, {"name": "bad"}]), "bad: table: must be given"),
    ],
    ids=["yaml", "key-twice", "circle", "deep", "date", "object", "empty", "twice", "settings"],
)
def test_the_command_refuses_a_file_as_a_whole(
    url: str, tmp_path: Path, table: ModelTable, text: str, says: str
) -> None:
    file = tmp_path / "models.yaml"
    file.write_text(text)
    refused = aia(url, "apply", str(file))
    assert refused.exit_code == 2
    assert says in refused.stderr
    assert table.rows == []


def test_the_command_tells_what_the_api_refuses_and_that_it_does_not_answer(url: str, tmp_path: Path) -> None:
    file = tmp_path / "model.yaml"
    file.write_text(json.dumps(CHURN | {"name": pages.MODEL.name}))
    refused = aia(url, "apply", str(file))
    assert (refused.exit_code, SETTINGS in refused.stderr) == (2, True)
    nobody = aia("http://127.0.0.1:9", "list")
    assert (nobody.exit_code, "does not answer" in nobody.stderr) == (3, True)
    assert aia("file:///etc/passwd", "list").exit_code == 2


def test_an_address_or_a_token_that_cannot_be_sent_is_told_without_showing_the_token(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "does not answer" in aia("http://a b", "list").stderr
    monkeypatch.setenv("AIA_API_TOKEN", "s3cret\n")
    refused = aia(url, "list")
    assert (refused.exit_code, refused.stderr) == (2, "Error: AIA_API_TOKEN: must be one line of ASCII characters\n")


def test_a_program_that_is_no_api_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                peer.sendall(b"SSH-2.0\r\n")

        thread = Thread(target=answer)
        thread.start()
        told = aia(f"http://127.0.0.1:{server.getsockname()[1]}", "list")
        thread.join()
    assert (told.exit_code, "does not answer as an API" in told.stderr) == (3, True)


def test_the_command_finds_the_local_system_by_the_variable_that_moves_its_port(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIA_API_URL", raising=False)
    monkeypatch.setenv("AIA_PORT", url.rpartition(":")[2])
    listed = CliRunner().invoke(main, ["models", "list", "--json"])
    assert [one["name"] for one in json.loads(listed.output)] == [pages.MODEL.name]
