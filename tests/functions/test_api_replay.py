"""`/v1/replay`: settings in, a comparison out, decided in a process of its own, one at a time and within limits."""

import re
import secrets
import subprocess
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import yaml
from werkzeug.test import Client

from core.errors import UnavailableError
from functions.adapters.stores import open_store
from functions.api import replays
from functions.api.once import HEADER
from functions.services.incidents.kept_decisions import Row
from functions.services.replay import process
from functions.services.replay.child import Answer, Asked
from tests.support.builders import pages, replayed_night
from tests.support.builders.decided import decision_rows
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.builders.replayed_night import NEW, NIGHT, OLD
from tests.support.fakes.clock import FakeClock

BODY = {"by": "Ada", "settings": NEW}


@pytest.fixture(scope="module")
def night() -> list[Row]:
    return decision_rows(replayed_night.night(drifts=10, after=1).world.decided)


@pytest.fixture
def clock() -> FakeClock:
    found = FakeClock()
    found.now = NIGHT + timedelta(days=1)
    return found


@pytest.fixture
def office(tmp_path: Path) -> Iterator[ApiFixture]:
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    yield ApiFixture(store, obeys=False)
    store.close()  # type: ignore[attr-defined]


@pytest.fixture
def warehouse(night: list[Row]) -> Rows:
    return Rows(incident_decisions=[msgspec.structs.asdict(row) for row in night])


@pytest.fixture
def client(office: ApiFixture, warehouse: Rows, clock: FakeClock) -> Client:
    return pages.client_of(pages.services(office.store, warehouse, office, clock))


def decides(office: ApiFixture, warehouse: Rows, clock: FakeClock, decide: replays.Decide) -> Client:
    """A client of an API that decides otherwise."""
    made = pages.services(office.store, warehouse, office, clock)
    own = replays.Replays(warehouse=warehouse, store=office.store, clock=clock, decide=decide)
    return pages.client_of(replace(made, replays=own))


def test_a_replay_is_an_operation_whose_result_is_what_the_command_prints(
    client: Client, clock: FakeClock, warehouse: Rows
) -> None:
    started = client.post("/v1/replay", json=BODY | {"since": "2026-01-06T00:00:00Z", "warm_up": "1d"})
    assert started.status_code == 202, started.get_data()
    found = client.get(started.headers["Location"]).json or {}
    assert (found["state"], found["by"], found["id"] in started.headers["Location"]) == ("done", "Ada", True)
    compared = found["comparison"]
    assert (compared["messages"]["removed"], compared["findings"], compared["left_out"]) == (2, 2, 0)
    [ada] = [one for one in compared["channels"] if one["channel"] == "ada-phone"]
    assert (ada["people"], ada["pages"], ada["would_page"], ada["woken"]) == (["Ada"], 1, 0, 1)
    asked = [one["since"] for sql, one in warehouse.asked if "incident_decisions" in sql]
    assert asked == [NIGHT.replace(hour=0) + timedelta(days=days) for days in (-1, 0, 1)]
    as_object = msgspec.json.decode(msgspec.json.encode(yaml.safe_load(NEW)))
    again = client.post("/v1/replay", json=BODY | {"settings": as_object, "pages": ["technical"]}).json or {}
    assert (again["state"], again["detail"]) == ("done", "")
    assert {one["channel"]: one["woken"] for one in again["comparison"]["channels"]}["technical"] == 1
    clock.now += replays.KEPT
    assert client.get(started.headers["Location"]).status_code == 404


@pytest.mark.parametrize(
    ("more", "path", "says"),
    [
        ({"settings": "a: [1"}, "settings:2", "must be YAML"),
        ({"settings": OLD + "colour: red\n"}, "settings.colour", ""),
        (
            {"settings": {"version": 1, "jobs": {"incident_sweep": "* * * * *"}, "channels": 7}},
            "settings.channels",
            "must be",
        ),
        ({"settings": 7}, "settings", "must be YAML as text, or an object"),
        ({"since": "yesterday"}, "since", "must be an instant with its time zone"),
        ({"since": "2025-01-01T00:00:00Z"}, "since", "must be before until, and at most 90 days"),
        ({"since": "2026-01-06T00:00:00Z", "until": "2026-01-05T00:00:00Z"}, "since", "must be before until"),
        ({"until": "0001-01-01T00:00:00Z"}, "until", "must be of the last 400 days"),
        ({"warm_up": "31d"}, "warm_up", "at most 30d"),
        ({"hours": "at night"}, "hours", "must be as in mon-fri 08:00-18:00"),
        ({"pages": [""]}, "pages", "must be a list of at most 50 names"),
        ({"settings": "[" * 200_000}, "settings:1", "must be nested at most 20 deep"),
        ({"settings": "a: &a [1]\nb: [" + "*a, " * 20_000 + "]"}, "settings", "must have at most 20,000 values"),
        ({"nothing": 1}, "nothing", "must be one of by, settings"),
    ],
)
def test_what_is_wrong_is_told_at_once_and_nothing_is_started(
    client: Client, warehouse: Rows, more: dict[str, Any], path: str, says: str
) -> None:
    refused = client.post("/v1/replay", json=BODY | more)
    faults = (refused.json or {})["faults"]
    assert (refused.status_code, [one["path"] for one in faults], says in faults[0]["allowed"]) == (400, [path], True)
    assert warehouse.asked == []


