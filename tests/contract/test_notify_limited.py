"""Channels that keep to a rate together: over real stores, in one process and in several."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from core.errors import ConflictError, LimitedError, UnavailableError
from core.events import Change, Severity
from core.incidents.messages import Message
from core.settings.channels import EmailChannel, Encryption, PagerdutyChannel, SlackChannel, TeamsChannel
from functions.adapters.notify.channel import COLLECTION, DeliveryOutcome, Limited, Receipt, open_channels
from functions.adapters.ports import Data, Document, Store
from functions.adapters.sqlite_store import SqliteStore
from tests.support.builders.letters import MESSAGE
from tests.support.fakes.clock import START, FakeClock
from tests.support.servers.pagerduty import PagerDutyServer
from tests.support.servers.receivers import Reply
from tests.support.servers.targets import serving
from tests.support.servers.teams import INVOKE, SIGNATURE

pytest_plugins = ["tests.support.servers.stores"]
KEY = "0123456789abcdef0123456789abcdef"
CRITICAL = replace(MESSAGE, severity=Severity.CRITICAL)
USUAL = replace(MESSAGE, severity=Severity.ERROR)
MISSED = replace(CRITICAL, change=Change.RESOLVED, missed=True)


class Inner:
    """Takes messages, or raises what it is told to."""

    def __init__(self) -> None:
        self.times: list[datetime] = []
        self.fault: Exception | None = None
        self.clock: Callable[[], datetime] = FakeClock()
        self.lock = threading.Lock()

    def send(self, message: Message) -> Receipt:
        if self.fault:
            raise self.fault
        with self.lock:
            self.times.append(self.clock())
        return Receipt(DeliveryOutcome.DELIVERED)


def limited(inner: Inner, store: Store, clock: Callable[[], datetime], *, per_minute: int = 100) -> Limited:
    inner.clock = clock
    return Limited(inner, name="pager", store=store, clock=clock, per_minute=per_minute)


def flood(channel: Limited, message: Message, attempts: int = 200) -> tuple[int, LimitedError]:
    """How many go through before one does not, and what that one is told."""
    for sent in range(attempts):
        try:
            channel.send(message)
        except LimitedError as error:
            return sent, error
    pytest.fail("nothing is limited")


def test_the_burst_goes_at_once_and_a_part_of_it_only_when_it_is_critical(store: Store) -> None:
    inner, clock = Inner(), FakeClock()
    channel = limited(inner, store, clock)
    sent, error = flood(channel, USUAL)
    assert sent == 30
    assert str(error) == (
        "channel pager: what is left of this minute is for critical messages, until 2026-11-23T12:00:01Z"
    )
    assert flood(channel, replace(CRITICAL, change=Change.RESOLVED))[0] == 0
    sent, error = flood(channel, CRITICAL)
    assert sent == 10
    assert str(error) == "channel pager: the messages of this minute are sent, until 2026-11-23T12:00:01Z"
    assert len(inner.times) == 40


def test_instances_share_the_rate(opened: Callable[[], SqliteStore]) -> None:
    clock = FakeClock()
    one, other = (limited(Inner(), opened(), clock) for _ in range(2))
    assert flood(one, CRITICAL)[0] == 40
    assert flood(other, CRITICAL)[0] == 0
    clock.move(seconds=3)
    assert flood(other, CRITICAL)[0] == 3


def test_a_wait_that_the_receiver_asks_for_is_kept_to_by_all(opened: Callable[[], SqliteStore]) -> None:
    clock, told, other = FakeClock(), Inner(), Inner()
    told.fault = LimitedError("channel pager: answered 429", START + timedelta(minutes=20))
    with pytest.raises(LimitedError, match="answered 429"):
        limited(told, opened(), clock).send(CRITICAL)
    for minutes in (0, 10, 19):
        clock.now = START + timedelta(minutes=minutes)
        with pytest.raises(LimitedError, match=r"asked to wait, until 2026-11-23T12:20:00Z") as caught:
            limited(other, opened(), clock).send(CRITICAL)
        assert caught.value.until == START + timedelta(minutes=20)
    assert other.times == []
    clock.now = START + timedelta(minutes=20)
    assert limited(other, opened(), clock).send(CRITICAL).outcome is DeliveryOutcome.DELIVERED


class Faulty:
    """A store that fails where it is told to."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.fault: Exception | None = None

    def get(self, collection: str, key: str) -> Document | None:
        if self.fault:
            raise self.fault
        return self.store.get(collection, key)

    def create(self, collection: str, key: str, data: Data) -> Document:
        return self.store.create(collection, key, data)

    def replace(self, document: Document, collection: str, data: Data) -> Document:
        return self.store.replace(document, collection, data)

    def delete(self, document: Document, collection: str) -> None:
        raise NotImplementedError

    def find(self, collection: str, **_: Any) -> list[Document]:
        raise NotImplementedError


