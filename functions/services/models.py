"""The models that are monitored: those of the settings, and those of the table `ops.models`.

A model of the table needs no deployment: `aia models apply` or the API writes it, and the next tick scores it. The table only grows,
so it is its own audit trail. A name is in one of the two places; where a later deployment brings a name of the table into
the settings, the settings hold.
"""

import hashlib
import logging
import threading
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import msgspec

from core.errors import ConflictError, Fault, SettingsError
from core.events import stamp
from core.settings import Model, parse_model
from functions.adapters.logs import fields
from functions.adapters.ports import Clock, Data, Warehouse

SETTINGS, TABLE = "infra/monitoring.yaml", "ops.models"
"""Where the settings of a model may be."""
KEPT = timedelta(seconds=30)
"""How long an instance keeps what the table said."""
_INSTANT = timedelta(microseconds=1)
LARGEST = 1_000_000
"""Characters of the settings of a model."""
_NEWEST = Path(__file__).with_suffix(".sql").read_text()
log = logging.getLogger(__name__)


class Change(StrEnum):
    """What a change did to a model."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The newest change of a model of the table.

    Attributes:
        name: of the model.
        settings: as JSON; None where the model was removed.
        changed_at: when it was changed.
        changed_by: who changed it.
        model: the settings as they are read; None where the model was removed, or its settings are not valid.
        issue: why its settings are not valid, or that a model of monitoring.yaml has the same name; empty where all is well.
    """

    name: str
    settings: str | None
    changed_at: datetime
    changed_by: str
    model: Model | None
    issue: str = ""


@dataclass(slots=True)
class Models:
    """The models of a deployment.

    Attributes:
        given: those of the settings.
        warehouse: has the table.
        clock: now.
    """

    given: Collection[Model]
    warehouse: Warehouse
    clock: Clock
    _entries: dict[str, Entry] = field(default_factory=dict)
    _read_at: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def all(self, wanted: Iterable[str] = ()) -> dict[str, Model]:
        """Every model by name.

        Args:
            wanted: names that somebody else has just seen: where one is not known, the table is read again.

        Raises:
            UnavailableError: the warehouse does not answer.
        """
        own = {model.name: model for model in self.given}
        missing = [name for name in wanted if name not in own]
        entries = self._current(missing)
        return own | {name: one.model for name, one in entries.items() if one.model and not one.issue}

    def entries(self, *, fresh: bool = False) -> Mapping[str, Entry]:
        """The models of the table, removed ones too; `fresh` where they must be read now."""
        return self._refreshed() if fresh else self._current(())

    def put(self, settings: Data, by: str) -> Change:
        """Create or change a model of the table.

        Args:
            settings: as in `models` of the settings.
            by: who changes it.

        Raises:
            SettingsError: with every fault of the settings.
            ConflictError: a model of monitoring.yaml has the name.
            UnavailableError: the warehouse does not answer.
        """
        model = parse_model(settings)
        self._refuse_given(model.name)
        text = msgspec.json.encode(settings, order="deterministic").decode()
        if len(text) > LARGEST:
            raise SettingsError((Fault("settings", f"must be at most {LARGEST} characters", len(text)),))
        before = self._refreshed().get(model.name)
        if before and before.settings == text:
            return Change.UNCHANGED
        self._append(model.name, text, by, before)
        return Change.CHANGED if before and before.settings is not None else Change.CREATED

    def remove(self, name: str, by: str) -> Change:
        """Remove a model of the table.

        Raises:
            LookupError: the table has no such model.
            ConflictError: a model of monitoring.yaml has the name.
            UnavailableError: the warehouse does not answer.
        """
        self._refuse_given(name)
        before = self._refreshed().get(name)
        if before is None or before.settings is None:
            raise LookupError(f"model: no model of {TABLE} is called {name[:80]!r}")
        self._append(name, None, by, before)
        return Change.REMOVED

    def _refuse_given(self, name: str) -> None:
        if name in {model.name for model in self.given}:
            raise ConflictError(f"model: must not be a name that {SETTINGS} has, got {name!r}")

    def _append(self, name: str, settings: str | None, by: str, before: Entry | None) -> None:
        # Later than the change before, whatever the clock says: the newest row holds.
        now = max(self.clock(), before.changed_at + _INSTANT) if before else self.clock()
        digest = hashlib.sha256(f"{settings}\0{by}".encode()).hexdigest()[:16]
        row = {"id": f"{name}:{stamp(now)}:{digest}", "model": name, "settings": settings}
        self.warehouse.append(TABLE, [row | {"changed_at": now, "changed_by": by}])
        self._read_at = None

    def _current(self, wanted: Collection[str]) -> Mapping[str, Entry]:
        read_at = self._read_at
        if read_at is None or not timedelta(0) <= self.clock() - read_at < KEPT:
            return self._refreshed()
        if any(name not in self._entries for name in wanted):
            return self._refreshed()
        return self._entries

    def _refreshed(self) -> Mapping[str, Entry]:
        with self._lock:
            now = self.clock()
            names = {model.name for model in self.given}
            self._entries = {row["model"]: _entry(row, names) for row in self.warehouse.query(_NEWEST)}
            self._read_at = now
        return self._entries


def _entry(row: Data, given: Collection[str]) -> Entry:
    name, text = row["model"], row["settings"]
    model, issue = None, ""
    if text is not None:
        try:
            model = parse_model(msgspec.json.decode(text))
        except (SettingsError, msgspec.DecodeError) as error:
            issue = str(error)
        if name in given:
            issue = f"{SETTINGS} has a model of this name, whose settings hold; remove it from {TABLE}"
        if issue:
            log.error("model of %s passed over: %s: %s", TABLE, name, issue, extra=fields(model=name))
    return Entry(
        name=name,
        settings=text,
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
        model=model,
        issue=issue,
    )
