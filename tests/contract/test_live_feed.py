"""What is written is told through Pub/Sub's own client and the log, and whatever of them fails comes later or is made good."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.errors import UnavailableError
from core.live.changes import Changed, Entry, entry_id
from functions.adapters import changes, live_feed
from functions.adapters.bus import open_bus
from functions.adapters.changes import COLLECTION, AnnouncedStore, Announcer, data_of
from functions.adapters.live_feed import Feed
from functions.adapters.sqlite_store import SqliteStore
from tests.contract.pubsub_fixtures import PROJECT, Bus, await_that, our_server


@pytest.fixture(scope="module")
def bus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bus]:
    with our_server(tmp_path_factory.mktemp("bus") / "pubsub.sqlite") as running:
        running.topic(changes.TOPIC)
        yield running


@pytest.fixture
def written(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(str(tmp_path / "store.sqlite"))
    yield store
    store.close()


@pytest.fixture
def announcer(bus: Bus, written: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> Announcer:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", bus.host)
    return Announcer(written, lambda: open_bus(PROJECT, patience=changes.PATIENCE), lambda: datetime.now(UTC))


Open = Callable[[], tuple[Feed, list[Entry]]]


@pytest.fixture
def instances(bus: Bus, announcer: Announcer, written: SqliteStore) -> Iterator[Open]:
    assert announcer
    feeds: list[Feed] = []

    def open_one() -> tuple[Feed, list[Entry]]:
        arrived: list[Entry] = []
        feeds.append(Feed(PROJECT, written, arrived.extend))
        return feeds[-1], arrived

    yield open_one
    for feed in feeds:
        feed.close()
    assert [
        one for one in bus.subscriber.list_subscriptions(project=f"projects/{PROJECT}") if "/live-" in one.name
    ] == []


def test_what_is_written_is_in_the_log_and_at_every_instance_by_the_same_id(
    bus: Bus, written: SqliteStore, announcer: Announcer, instances: Open
) -> None:
    (one, at_one), (other, at_other) = instances(), instances()
    assert [feed.check() for feed in (one, other, one, other)] == [False, False, True, True]
    own = list(bus.subscriber.list_subscriptions(project=f"projects/{PROJECT}"))
    assert [dict(each.labels) for each in own] == [live_feed.LABELS] * 2
    assert [each.expiration_policy.ttl for each in own] == [timedelta(days=1)] * 2
    store = AnnouncedStore(written, announcer)
    document = store.create("incidents", "i-1", {"open": True})
    document = store.replace(document, "incidents", {"open": False})
    store.delete(store.create("guards", "all", {}), "guards")
    claim = store.create("ledger", "dead-letter:a1", {})
    store.replace(store.create("ledger", "nothing to see", {}), "ledger", {"state": "done"})
    store.replace(claim, "ledger", {"state": "done"})
    announcer.settle()
    wanted = {Changed("incidents", "i-1"), Changed("actions", "all"), Changed("maintenance", "a1")}

    def known(entries: list[Entry]) -> set[Changed]:
        return {change for entry in entries for change in entry.changes}

    await_that(lambda: known(at_one) == known(at_other) == wanted, "both instances")
    assert {entry.id for entry in one.read("")} == {entry.id for entry in at_one} == {entry.id for entry in at_other}
    assert known(one.read("")) == wanted
    assert one.read(at_one[-1].id) == []
    assert store.get("incidents", "i-1") == document
    assert [each.key for each in store.find("incidents", where={"open": False})] == ["i-1"]


def test_a_subscription_that_is_gone_is_made_again(bus: Bus, announcer: Announcer, instances: Open) -> None:
    feed, arrived = instances()
    feed.check()
    (own,) = bus.subscriber.list_subscriptions(project=f"projects/{PROJECT}")
    bus.subscriber.delete_subscription(subscription=own.name)
    assert feed.check() is False
    announcer.wrote("probes", "db")
    announcer.settle()
    await_that(lambda: arrived, "the change")


def test_what_is_no_change_is_passed_over(bus: Bus, announcer: Announcer, instances: Open) -> None:
    feed, arrived = instances()
    feed.check()
    bus.publish(f"projects/{PROJECT}/topics/{changes.TOPIC}", b"nonsense")
    announcer.wrote("probes", "db")
    await_that(lambda: arrived, "the change after it")
    assert arrived[0].changes == (Changed("probes", "db"),)


def test_without_the_bus_a_write_is_done_and_told_by_the_log_and_the_feed_says_so(
    written: SqliteStore, announcer: Announcer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    monkeypatch.setattr(live_feed, "_PATIENCE", 0.5)
    feed = Feed(PROJECT, written, lambda _: None)
    with pytest.raises(UnavailableError, match="bus: changes: "):
        feed.check()
    away = Announcer(written, lambda: open_bus(PROJECT, patience=0.5), lambda: datetime.now(UTC))
    AnnouncedStore(written, away).create("silences", "all", {})
    away.settle()
    assert [entry.changes for entry in feed.read("")] == [(Changed("silences", "all"),)]
    assert "changes not published: bus: " in caplog.text
    feed.close()


def test_the_log_forgets_what_nobody_can_resume_from(written: SqliteStore, announcer: Announcer) -> None:
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    for number in range(3):
        entry = Entry(entry_id(long_ago, str(number)), (Changed("probes", "old"),))
        written.create(COLLECTION, entry.id, data_of(entry, long_ago))
    announcer.wrote("probes", "new")
    announcer.settle()
    assert [one.data["changes"] for one in written.find(COLLECTION)] == [[["probes", "new"]]]


def test_a_write_that_fails_is_not_told(written: SqliteStore, announcer: Announcer) -> None:
    store = AnnouncedStore(written, announcer)
    document = store.create("promotions", "churn", {})
    announcer.settle()
    before = time.monotonic(), len(written.find(COLLECTION))
    store.replace(document, "promotions", {"a": 1})
    announcer.settle()
    with pytest.raises(Exception, match="somebody else wrote it first"):
        store.replace(document, "promotions", {"b": 1})
    announcer.settle()
    assert len(written.find(COLLECTION)) == before[1] + 1