@pytest.fixture
def faulty(tmp_path: Path) -> Iterator[Faulty]:
    kept = SqliteStore(str(tmp_path / "store.db"))
    yield Faulty(kept)
    kept.close()


def test_a_wait_that_the_store_does_not_take_is_kept_to_by_the_instance(faulty: Faulty) -> None:
    inner, clock = Inner(), FakeClock()
    channel = limited(inner, faulty, clock)

    def refuse(message: Message) -> Receipt:
        faulty.fault = UnavailableError("store: gone")
        raise LimitedError("channel pager: answered 429", START + timedelta(minutes=1))

    inner.send = refuse  # type: ignore[method-assign]  # fails in the middle of a send
    with pytest.raises(LimitedError, match="answered 429"):
        channel.send(CRITICAL)
    faulty.fault = None
    with pytest.raises(LimitedError, match="asked to wait"):
        channel.send(CRITICAL)


def test_a_store_that_does_not_answer_is_not_gone_past(faulty: Faulty) -> None:
    faulty.fault, inner = UnavailableError("store: gone"), Inner()
    with pytest.raises(UnavailableError, match="store: gone"):
        limited(inner, faulty, FakeClock()).send(CRITICAL)
    assert inner.times == []


def test_too_many_at_once_come_again_shortly(faulty: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.adapters.store._ATTEMPTS", 1)
    channel = limited(Inner(), faulty, FakeClock())
    channel.send(CRITICAL)

    def steal(document: Document, collection: str, data: Data) -> Document:
        raise ConflictError("somebody was faster")

    faulty.replace = steal  # type: ignore[method-assign]  # a rival that is always faster
    with pytest.raises(LimitedError, match="too many send at once") as caught:
        channel.send(CRITICAL)
    assert caught.value.until == START + timedelta(seconds=2)


@pytest.mark.parametrize("fault", [UnavailableError("channel pager: answered 500"), RuntimeError("broken")])
def test_another_fault_of_the_channel_stops_nobody(faulty: Faulty, fault: Exception) -> None:
    inner = Inner()
    channel = limited(inner, faulty, FakeClock())
    inner.fault = fault
    with pytest.raises(type(fault)):
        channel.send(CRITICAL)
    inner.fault = None
    assert channel.send(CRITICAL).outcome is DeliveryOutcome.DELIVERED


def test_what_is_kept_is_small_and_knows_no_message(faulty: Faulty) -> None:
    limited(Inner(), faulty, FakeClock()).send(CRITICAL)
    kept = faulty.store.get(COLLECTION, "pager")
    assert kept is not None
    assert kept.data == {"full_at": START + timedelta(seconds=1), "last": START, "blocked_until": None}


def test_threads_that_race_never_send_more_than_allowed(store: Store) -> None:
    inner, clock = Inner(), FakeClock()
    channel = limited(inner, store, clock, per_minute=20)

    def attempt(_: int) -> bool:
        try:
            return channel.send(CRITICAL).outcome is DeliveryOutcome.DELIVERED
        except LimitedError:
            return False

    with ThreadPoolExecutor(4) as pool:
        sent = sum(pool.map(attempt, range(24)))
    assert sent == len(inner.times) <= 8
    clock.move(minutes=1)
    assert flood(channel, CRITICAL)[0] == 8


PROGRAM = """
import sys, time
from datetime import UTC, datetime
from core.errors import LimitedError
from core.settings.channels import PagerdutyChannel
from functions.adapters.notify.channel import open_channels
from functions.adapters.sqlite_store import SqliteStore
from tests.support.builders.letters import MESSAGE
setting = PagerdutyChannel(name="pager", key=sys.argv[3], url=sys.argv[2], per_minute=30)
channel = open_channels([setting], lambda: datetime.now(UTC), SqliteStore(sys.argv[1]))["pager"]
sent = 0
for _ in range(20):
    try:
        channel.send(MESSAGE)
        sent += 1
    except LimitedError:
        pass
print(sent)
"""


def test_processes_together_never_reach_the_limit_of_the_receiver(tmp_path: Path) -> None:
    server = PagerDutyServer(per_minute=30)
    with serving(server):
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / "store.db"), server.url, KEY]
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True)
            for _ in range(3)
        ]
        sent = [int(process.communicate(timeout=60)[0]) for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert server.log.limited == 0
    assert 12 <= sum(sent) == len(server.log.calls) <= 30


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    kept = SqliteStore(str(tmp_path / "channels.db"))
    yield kept
    kept.close()


def test_what_was_missed_takes_two_calls_of_pagerduty(sqlite: SqliteStore) -> None:
    clock, server = FakeClock(), PagerDutyServer()
    setting = PagerdutyChannel(name="pager", key=KEY, url=server.url, per_minute=5)
    with serving(server):
        channel = open_channels([setting], clock, sqlite)["pager"]
        assert channel.send(MISSED).outcome is DeliveryOutcome.DELIVERED
        with pytest.raises(LimitedError) as caught:
            channel.send(CRITICAL)
    assert len(server.log.calls) == 2
    assert caught.value.until == clock.now + timedelta(seconds=20)


def test_a_retry_after_over_the_wire_ends_in_the_store(sqlite: SqliteStore) -> None:
    clock, server = FakeClock(), PagerDutyServer()
    setting = PagerdutyChannel(name="pager", key=KEY, url=server.url)
    server.scripted.append(Reply(429, b"", {"Retry-After": "600"}))
    with serving(server):
        with pytest.raises(LimitedError, match="answered 429"):
            open_channels([setting], clock, sqlite)["pager"].send(CRITICAL)
        with pytest.raises(LimitedError, match="asked to wait, until 2026-11-23T12:10:00Z"):
            open_channels([setting], clock, sqlite)["pager"].send(CRITICAL)
    assert server.log.requests == 1


@pytest.mark.parametrize("module", ["pagerduty", "slack", "teams", "smtp"])
def test_the_servers_run_as_processes_and_say_what_came(module: str, sqlite: SqliteStore) -> None:
    command = [sys.executable, "-m", f"tests.support.servers.{module}", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        log = int(process.stdout.readline()) if module == "smtp" else port
        settings = {
            "pagerduty": PagerdutyChannel(name="x", key=KEY, url=f"http://127.0.0.1:{port}/v2/enqueue"),
            "slack": SlackChannel(name="x", url=f"http://127.0.0.1:{port}/services/T1/B1/x"),
            "teams": TeamsChannel(name="x", url=f"http://127.0.0.1:{port}{INVOKE}{SIGNATURE}"),
            "smtp": EmailChannel(
                name="x",
                host="127.0.0.1",
                port=port,
                encryption=Encryption.NONE,
                sender="a@example.com",
                to=("b@example.com",),
            ),
        }
        channel = open_channels([settings[module]], lambda: datetime.now(UTC), sqlite)["x"]
        assert channel.send(MESSAGE).outcome is DeliveryOutcome.DELIVERED
        said = fetch(log)
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert (len(said["calls"]), said["violations"]) == (1, 0)
    assert process.returncode == 0


def fetch(port: int) -> dict[str, Any]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/log", timeout=10) as answer:
        said: dict[str, Any] = json.load(answer)
    return said
