"""The store port: one suite, on SQLite and on Firestore."""

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConflictError
from functions.adapters.firestore_store import FirestoreStore, read, spell
from functions.adapters.ports import Data, Due, ListedStore, Store
from functions.adapters.sqlite_store import SqliteStore
from functions.adapters.store import every, update

if TYPE_CHECKING:
    from tests.support.servers.stores import Place

pytest_plugins = ["tests.support.servers.stores"]
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ADD = """
from functions.adapters.store import update
for _ in range(int(sys.argv[1])):
    update(store, "counters", "one", lambda data: {"n": data["n"] + 1} if data else {"n": 1})
"""


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        False,
        0,
        -(2**63),
        2**63 - 1,
        2**53 + 1,
        0.1,
        -0.0,
        1e300,
        math.inf,
        -math.inf,
        "",
        "naïve ☂ \n \u2028 😀",
        "a\0b",
        "2026-01-02T03:04:05Z",
        NOW,
        NOW.replace(microsecond=0),
        NOW.replace(microsecond=1),
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1900, 1, 1, tzinfo=UTC),
        [],
        {},
        [1, "a", None, [2, [3, []]], {"b": [NOW, [NOW]]}],
        {"a": {"b": {"c": [1.5, {"d": NOW}]}}},
        {"a.b": 1, "a/b": 2, "`": 3, "$instant": "x", "$items": [1], "$$x": 4, "naïve": 5, "_": 6, "1": 7},
        {"$number": "nan"},
    ],
)
def test_a_value_comes_back_as_it_was_written(store: Store, value: object) -> None:
    written = store.create("c", "k", {"value": value})
    found = store.get("c", "k")
    assert found == written
    assert found is not None
    assert repr(ordered(found.data["value"])) == repr(ordered(value))


def ordered(value: object) -> object:
    """The value with its names in order: a mapping has none."""
    if isinstance(value, dict):
        return {name: ordered(value[name]) for name in sorted(value)}
    return [ordered(item) for item in value] if isinstance(value, list) else value


def test_nan_comes_back(store: Store) -> None:
    store.create("c", "k", {"value": math.nan})
    found = store.get("c", "k")
    assert found is not None
    assert math.isnan(found.data["value"])


def test_instants_come_back_in_utc(store: Store) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    written = store.create("c", "k", {"at": there})
    found = store.get("c", "k")
    assert found is not None
    for at in (written.data["at"], found.data["at"]):
        assert (type(at), at, at.utcoffset()) == (datetime, NOW, timedelta(0))


def test_what_is_kept_is_a_copy(store: Store) -> None:
    data: Data = {"list": [1]}
    written = store.create("c", "k", data)
    data["list"].append(2)
    assert written.data == {"list": [1]}


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"at": datetime(2026, 1, 1)}, "data.at"),  # noqa: DTZ001 - the naive instant is the point
        ({"a": {"b": [0, {"c": object()}]}}, r"data.a.b\[1\].c"),
        ({"n": 2**63}, "data.n"),
        ({"": 1}, "data"),
        ({"a": {"__b__": 1}}, "data.a"),
        ({"a": {1: 2}}, "data.a"),
        ({"a": b"bytes"}, "data.a"),
        ({"a": "x" * 1_000_000}, "at most 1000000 bytes"),
        ({"a": [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}, "nested at most"),
    ],
)
def test_what_one_store_could_not_keep_no_store_takes(store: Store, data: Data, where: str) -> None:
    with pytest.raises(ValueError, match=where):
        store.create("c", "k", data)
    assert store.get("c", "k") is None


def test_the_deepest_and_the_largest_are_kept(store: Store) -> None:
    deep: Any = 1
    for _ in range(8):
        deep = {"a": [deep]}
    data = {"deep": deep, "large": "x" * 990_000}
    store.create("c", "k", data)
    found = store.get("c", "k")
    assert found is not None
    assert found.data == data


def test_a_text_that_is_no_unicode_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="surrogates"):
        store.create("c", "k", {"a": "\ud800"})


@pytest.mark.parametrize("key", ["", "__a__", "__", "x" * 751, "a\0b"])
def test_a_key_that_one_store_could_not_keep_no_store_takes(store: Store, key: str) -> None:
    with pytest.raises(ValueError, match="key: must be 1 to 750 bytes"):
        store.create("c", key, {})


KEYS = [
    "!",
    ".",
    "..",
    ".0",
    ".1",
    "/",
    "/.",
    "//",
    "0",
    "a",
    "a b",
    "a%2Fb",
    "a-b",
    "a.b",
    "a/b",
    "a/b:c",
    "a:b",
    "a?b",
]
KEYS += ["model/flight-delay:drift:2026-01-02T03:04:05Z", "naïve", "☂", "😀", "/" * 750]


