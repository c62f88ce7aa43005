"""Versions that somebody else registered in MLflow become rows of `ops.model_versions`.

They come by a poll with each tick, and sooner by MLflow's webhook; both ask MLflow what the version is. A version is taken once
for each of its changes. One that is not understood is parked, and asked for again: a tag that was missing may be added. Of a version
that we registered ourselves, whoever did writes the row.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from core.errors import ActionError, RefusedError, UnavailableError
from core.events import RegistryChange
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Data, Store, Warehouse
from functions.adapters.registries.mlflow import MlflowModels, is_own, updated_ms
from functions.adapters.registries.mlflow_api import Json
from functions.adapters.registries.register import write
from functions.adapters.store import update
from functions.runtime.push import Park

COLLECTION = "registries"
OVERLAP_MS = 60_000
"""Milliseconds before the newest change that are read again: MLflow may commit two changes in another order than it dated them."""
MOST_PARKED = 20
"""Parked versions that are asked for again with each poll: MLflow does not date the setting of a tag."""
MOST_RECENT = 2_000
"""Versions of that overlap that are remembered; others are written again, which changes nothing."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredVersions:
    """Takes versions from MLflow.

    Attributes:
        registry: which has them.
        store: remembers how far it was read.
        warehouse: which has the table.
        park: takes those that are not understood.
        models: that are monitored; versions of others are passed over.
    """

    registry: MlflowModels
    store: Store
    warehouse: Warehouse
    park: Park
    models: Callable[[], Mapping[str, Model]]

    def poll(self) -> None:
        """Take the versions that have changed since the last poll; one that fails is taken by the next.

        Raises:
            UnavailableError: the store does not answer.
        """
        seen = self._seen()
        try:
            self._take_new(seen, self._changed(seen))
        except (ActionError, UnavailableError) as error:
            # Pipelines were looked at all the same: an outage of MLflow is none of this job.
            level = logging.WARNING if isinstance(error, UnavailableError) else logging.ERROR
            log.log(level, "versions not taken from MLflow: %s", error, extra=fields(registry=self.registry.name))

    def take(self, change: RegistryChange) -> None:
        """Take a version that a webhook names.

        Raises:
            RefusedError: MLflow refuses to say what it is.
            UnavailableError: MLflow, the store or the warehouse does not answer.
        """
        if change.registry != self.registry.name:
            raise RefusedError(f"registry: must be {self.registry.name!r}, got {change.registry[:80]!r}")
        try:
            row = self.registry.find(change.model, change.number)
            self._take_new(self._seen(), [row] if row else [])
        except ActionError as error:
            raise RefusedError(str(error)) from error

    def _seen(self) -> "_Seen":
        document = self.store.get(COLLECTION, self.registry.name)
        return _Seen.of(document.data if document else None)

    def _changed(self, seen: "_Seen") -> list[Json]:
        """The versions that may have changed, oldest first: those that MLflow dates so, and those that were parked."""
        changed = [*self.registry.changed_since(seen.newest - OVERLAP_MS)][::-1]
        again = seen.parked - {_key(row) for row in changed}
        parked = (self.registry.find(*key.rsplit("/", 1)) for key in sorted(again))
        return [*(row for row in parked if row), *changed]

    def _take_new(self, seen: "_Seen", rows: list[Json]) -> None:
        new = [row for row in rows if not seen.has(row)]
        understood = {_key(row): self._take(row) for row in new}
        if new:
            remember = partial(_remembering, new, {key for key, is_version in understood.items() if not is_version})
            update(self.store, COLLECTION, self.registry.name, remember)

    def _take(self, row: Json) -> bool:
        """Write the row of a version; false where it is not understood, and parked."""
        model = str(row.get("name"))
        if model not in self.models() or is_own(row):
            return True
        entry = self.registry.entry(row)
        details = fields(model=model, version=entry.number, registry=self.registry.name)
        if entry.version is None:
            self.park(json.dumps(row).encode(), entry.fault, None)
            log.warning("parked: %s", entry.fault, extra=details)
            return False
        write(replace(entry.version, registry=self.registry.name, registry_uri=entry.uri), self.warehouse)
        log.info("registered: %s", entry.uri, extra=details)
        return True


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of MLflow.

    Attributes:
        newest: the newest change, in milliseconds since 1970 by MLflow's clock.
        taken: of the versions that changed shortly before it, and of the parked ones, by model and number: when it changed (`at`), a
            hash of it (`digest`), and whether it is `parked`.
    """

    newest: int
    taken: Mapping[str, Data]

    @classmethod
    def of(cls, data: Data | None) -> "_Seen":
        """As it is stored."""
        return cls(int(data["newest"]), data["taken"]) if data else cls(0, {})

    @property
    def parked(self) -> set[str]:
        """The versions that are asked for again."""
        return {key for key, one in self.taken.items() if one["parked"]}

    def has(self, row: Json) -> bool:
        """Whether a version was taken as it is."""
        return self.taken.get(_key(row), {}).get("digest") == _digest(row)


def _remembering(rows: list[Json], parked: set[str], data: Data | None) -> Data:
    """What is stored after some versions were taken, and some of these parked."""
    seen = _Seen.of(data)
    now: dict[str, Data] = {
        _key(row): {"at": updated_ms(row), "digest": _digest(row), "parked": _key(row) in parked} for row in rows
    }
    newest = max(seen.newest, *map(updated_ms, rows))
    by_age = sorted({**seen.taken, **now}.items(), key=lambda one: one[1]["at"])
    waiting = [(key, one) for key, one in by_age if one["parked"]][-MOST_PARKED:]
    recent = [(key, one) for key, one in by_age if not one["parked"] and one["at"] >= newest - OVERLAP_MS][
        -MOST_RECENT:
    ]
    return {"newest": newest, "taken": dict([*waiting, *recent])}


def _key(row: Json) -> str:
    return f"{row.get('name')}/{row.get('version')}"


def _digest(row: Json) -> str:
    return hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:32]
