"""Who watches what changes, over the wire: as server-sent events and over a WebSocket, through faults of every part."""

import base64
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed, InvalidStatus

from core.access import Role
from core.errors import UnavailableError
from core.live.changes import Topic, entry_id
from core.live.log import KEEP
from functions.adapters.stores import open_store
from functions.api import live, live_hub
from functions.api.request import Request
from functions.api.services import Services
from functions.runtime.iap import HEADER
from tests.support.builders import pages
from tests.support.fakes.clock import FakeClock
from tests.support.fakes.live import FakeChanges
from tests.support.servers.iap import Proxy, proxy
from tests.support.servers.live import PATIENCE, Instance, keys, running


@pytest.fixture
def changes() -> FakeChanges:
    return FakeChanges()


@pytest.fixture
def instance(changes: FakeChanges, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setattr(live_hub, "BEAT_SECONDS", 0.5)
    with running(changes) as one:
        yield one


@pytest.fixture
def unpaced(changes: FakeChanges, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instance]:
    monkeypatch.setattr(live_hub, "PACE_SECONDS", 0.0)
    with running(changes) as one:
        yield one


def test_changes_arrive_as_events_and_over_a_socket_each_with_its_topics(
    changes: FakeChanges, instance: Instance
) -> None:
    events, ws = instance.events("topics=incidents"), instance.socket("topics=probes,silences")
    assert events.response.headers["Content-Type"] == "text/event-stream"
    assert events.next()["data"] == {"live": True}
    assert json.loads(ws.recv(PATIENCE))["type"] == "hello"
    last = [changes.tell("a"), changes.tell("b", "a"), changes.tell("db", topic="probes")][-1]
    got = events.until("changes")
    assert (got["id"], keys(got)) == (last.id, ["b", "a"])
    told = json.loads(ws.recv(PATIENCE))
    assert told == {"type": "changes", "id": last.id, "data": {"changes": [{"topic": "probes", "key": "db"}]}}
    assert events.until("beat")["data"] == {"live": True}


def test_a_topic_that_keeps_changing_empties_caches_and_is_told_of_once_and_delays_no_other(
    changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "PACE_SECONDS", 3600.0)
    monkeypatch.setattr(live_hub, "BATCH_SECONDS", 0.0)
    heard: list[frozenset[str]] = []
    with running(changes, heard=heard.append) as one:
        events, ws = one.events(), one.socket("topics=models")
        assert [events.next()["event"], json.loads(ws.recv(PATIENCE))["type"]] == ["hello", "hello"]
        changes.tell("first", topic="models")
        assert keys(events.until("changes")) == ["first"]
        for number in range(100):
            changes.tell(f"{number}", topic="models")
        changes.tell("db", topic="probes")
        assert keys(events.until("changes")) == ["db"]
        assert heard == [*[frozenset(Topic)] * (len(heard) - 2), {"models"}, {"probes"}]


def test_the_last_change_of_a_topic_is_told_of_at_the_end_of_the_interval(
    changes: FakeChanges, instance: Instance
) -> None:
    events = instance.events()
    events.next()
    changes.tell("first")
    assert keys(events.until("changes")) == ["first"]
    last = changes.tell("last")
    got = events.until("changes")
    assert (keys(got), got["id"] >= last.id) == (["last"], True)


def test_who_was_cut_off_misses_nothing_also_on_another_instance_that_starts_then(
    changes: FakeChanges, instance: Instance
) -> None:
    events = instance.events()
    events.next()
    changes.tell("seen")
    seen = events.until("changes")["id"]
    events.response.close()
    missed = [f"missed-{number}" for number in range(200)]
    for key in missed:
        changes.tell(key)
    with running(changes) as other:
        for resumed in (instance.events(**{"Last-Event-ID": seen}), other.events(f"after={seen}")):
            assert resumed.next()["event"] == "hello"
            got: list[str] = []
            while len(got) < len(missed):
                got += [key for key in keys(resumed.until("changes")) if key != "seen"]
            assert got == missed


def test_what_was_missed_does_not_wait_for_the_next_change_or_beat(
    changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "BEAT_SECONDS", 3600.0)
    changes.tell("missed")
    with running(changes) as one:
        resumed = one.events(f"after={entry_id(datetime.now(UTC) - timedelta(seconds=1))}")
        assert resumed.next()["event"] == "hello"
        assert keys(resumed.next()) == ["missed"]


def test_what_the_bus_did_not_bring_is_read_from_the_log(changes: FakeChanges, instance: Instance) -> None:
    events = instance.events()
    events.next()
    changes.feeds[0].cut = True
    changes.tell("lost on the way")
    assert keys(events.until("changes")) == ["lost on the way"]


@pytest.mark.parametrize("down", ["bus_down", "store_down"])
def test_a_fault_is_told_and_what_changed_meanwhile_is_not_missed(
    changes: FakeChanges, instance: Instance, down: str
) -> None:
    events = instance.events()
    assert events.next()["data"] == {"live": True}
    setattr(changes, down, True)
    assert events.until("state")["data"] == {"live": False}
    changes.bus_down = True
    changes.tell("meanwhile")
    changes.bus_down = changes.store_down = False
    assert keys(events.until("changes")) == ["meanwhile"]


def test_who_came_during_a_fault_reads_everything_again_after_it(changes: FakeChanges, instance: Instance) -> None:
    changes.bus_down = True
    events = instance.events()
    assert events.next()["data"] == {"live": False}
    changes.bus_down = False
    assert events.until("resync")["data"] == {"reason": "gap"}


def test_an_id_from_too_long_ago_makes_the_client_read_everything_again(instance: Instance) -> None:
    events = instance.events(f"after={entry_id(datetime.now(UTC) - KEEP)}")
    assert events.next()["event"] == "hello"
    assert events.next()["data"] == {"reason": "too_old"}


def test_who_never_reads_delays_nobody_and_is_told_to_read_everything_again(
    changes: FakeChanges, unpaced: Instance
) -> None:
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(_address(unpaced))
    stuck.sendall(f"GET /v1/live HTTP/1.1\r\nHost: {unpaced.host}\r\n\r\n".encode())
    events = unpaced.events()
    events.next()
    for number in range(60):
        changes.tell(*(f"{number}-{one}-{'x' * 200}" for one in range(200)))
        assert keys(events.until("changes"))[-1].startswith(f"{number}-199-")
    stuck.settimeout(PATIENCE)
    read = b""
    while b"event: resync" not in read[-200_000:]:
        part = stuck.recv(65536)
        assert part
        read += part
    assert b'{"reason":"slow"}' in read
    stuck.close()


def test_who_never_reads_is_given_up_and_its_place_is_free(
    changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "SEND_SECONDS", 0.3)
    monkeypatch.setattr(live_hub.Hub.__init__, "__kwdefaults__", {"most": 1})
    with running(changes) as small, socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect(_address(small))
        stuck.sendall(f"GET /v1/live HTTP/1.1\r\nHost: {small.host}\r\n\r\n".encode())
        assert changes.opened.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while small.events().response.status_code == 429:
            changes.tell(*(f"{time.monotonic()}-{one}-{'x' * 200}" for one in range(500)))
            assert time.monotonic() < deadline
            time.sleep(0.1)


def _address(instance: Instance) -> tuple[str, int]:
    host, _, port = instance.host.partition(":")
    return host, int(port)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("topics=weather", "topics: must be of"),
        ("after=yesterday", "id: must be one that was sent"),
        (f"after={'é' * 80}", "id: must be one that was sent"),
    ],
)
def test_what_is_no_topic_or_no_id_is_refused(instance: Instance, query: str, says: str) -> None:
    refused = requests.get(f"http://{instance.host}/v1/live?{query}", timeout=PATIENCE)
    assert (refused.status_code, says in refused.json()["detail"]) == (400, True)
    with pytest.raises(ConnectionClosed) as closed:
        instance.socket(query).recv(PATIENCE)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
    assert says in closed.value.rcvd.reason
    posted = requests.post(f"http://{instance.host}/v1/live", timeout=PATIENCE)
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_site_can_not_watch(instance: Instance, origin: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        instance.socket(additional_headers={"Origin": origin})
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus):
        instance.socket(additional_headers={"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"})
    assert (
        requests.get(f"http://{instance.host}/v1/live", headers={"Origin": origin}, timeout=PATIENCE).status_code == 403
    )
    own = instance.socket(additional_headers={"Origin": f"http://{instance.host}"})
    assert json.loads(own.recv(PATIENCE))["type"] == "hello"