def test_a_body_that_is_larger_than_settings_are_is_refused(client: Client) -> None:
    assert client.post("/v1/replay", json=BODY | {"settings": "#" * replays.LARGEST}).status_code == 413


def test_one_goes_on_at_a_time_and_can_be_watched(
    office: ApiFixture, warehouse: Rows, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends = threading.Event()
    for name in ("ASK_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(replays, name, 0.05)

    def slow(_asked: Asked, _rows: Iterable[list[Row]]) -> Answer:
        assert ends.wait(20)
        return Answer()

    client = decides(office, warehouse, clock, slow)
    first = client.post("/v1/replay", json=BODY, headers={HEADER: "one"})
    location = first.headers["Location"]
    assert ((first.json or {})["state"], (client.get(location).json or {})["comparison"]) == ("running", None)
    busy = client.post("/v1/replay", json=BODY)
    assert (busy.status_code, "must be one at a time" in (busy.json or {})["detail"]) == (409, True)
    assert client.post("/v1/replay", json=BODY, headers={HEADER: "one"}).headers["Location"] == location
    monkeypatch.setattr(replays, "LOOK_SECONDS", 20.0)
    ends.set()
    ended = client.get(location).json or {}
    assert (ended["state"], ended["detail"]) == ("done", "no decision of that time is kept")
    assert client.post("/v1/replay", json=BODY).status_code == 202


def test_one_whose_instance_was_killed_is_over_after_a_while(
    office: ApiFixture, warehouse: Rows, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    monkeypatch.setattr(replays, "ASK_SECONDS", 0.05)
    client = decides(office, warehouse, clock, lambda _asked, _rows: Answer(fault=str(hangs.wait(20))))
    location = client.post("/v1/replay", json=BODY).headers["Location"]
    clock.now += replays.LEASE
    other = decides(office, warehouse, clock, lambda _asked, _rows: Answer())  # another instance
    found = other.get(location).json or {}
    assert (found["state"], found["detail"]) == ("failed", "it was interrupted; ask again")
    assert other.post("/v1/replay", json=BODY).status_code == 202
    hangs.set()


def test_what_does_not_answer_or_is_too_much_is_told(client: Client, warehouse: Rows, night: list[Row]) -> None:
    warehouse.down = True
    failed = client.post("/v1/replay", json=BODY).json or {}
    assert (failed["state"], failed["detail"]) == ("failed", "BigQuery: does not answer")
    asked = Asked(settings=NEW, hours="mon-fri 08:00-18:00", pages=[], since=NIGHT, warm_up=timedelta(0))
    with pytest.raises(process.StoppedError, match="since: must be later, more than 3 decisions were made"):
        process.decided(asked, [night], most=3)
    with pytest.raises(process.StoppedError, match="took more than 0 s"):
        process.decided(asked, [night], seconds=0.0)
    broken = [msgspec.structs.replace(night[0], event="{}")]
    assert process.decided(asked, [broken]).fault.startswith(f"row {night[0].id}: event: must be a finding")
    with pytest.raises(process.StoppedError, match="ended without an answer"):
        process.decided(msgspec.structs.replace(asked, hours="never"), [night])


def test_a_comparison_that_is_too_large_to_be_kept_is_told(
    office: ApiFixture, warehouse: Rows, clock: FakeClock
) -> None:
    client = decides(
        office, warehouse, clock, lambda _asked, _rows: Answer(comparison={"x": secrets.token_hex(750_000)})
    )
    found = client.post("/v1/replay", json=BODY).json or {}
    assert (found["state"], "too much to be kept (data: must be at most" in found["detail"]) == ("failed", True)
    assert client.post("/v1/replay", json=BODY).status_code == 202


def test_one_that_could_not_be_written_does_not_keep_the_next_one_waiting(
    office: ApiFixture, warehouse: Rows, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = office.store.create

    def fails_once(collection: str, key: str, data: dict[str, Any]) -> Any:
        if key == replays.SLOT:
            return create(collection, key, data)
        monkeypatch.undo()
        raise UnavailableError("store: does not answer")

    monkeypatch.setattr(office.store, "create", fails_once)
    client = decides(office, warehouse, clock, lambda _asked, _rows: Answer())
    assert [client.post("/v1/replay", json=BODY).status_code for _ in range(2)] == [503, 202]


def test_of_settings_that_are_all_wrong_some_faults_are_listed(client: Client) -> None:
    wrong = "channels: [&one {name: one, kind: console}, " + ", ".join(["*one"] * 1000) + "]\n"
    faults = (client.post("/v1/replay", json=BODY | {"settings": wrong}).json or {})["faults"]
    assert len(faults) == replays.MOST_FAULTS + 1
    assert re.fullmatch(r"must be right, 9\d\d more faults are not listed", faults[-1]["allowed"])


def test_a_process_that_was_killed_does_not_hide_what_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        begun.append(subprocess.Popen(*arguments, **options))
        return begun[-1]

    def parts() -> Iterator[list[Row]]:
        begun[-1].kill()
        begun[-1].wait()
        yield []
        raise UnavailableError("BigQuery: does not answer")

    asked = Asked(settings=NEW, hours="mon-fri 08:00-18:00", pages=[], since=NIGHT, warm_up=timedelta(0))
    monkeypatch.setattr(process, "subprocess", SimpleNamespace(**vars(subprocess) | {"Popen": begin}))
    with pytest.raises(UnavailableError, match="BigQuery: does not answer"):
        process.decided(asked, parts())
