"""The experiment of a model with its looks, and the commands to promote and to roll back, which `promotion` carries out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from werkzeug.exceptions import Conflict

from core.events import Command, Verb
from core.promotion import PromotionState, holders
from core.settings import Model
from functions.adapters.ports import Bus, Clock, Data, Store, Warehouse
from functions.api import versions
from functions.api.body import Fields, read
from functions.api.commands import TOPIC
from functions.api.request import Request
from functions.services.promotions import COLLECTION, read_record

LOOKS = (Path(__file__).parent / "experiment_looks.sql").read_text().rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotions:
    """Reads promotions, and publishes commands about them.

    Attributes:
        store: has the state of each.
        warehouse: has looks and versions.
        models: the monitored models by name.
        bus: opens the bus at its first use.
        clock: now.
    """

    store: Store
    warehouse: Warehouse
    models: Callable[[], dict[str, Model]]
    bus: Callable[[], Bus]
    clock: Clock

    def experiment(self, name: str) -> Data:
        """The newest experiment of a model: its stage, and its looks, oldest first, with the evidence so far.

        Raises:
            LookupError: there is no such model.
        """
        self._model(name)
        record = read_record(self.store.get(COLLECTION, name))
        state = record.state
        rows = list(reversed(self.warehouse.query(LOOKS, model=name)))
        newest = state.experiment if state else (rows[-1]["experiment"] if rows else "")
        looks = _followed([row for row in rows if row["experiment"] == newest])
        return {"model": name, "promotion": _shown(state, record.waits) if state else None, "looks": looks}

    def promote(self, request: Request, name: str) -> str:
        """Promote a version, by default the challenger: the first step, or the next one.

        Returns:
            The id of the command; the same for `roll_back`.

        Raises:
            BodyError: the body is invalid; the same for `roll_back`.
            Conflict: there is no challenger, and no version is given.
            LookupError: there is no such model or version.
            UnavailableError: the bus, the store or the warehouse does not answer; the same for `roll_back`.
        """
        fields = read(request)
        fields.only("by", "note", "version")
        version = fields.version()
        _check(fields)
        self._model(name)
        state = self._state(name)
        if version:
            if version not in {row["version"] for row in versions.read(self.warehouse, name).versions}:
                raise LookupError(f"version: {name} has no version {version[:80]!r}")
        elif state is None or not state.is_open:
            raise Conflict(f"version: must be given, {name} has no challenger")
        return self._publish(fields, Verb.PROMOTE, name, version)

    def roll_back(self, request: Request, name: str) -> str:
        """Give all traffic to the version that was in use before.

        Raises:
            LookupError: there is no such model.
        """
        fields = read(request)
        fields.only("by", "note")
        _check(fields)
        self._model(name)
        return self._publish(fields, Verb.ROLL_BACK, name, "")

    def _model(self, name: str) -> Model:
        model = self.models().get(name)
        if model is None:
            raise LookupError(f"model: no model is called {name[:80]!r}")
        return model

    def _state(self, name: str) -> PromotionState | None:
        return read_record(self.store.get(COLLECTION, name)).state

    def _publish(self, fields: Fields, verb: Verb, model: str, version: str) -> str:
        command = Command(verb=verb, subject=model, by=fields.by(), at=self.clock(), note=fields.reason(), to=version)
        self.bus().publish(TOPIC, command, verb=verb.value)
        return command.id


def _check(fields: Fields) -> None:
    fields.by()
    fields.reason()
    fields.check()


def _shown(state: PromotionState, waits: str) -> Data:
    return {
        "champion": state.champion,
        "challenger": state.challenger,
        "stage": state.stage.value,
        "traffic": [
            {"alias": alias.value, "version": holder.version, "share": holder.share}
            for alias, holder in holders(state).items()
            if holder.version
        ],
        "began_at": state.began_at,
        "changed_at": state.changed_at,
        "by": state.by,
        "why": state.why,
        "waits": waits,
    }


def _followed(rows: Sequence[Data]) -> list[Data]:
    """The looks with the smallest p-values so far: evidence that was there once is not taken back."""
    looks: list[Data] = []
    above = below = 1.0
    for row in rows:
        evidence = json.loads(row["evidence"])
        above, below = min(above, evidence["measure"]["p_above"]), min(below, evidence["measure"]["p_below"])
        shown = {name: value for name, value in row.items() if name != "evidence"}
        looks.append(shown | evidence | {"p_above": above, "p_below": below})
    return looks