@pytest.fixture(scope="module")
def iap() -> Iterator[Proxy]:
    with proxy() as one:
        yield one


def test_who_is_not_signed_in_does_not_watch_and_a_connection_ends_with_its_assertion(
    changes: FakeChanges, iap: Proxy
) -> None:
    def role_of(_: str) -> Role:
        return Role.VIEWER

    def identify(request: Request) -> str:
        return iap.iap.person(request)

    over = int(time.time()) + 3
    headers = iap.headers("ada@example.com", exp=over)
    with running(changes, identify=identify, role_of=role_of) as one:
        assert requests.get(f"http://{one.host}/v1/live", timeout=PATIENCE).status_code == 401
        with pytest.raises(InvalidStatus):
            one.socket()
        events, ws = one.events(**headers), one.socket(additional_headers=headers)
        assert events.until("bye")["data"] == {"reason": "session"}
        assert events.next() == {}
        assert time.time() >= over
        assert [json.loads(ws.recv(PATIENCE))["type"] for _ in range(2)] == ["hello", "bye"]
        with pytest.raises(ConnectionClosed) as closed:
            ws.recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def test_a_connection_ends_with_the_token_that_it_was_made_with(changes: FakeChanges, tmp_path: Path) -> None:
    clock = FakeClock()
    clock.now = datetime.now(UTC) - timedelta(days=1) + timedelta(seconds=2)
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    tokens = pages.services(store, pages.Rows(), pages.ApiFixture(store), clock)
    asked = pages.told({"name": "ci", "role": "viewer", "days": 1, "by": "Ada"})
    token = tokens.tokens.create(asked, lambda: Role.ADMIN)["token"]
    with running(changes, services=lambda: tokens) as one:
        events = one.events(Authorization=f"Bearer {token}")
        assert events.until("bye")["data"] == {"reason": "session"}
    # what nobody has verified says nothing
    forged = base64.urlsafe_b64encode(b'{"exp":1e300}').decode()
    with running(changes) as one:
        assert one.events(**{HEADER: f"a.{forged}.b"}).next()["event"] == "hello"


