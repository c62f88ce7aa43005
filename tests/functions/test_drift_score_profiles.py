"""Profiles of a shard: read by one request, each decoded when its model is scored."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.errors import QueryError
from core.settings import Model
from functions.adapters.ports import Data, Document
from functions.adapters.sqlite_store import SqliteStore
from functions.drift_score import reference
from functions.drift_score.baseline import learn
from functions.drift_score.bigquery import BigQueryPredictions
from functions.drift_score.reference import COLLECTION, Profiles, profile_key, references_of
from functions.drift_score.statements import SECOND
from functions.drift_score.window import Window
from tests.support.builders.drift import MODEL
from tests.support.fakes.stores import WrappedStore

START = datetime(2026, 1, 1, tzinfo=UTC)
SPAN = timedelta(days=10)


@dataclass
class CountingStore(WrappedStore):
    """Notes what is read of it."""

    read: list[tuple[str, ...]] = field(default_factory=list)

    def get(self, collection: str, key: str) -> Document | None:
        self.read.append((key,))
        return super().get(collection, key)

    def get_many(self, collection: str, keys: Sequence[str]) -> dict[str, Document]:
        self.read.append(tuple(keys))
        return super().get_many(collection, keys)


class Refusing:
    """A warehouse that is not to be asked."""

    def query(self, sql: str, **_: object) -> list[Data]:
        raise QueryError(f"refused: {sql[:40]}")

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise QueryError(f"refused: {table}")


def window(model: Model) -> Window:
    return Window(model=model, version="1", start=START, end=START + SPAN)


def stored(store: CountingStore, names: Sequence[str]) -> list[Window]:
    """The references of some models, whose profiles are stored."""
    rng = np.random.default_rng(1)
    columns = {name: rng.standard_normal(300) for name in ("temperature", "distance")}
    columns |= {MODEL.score: rng.random(300), SECOND: START.timestamp() + np.linspace(0, 800_000, 300)}
    carriers = {"carrier": rng.choice(["A", "B"], 300)}
    references = [window(replace(MODEL, name=name, label=None)) for name in names]
    data = learn(references[0], columns | carriers, 300).to_data()
    for one in references:
        store.create(COLLECTION, profile_key(one), data)
    return references


def opened(store: CountingStore) -> Profiles:
    return Profiles(store, BigQueryPredictions(Refusing()))


@pytest.fixture
def store() -> CountingStore:
    return CountingStore(SqliteStore(":memory:"))


def test_more_profiles_than_a_process_keeps_are_read_by_one_request(
    store: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "_MOST_KEPT", 3)
    references = stored(store, [f"m{number}" for number in range(8)])
    profiles = opened(store).fetched(references)
    assert all(map(profiles.has, references))
    assert [profiles.get(one).profile.rows for one in references] == [300] * 8
    assert store.read == [tuple(map(profile_key, references))]


def test_a_profile_that_the_process_keeps_is_not_read_again(store: CountingStore) -> None:
    references = stored(store, ["a", "b"])
    profiles = opened(store)
    profiles.fetched(references[:1]).get(references[0])
    again = profiles.fetched(references)
    assert [again.get(one).profile.rows for one in references] == [300, 300]
    assert store.read == [(profile_key(references[0]),), (profile_key(references[1]),)]
    profiles.fetched(references)
    assert len(store.read) == 2, "nothing was asked for where all is kept"


def test_a_profile_that_is_not_stored_is_not_there(store: CountingStore) -> None:
    [known] = stored(store, ["a"])
    unknown = window(replace(MODEL, name="unknown", label=None))
    profiles = opened(store).fetched([known, unknown])
    assert (profiles.has(known), profiles.has(unknown)) == (True, False)
    with pytest.raises(QueryError, match="refused"):
        profiles.get(unknown)


@pytest.mark.parametrize("damage", [{"profile": "no profile"}, {"profile": None}, {"attributions": 3}, {"rows": "x"}])
def test_a_document_that_cannot_be_decoded_is_said_once_and_learnt_anew(
    store: CountingStore, caplog: pytest.LogCaptureFixture, damage: Data
) -> None:
    good, bad = stored(store, ["good", "bad"])
    document = store.get(COLLECTION, profile_key(bad))
    assert document is not None
    store.replace(document, COLLECTION, document.data | damage)
    profiles = opened(store).fetched([good, bad])
    assert profiles.get(good).profile.rows == 300
    for _ in range(2):
        with pytest.raises(QueryError, match="refused"):  # it is learnt from rows
            profiles.get(bad)
    assert [record.message.partition(":")[0] for record in caplog.records if record.levelname == "WARNING"] == [
        "stored profile of bad cannot be read, and is learnt anew"
    ]
    assert store.get(COLLECTION, profile_key(bad)) is None


def test_a_model_without_a_version_has_no_reference_and_the_others_have_theirs() -> None:
    versions = {"known": {"version": "1", "reference_start": START, "reference_end": START + SPAN}}
    found = references_of(versions, [replace(MODEL, name="new"), replace(MODEL, name="known")], START + 2 * SPAN)
    assert [(one.model.name, one.version) for one in found] == [("known", "1")]
