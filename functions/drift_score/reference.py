"""What a model's current window is compared with: the version in use at a tick, and what was learnt of its reference."""

import hashlib
import logging
import threading
from datetime import UTC, datetime, time, timedelta

from core.drift.storage import VERSION
from core.errors import ConflictError, QueryError
from core.events import stamp
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Data, Store
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
        QueryError: there is no version in use, and the settings pin no reference.
    """
    days = timedelta(days=model.reference.days)
    name = version["version"] if version else ""
    if until := model.reference.until:
        end = datetime.combine(until, time(), UTC)
        return Window(model=model, version=name, start=end - days, end=end)
    if not version:
        raise QueryError(f"ops.model_versions: must hold a version of {model.name!r} in use at {stamp(at)}, got none")
    end = version["reference_end"]
    return Window(model=model, version=name, start=max(version["reference_start"], end - days), end=end)


class Profiles:
    """What was learnt of reference windows, each once: kept by this process and by the store.

    Args:
        store: keeps it for every process.
        predictions: the rows that it is learnt from.
    """

    def __init__(self, store: Store, predictions: Predictions) -> None:
        self._store = store
        self._predictions = predictions
        self._kept: dict[str, Baseline] = {}
        self._lock = threading.Lock()  # guards what is kept: models are scored side by side

    def get(self, reference: Window) -> Baseline:
        """What there is to know of a reference window.

        Of a window of fewer rows than the settings ask for it is learnt anew each time: rows may still be on their way.
        """
        key = profile_key(reference)
        if kept := self._kept.get(key):
            return kept
        baseline = self._load(key, reference.model) or self._learn(key, reference)
        if baseline.profile.rows >= reference.model.minimum_rows:
            self._keep(key, baseline)
        return baseline

    def _load(self, key: str, model: Model) -> Baseline | None:
        found = self._store.get(COLLECTION, key)
        return Baseline.from_data(model, found.data) if found else None

    def _learn(self, key: str, reference: Window) -> Baseline:
        model = reference.model
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

    def _keep(self, key: str, baseline: Baseline) -> None:
        with self._lock:
            while len(self._kept) >= _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = baseline


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
