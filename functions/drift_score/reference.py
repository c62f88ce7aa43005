"""What a model's current window is compared with: the version in use at a tick, and what was learnt of its reference."""

import contextlib
import hashlib
import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Self

from core.drift.storage import VERSION
from core.errors import AiaError, ConflictError, QueryError
from core.events import stamp
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Data, Document, Store
from functions.drift_score.baseline import LARGEST, Baseline, learn
from functions.drift_score.ports import Predictions
from functions.drift_score.rows import beside
from functions.drift_score.window import Window, watched

COLLECTION = "profiles"
_PERFORMANCE = 2
"""Of the form in which the performance of a reference is stored."""
MOST_ROWS = 100_000
"""Of more rows in a reference window, a sample of this size that is always the same is learnt from."""
_REST = 100_000
"""Characters of a document that are left beside the profile."""
_MOST_KEPT = 32
log = logging.getLogger(__name__)


def reference_of(model: Model, version: Data | None, at: datetime) -> Window:
    """The reference window of a model at an instant.

    Args:
        model: whose settings may pin it.
        version: the version in use, with what it was trained on.
        at: the instant.

    Raises:
        QueryError: there is no version in use, or it is not registered, and the settings pin no reference.
    """
    days = timedelta(days=model.reference.days)
    name = version["version"] if version else ""
    if until := model.reference.until:
        end = datetime.combine(until, time(), UTC)
        return Window(model=model, version=name, start=end - days, end=end)
    if not version:
        raise QueryError(f"ops.model_versions: must hold a version of {model.name!r} in use at {stamp(at)}, got none")
    if version["reference_end"] is None:
        raise QueryError(f"ops.model_versions: must hold version {name!r} of {model.name!r}, the champion, holds none")
    end = version["reference_end"]
    return Window(model=model, version=name, start=max(version["reference_start"], end - days), end=end)


def references_of(versions: Mapping[str, Data], models: Iterable[Model], at: datetime) -> list[Window]:
    """The reference windows at an instant of those models of which one is known by their versions in use."""
    found = []
    for model in models:
        with contextlib.suppress(QueryError):  # the model's own attempt looks its version up
            found.append(reference_of(model, versions.get(model.name), at))
    return found


@dataclass(slots=True)
class _Kept:
    """The profiles that a process keeps, the newest of them.

    Attributes:
        by_key: the profiles.
        prepared: the keys of those that were prepared, or could not be.
        lock: guards them: models are scored side by side.
    """

    by_key: dict[str, Baseline] = field(default_factory=dict)
    prepared: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, key: str, baseline: Baseline) -> None:
        with self.lock:
            while len(self.by_key) >= _MOST_KEPT:
                self.by_key.pop(next(iter(self.by_key)))
            self.by_key[key] = baseline


class Profiles:
    """What was learnt of reference windows, each once: kept by this process and by the store.

    Args:
        store: keeps it for every process.
        predictions: the rows that it is learnt from.
        kept: by this process.
        documents: of the store, by their keys, as they were read at once.
    """

    def __init__(
        self,
        store: Store,
        predictions: Predictions,
        *,
        kept: _Kept | None = None,
        documents: Mapping[str, Document] | None = None,
    ) -> None:
        self._store = store
        self._predictions = predictions
        self._kept = kept or _Kept()
        self._documents = dict(documents or {})

    def fetched(self, references: Sequence[Window]) -> Self:
        """The same profiles, where those of some reference windows have been read by one request.

        They are kept as they are stored, a fifth of their size in use, until each is asked for, which is once.

        Raises:
            UnavailableError: the store does not answer.
        """
        wanted = [key for key in map(profile_key, references) if key not in self._kept.by_key]
        found = self._store.get_many(COLLECTION, wanted) if wanted else {}
        return type(self)(self._store, self._predictions, kept=self._kept, documents=found)

    def has(self, reference: Window) -> bool:
        """Whether the profile of a reference window is there, without the store being asked."""
        key = profile_key(reference)
        return key in self._documents or key in self._kept.by_key

    def get(self, reference: Window) -> Baseline:
        """What there is to know of a reference window.

        Of a window of fewer rows than the settings ask for it is learnt anew each time: rows may still be on their way.
        """
        key = profile_key(reference)
        if kept := self._kept.by_key.get(key):
            return kept
        baseline = self._load(key, reference.model) or self._learn(key, reference)
        if baseline.profile.rows >= reference.model.minimum_rows:
            self._kept.add(key, baseline)
        return baseline

    def prepare(self, reference: Window) -> None:
        """See to it that the profile of a reference window is stored, once in this process however it ends.

        Raises:
            QueryError: the warehouse refuses; as for `get`, the rows may be none that can be learnt from (`ProfileError`).
            UnavailableError: the store or the warehouse does not answer.
        """
        key = profile_key(reference)
        if key not in self._kept.prepared:
            self._kept.prepared.add(key)
            self.get(reference)

    def _load(self, key: str, model: Model) -> Baseline | None:
        """What is stored; what cannot be read is said once, and gives place to what is learnt then."""
        found = self._documents.pop(key, None) or self._store.get(COLLECTION, key)
        if found is None:
            return None
        try:
            return Baseline.from_data(model, found.data)
        except (AiaError, AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("stored profile of %s cannot be read, and is learnt anew: %s", model.name, error)
        with contextlib.suppress(ConflictError):  # another process did the same
            self._store.delete(found, COLLECTION)
        return None

    def _learn(self, key: str, reference: Window) -> Baseline:
        model = reference.model
        said = fields(model=model.name, version=reference.version, key=key)
        log.info(
            "profile of %s is learnt: none is stored for this version, window and settings", model.name, extra=said
        )
        rows = self._predictions.summary(model, reference.start, reference.end).rows
        names = dict.fromkeys((*watched(model), *model.segments, *beside(model)))
        columns = self._predictions.rows(
            model, reference.start, reference.end, most=MOST_ROWS, names=names, seconds=True
        )
        baseline = learn(reference, columns, rows)
        if baseline.profile.rows >= model.minimum_rows:
            self._save(key, reference, baseline.to_data())
        return baseline

    def _save(self, key: str, reference: Window, data: Data) -> None:
        name = reference.model.name
        if (size := len(data["profile"]) + len(data["performance"] or "")) > LARGEST + _REST:
            log.warning("profile of %s is too large to store", name, extra=fields(key=key, characters=size))
            return
        about = {"model": name, "version": reference.version}
        span = {"reference_start": reference.start, "reference_end": reference.end}
        try:
            self._store.create(COLLECTION, key, about | span | data)
        except ConflictError:
            log.info("another process stored the same profile: %s", key)


def profile_key(reference: Window) -> str:
    """Names what was learnt: of another version, window or table, or under other settings, it is something else."""
    model = reference.model
    columns = (model.table, model.timestamp, model.id, model.score, model.features.numeric, model.features.categorical)
    judged = (model.label, model.task.value, model.decision, model.segments, model.window, model.minimum_rows)
    task = (
        model.predicted,
        sorted(model.probabilities.items()),
        model.quantile,
        model.query,
        model.cutoff,
        model.attributions,
        *((model.generation,) if model.generation else ()),
    )
    span = (model.drift.seasonal, stamp(reference.start), stamp(reference.end))
    text = repr((VERSION, _PERFORMANCE, columns, judged, task, *span))
    return f"{model.name}:{reference.version}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