def test_a_connection_ends_soon_after_its_token_is_revoked_and_not_while_that_is_not_known(
    changes: FakeChanges, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "CHECK_SECONDS", 0.2)
    monkeypatch.setattr("functions.api.tokens.KNOWN_SECONDS", 0.0)
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    made = pages.services(store, pages.Rows(), pages.ApiFixture(store), lambda: datetime.now(UTC))
    created = made.tokens.create(pages.told({"name": "ci", "role": "viewer", "by": "Ada"}), lambda: Role.ADMIN)
    headers = {"Authorization": f"Bearer {created['token']}"}
    is_down, asked = threading.Event(), threading.Event()

    def services() -> Services:
        if is_down.is_set():
            asked.set()
            raise UnavailableError("store: does not answer")
        return made

    with running(changes, services=services) as one:
        events, ws = one.events(**headers), one.socket(additional_headers=headers)
        assert events.next()["event"] == "hello"
        is_down.set()
        assert asked.wait(PATIENCE)
        changes.tell("still told")
        assert keys(events.until("changes")) == ["still told"]
        made.tokens.revoke(pages.told({"by": "Ada"}), created["id"])
        is_down.clear()
        assert events.until("bye")["data"] == {"reason": "revoked"}
        with pytest.raises(ConnectionClosed) as closed:
            print(*ws)  # all of it
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (3000, "revoked")
        assert one.events(**headers).response.status_code == 401


def test_a_feed_that_cannot_be_opened_keeps_nobody_waiting_and_is_opened_later(
    changes: FakeChanges, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "BEAT_SECONDS", 0.5)
    changes.is_broken = True
    with running(changes) as one:
        events = one.events()
        assert events.next()["data"] == {"live": False}
        changes.is_broken = False
        assert events.until("resync")["data"] == {"reason": "gap"}


def test_an_instance_that_is_full_says_when_to_come_again_and_has_room_once_somebody_leaves(
    changes: FakeChanges, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub.Hub.__init__, "__kwdefaults__", {"most": 1})
    with running(changes) as small:
        ws = small.socket()
        ws.recv(PATIENCE)
        refused = requests.get(f"http://{small.host}/v1/live", timeout=PATIENCE)
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(live.RETRY_SECONDS))
        with pytest.raises(ConnectionClosed) as closed:
            small.socket().recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1013
        ws.close()
        deadline = time.monotonic() + PATIENCE
        while small.events().response.status_code == 429:
            assert time.monotonic() < deadline


def test_nobody_takes_all_places(changes: FakeChanges, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_hub, "MOST_OF_ONE", 1)
    with running(changes, identify=lambda request: request.headers.get("X-Person", "")) as one:
        ada = one.events(**{"X-Person": "ada"})
        assert ada.next()["event"] == "hello"
        assert one.events(**{"X-Person": "ada"}).response.status_code == 429
        others = [one.events(**{"X-Person": "grace"}), one.events(), one.events()]
        assert [other.next()["event"] for other in others] == ["hello"] * 3


def test_an_instance_that_stops_tells_everybody_to_come_again_and_closes_its_feed(changes: FakeChanges) -> None:
    one = Instance(changes)
    try:
        events, ws = one.events(), one.socket()
        assert (events.next()["event"], json.loads(ws.recv(PATIENCE))["type"]) == ("hello", "hello")
    finally:
        started = time.monotonic()
        one.stop()
    bye = events.until("bye")
    assert bye["data"] == {"reason": "restart"}
    assert 500 <= int(bye["retry"]) <= 3000
    assert changes.feeds[0].closed
    assert time.monotonic() - started < 8, "nobody keeps it from stopping"
    assert json.loads(ws.recv(PATIENCE))["data"]["reason"] == "restart"
    one.sockets.close()


def test_the_feed_is_closed_when_nobody_watches_any_more_and_opened_again_for_the_next(
    changes: FakeChanges, instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_hub, "LINGER_SECONDS", 0.4)
    assert not changes.feeds
    first = instance.socket()
    first.recv(PATIENCE)
    first.close()
    deadline = time.monotonic() + PATIENCE
    while not changes.feeds[0].closed:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    changes.tell("while nobody watched", ago=timedelta(seconds=1))
    second = instance.socket()
    assert json.loads(second.recv(PATIENCE))["type"] == "hello"
    changes.tell("again")
    assert keys(json.loads(second.recv(PATIENCE))) == ["again"]
    assert len(changes.feeds) == 2
