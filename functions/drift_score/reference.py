"""What a model's current window is compared with: the version in use at a tick, and the profile of its reference window."""

import base64
import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from core.drift import Profile
from core.errors import ConflictError, QueryError
from core.events import stamp
from core.settings import Model
from functions.adapters.columns import Columns, read_columns
from functions.adapters.logs import fields
from functions.adapters.ports import Store, Warehouse
from functions.drift_score import statements

COLLECTION = "profiles"
MOST_ROWS = 100_000
"""Of more rows in a window, a sample of this size that is always the same is compared."""
LARGEST = 900_000
"""Characters of a profile as the store keeps it; a document of Firestore may have 1 MiB."""
_SAMPLES = (50_000, 20_000, 5_000, 1_000, 0)
_MOST_KEPT = 32
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Which version is in use, and between which instants its reference window lies."""

    version: str
    start: datetime
    end: datetime


def reference_at(warehouse: Warehouse, model: Model, at: datetime) -> Reference:
    """The reference of a model at an instant.

    Raises:
        QueryError: there is no version in use by then, and the settings pin no reference.
    """
    rows = warehouse.query(statements.VERSION, model=model.name, at=at)
    days = timedelta(days=model.reference.days)
    version = rows[0]["version"] if rows else ""
    if until := model.reference.until:
        end = datetime.combine(until, time(), UTC)
        return Reference(version=version, start=end - days, end=end)
    if not rows:
        raise QueryError(f"ops.model_versions: must hold a version of {model.name!r} in use at {stamp(at)}, got none")
    end = rows[0]["reference_end"]
    return Reference(version=version, start=max(rows[0]["reference_start"], end - days), end=end)


class Profiles:
    """The profiles of reference windows, each fitted once: kept by this process and by the store.

    Args:
        store: keeps them for every process.
        warehouse: holds the rows that they are fitted to.
    """

    def __init__(self, store: Store, warehouse: Warehouse) -> None:
        self._store = store
        self._warehouse = warehouse
        self._kept: dict[str, Profile] = {}

    def get(self, model: Model, reference: Reference) -> Profile:
        """The profile of a model's reference window.

        A window of fewer rows than the settings ask for is fitted anew each time: its rows may still be on their way.
        """
        key = profile_key(model, reference)
        if key in self._kept:
            return self._kept[key]
        profile = self._load(key) or self._fit(key, model, reference)
        if profile.rows >= model.minimum_rows:
            self._keep(key, profile)
        return profile

    def _load(self, key: str) -> Profile | None:
        found = self._store.get(COLLECTION, key)
        return Profile.from_bytes(base64.b64decode(found.data["profile"])) if found else None

    def _fit(self, key: str, model: Model, reference: Reference) -> Profile:
        columns = read_window(self._warehouse, model, reference.start, reference.end)
        profile, data = fit(columns, model.features.categorical)
        if profile.rows >= model.minimum_rows:
            self._save(key, model, reference, data)
        return profile

    def _save(self, key: str, model: Model, reference: Reference, data: bytes) -> None:
        text = base64.b64encode(data).decode()
        if len(text) > LARGEST:
            log.warning("too large to keep: the profile of %s", model.name, extra=fields(key=key, characters=len(text)))
            return
        document = {
            "model": model.name,
            "version": reference.version,
            "reference_start": reference.start,
            "reference_end": reference.end,
            "profile": text,
        }
        try:
            self._store.create(COLLECTION, key, document)
        except ConflictError:
            log.info("another process fitted the same rows: %s", key)

    def _keep(self, key: str, profile: Profile) -> None:
        while len(self._kept) >= _MOST_KEPT:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = profile


def read_window(warehouse: Warehouse, model: Model, start: datetime, end: datetime) -> Columns:
    """The features of the model's predictions from `start` to just before `end`, each prediction once."""
    kinds = dict.fromkeys(model.features.numeric, float) | dict.fromkeys(model.features.categorical, str)
    parameters = {"model": model.name, "window_start": start, "window_end": end, "most": MOST_ROWS}
    return read_columns(warehouse, statements.window(model), kinds, **parameters)


def fit(columns: Columns, categorical: tuple[str, ...]) -> tuple[Profile, bytes]:
    """A profile that the store can hold, and its bytes: the sample is thinned until they are few enough.

    Every process compares with what the store would give it, so that a window's scores do not depend on who scores it.
    """
    for keep in _SAMPLES:
        profile = Profile.fit(columns, categorical=categorical, keep=keep)
        data = profile.to_bytes()
        if len(data) * 4 // 3 + 4 <= LARGEST:
            break
    return profile, data


def profile_key(model: Model, reference: Reference) -> str:
    """Names a profile: another version, window, table or list of features is another profile."""
    parts = (model.table, model.timestamp, model.id, model.features.numeric, model.features.categorical)
    text = repr((parts, stamp(reference.start), stamp(reference.end)))
    return f"{model.name}:{reference.version}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"