def test_keys_may_hold_anything_and_are_found_in_their_order(store: Store) -> None:
    for key in KEYS:
        store.create("c", key, {"key": key})
    for key in KEYS:
        found = store.get("c", key)
        assert found is not None
        assert (found.key, found.data) == (key, {"key": key})
    assert [document.key for document in store.find("c")] == sorted(KEYS, key=str.encode)


@given(st.lists(st.text(min_size=1), min_size=2, max_size=2))
def test_a_key_as_firestore_spells_it_keeps_its_meaning_and_its_order(keys: list[str]) -> None:
    assert [read(spell(key)) for key in keys] == keys
    assert not any("/" in spell(key) or spell(key) in (".", "..") for key in keys)
    assert sorted(map(spell, keys)) == [spell(key) for key in sorted(keys)]


def test_collections_are_apart(store: Store) -> None:
    store.create("a", "k", {"in": "a"})
    store.create("b", "k", {"in": "b"})
    assert [document.data for document in store.find("a")] == [{"in": "a"}]
    assert store.get("c", "k") is None


def test_collections_that_have_documents_are_listed(store: ListedStore) -> None:
    assert store.collections() == []
    for name in ("b", "a"):
        store.create(name, "k", {})
    store.create("a", "l", {})
    assert store.collections() == ["a", "b"]


def test_there_is_only_one_document_of_a_key(store: Store) -> None:
    store.create("c", "k", {"n": 1})
    with pytest.raises(ConflictError, match="c/k"):
        store.create("c", "k", {"n": 2})
    assert [document.data for document in store.find("c")] == [{"n": 1}]


def test_a_document_is_replaced_as_a_whole(store: Store) -> None:
    first = store.create("c", "k", {"a": 1, "b": {"c": 2, "d": 3}})
    second = store.replace(first, "c", {"b": {"d": 4}})
    assert store.get("c", "k") == second
    assert second.data == {"b": {"d": 4}}
    assert store.replace(second, "c", {}).data == {}
    found = store.get("c", "k")
    assert found is not None
    assert found.data == {}


@pytest.mark.parametrize("data", [{"n": 2}, {"n": 1}], ids=["other", "same"])
def test_only_the_newest_revision_is_replaced_or_deleted(store: Store, data: Data) -> None:
    stale = store.create("c", "k", {"n": 1})
    newest = store.replace(stale, "c", data)
    assert newest.revision != stale.revision
    with pytest.raises(ConflictError, match="c/k"):
        store.replace(stale, "c", {"n": 3})
    with pytest.raises(ConflictError, match="c/k"):
        store.delete(stale, "c")
    assert store.get("c", "k") == newest
    store.delete(newest, "c")
    assert store.get("c", "k") is None


def test_a_deleted_document_is_not_replaced_nor_taken_for_its_successor(store: Store) -> None:
    first = store.create("c", "k", {"n": 1})
    store.delete(first, "c")
    for act in (lambda: store.replace(first, "c", {"n": 2}), lambda: store.delete(first, "c")):
        with pytest.raises(ConflictError, match="c/k"):
            act()
    again = store.create("c", "k", {"n": 1})
    with pytest.raises(ConflictError, match="c/k"):
        store.replace(first, "c", {"n": 2})
    assert store.get("c", "k") == again


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ({}, "abcdefghi"),
        ({"v": 1}, "ab"),
        ({"v": 1.0}, "ab"),
        ({"v": True}, "c"),
        ({"v": "1"}, "d"),
        ({"v": None}, "e"),
        ({"v": NOW}, "f"),
        ({"v": NOW.astimezone(timezone(timedelta(hours=-8)))}, "f"),
        ({"v": "naïve \" ' \\ ☂"}, "g"),
        ({"v": 1, "w": "x"}, "b"),
        ({"v": "nothing"}, ""),
        ({"absent": None}, ""),
    ],
)
def test_documents_are_found_by_what_they_hold(store: Store, where: Data, keys: str) -> None:
    values = [1, 1.0, True, "1", None, NOW, "naïve \" ' \\ ☂", [1], {"v": 1}]
    for key, value in zip("abcdefghi", values, strict=True):
        store.create("c", key, {"v": value, "w": "x" if key == "b" else "y"})
    assert "".join(document.key for document in store.find("c", where=where)) == keys


def test_at_most_so_many_are_found(store: Store) -> None:
    for key in "cab":
        store.create("c", key, {"v": 1})
    assert [document.key for document in store.find("c", where={"v": 1}, limit=2)] == ["a", "b"]


@pytest.mark.parametrize("page", [1, 2, 5, 100])
def test_all_are_found_page_by_page_whatever_their_keys_hold(store: Store, page: int) -> None:
    for number, key in enumerate(KEYS):
        store.create("c", key, {"v": number % 2})
        store.create("d", key, {"v": 0})
    in_order = sorted(KEYS, key=str.encode)
    assert [document.key for document in every(store, "c", page=page)] == in_order
    assert [document.key for document in every(store, "c", after=in_order[2], page=page)] == in_order[3:]
    odd = [key for key in in_order if KEYS.index(key) % 2]
    assert [document.key for document in every(store, "c", where={"v": 1}, page=page)] == odd


@pytest.mark.parametrize("where", [{"a.b": 1}, {"a'": 1}, {'"': 1}, {"a": [1]}, {"a": {"b": 1}}])
def test_what_cannot_be_looked_up_is_refused(store: Store, where: Data) -> None:
    with pytest.raises(ValueError, match="where: must map plain names to single values"):
        store.find("c", where=where)


def test_writers_in_many_processes_lose_no_update(store_place: "Place", store: Store) -> None:
    writers = [store_place.start(ADD, "12") for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    for writer in writers:
        writer.communicate()
    found = store.get("counters", "one")
    assert found is not None
    assert found.data == {"n": 48}


def test_writers_in_many_threads_lose_no_update(store: Store) -> None:
    def add(_: int) -> Data:
        return update(store, "counters", "one", lambda data: {"n": data["n"] + 1} if data else {"n": 1})

    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(add, range(30)))
    assert sorted(data["n"] for data in results) == list(range(1, 31))


def test_a_change_may_leave_things_as_they_are(store: Store) -> None:
    assert update(store, "c", "k", lambda data: None) == {}
    assert store.get("c", "k") is None
    before = store.create("c", "k", {"n": 1})
    assert update(store, "c", "k", lambda data: None) == {"n": 1}
    assert store.get("c", "k") == before


def test_a_change_is_made_again_when_another_was_faster(opened: Callable[[], Store]) -> None:
    store, other = opened(), opened()
    seen: list[Data | None] = []

    def change(data: Data | None) -> Data:
        seen.append(data)
        if len(seen) < 3:
            update(other, "c", "k", lambda there: {"n": (there or {"n": 0})["n"] + 1})
        return {"n": (data or {"n": 0})["n"] + 10}

    assert update(store, "c", "k", change) == {"n": 12}
    assert seen == [None, {"n": 1}, {"n": 2}]


def test_who_is_never_fast_enough_is_told(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("functions.adapters.store.time.sleep", lambda seconds: None)

    def change(data: Data | None) -> Data:
        update(store, "c", "k", lambda there: {"n": (there or {"n": 0})["n"] + 1})
        return {"n": 0}

    with pytest.raises(ConflictError, match="c/k: somebody else wrote it first, 24 times"):
        update(store, "c", "k", change)


def test_a_closed_store_opens_again(store: SqliteStore | FirestoreStore) -> None:
    store.create("c", "k", {"n": 1})
    store.close()
    found = store.get("c", "k")
    assert found is not None
    assert found.data == {"n": 1}


@pytest.mark.parametrize("count", [0, 1, 250])
def test_many_documents_are_read_at_once_and_those_that_are_missing_are_left_out(store: Store, count: int) -> None:
    keys = [f"model/m{number}:drift" for number in range(count)]
    for key in keys:
        store.create("many", key, {"key": key, "at": NOW})
    store.create("others", "model/gone:drift", {"key": "other"})
    found = store.get_many("many", [*reversed(keys), "model/gone:drift", *keys[:1]])
    assert {key: document.data for key, document in found.items()} == {key: {"key": key, "at": NOW} for key in keys}
    assert all(store.get("many", key) == document for key, document in list(found.items())[:3])


def test_what_is_due_comes_longest_due_first_without_its_fields(store: Store) -> None:
    def hour(hours: float) -> datetime:
        return NOW + timedelta(hours=hours)

    for key, severity, due_at in [
        ("late", "error", hour(-1)),
        ("latest/of all", "error", hour(-30)),
        ("now", "error", NOW),
        ("a moment later", "error", NOW + timedelta(milliseconds=2)),
        ("whole second", "error", NOW.replace(microsecond=0)),
        ("another", "critical", hour(-2)),
        ("never", "error", None),
    ]:
        store.create("queue", key, {"severity": severity, "due_at": due_at, "group": "x" * 1000})
    store.create("queue", "without", {"severity": "error"})
    due = store.due("queue", where={"severity": "error"}, until=NOW)
    assert due == [
        Due("latest/of all", hour(-30)),
        Due("late", hour(-1)),
        Due("whole second", NOW.replace(microsecond=0)),
        Due("now", NOW),
    ]
    assert store.due("queue", where={"severity": "error"}, until=NOW, limit=1) == due[:1]
    assert store.due("queue", where={"severity": "info"}, until=NOW) == []
