"""What came of the trainings that were requested for a model: its run, its version, and what became of that."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from core.errors import AiaError, UnavailableError, UnreadableError
from core.incidents.report import TrainingStep
from core.pipelines.state import PipelineState
from core.retraining.outcome import Answer, RunOutcome, TrainingState, training_steps
from core.retraining.start import run_id
from core.settings import Model
from core.versions import AliasChange
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.ports import Clock, Data, Store, Warehouse
from functions.adapters.registries import aliases
from functions.adapters.training import history
from functions.adapters.training.port import ANSWERS, CLAIMS
from functions.api.cache import Cache
from functions.api.parameters import Range

log = logging.getLogger(__name__)
TRAININGS = (Path(__file__).parent / "trainings.sql").read_text().rstrip()
USUAL = timedelta(days=90)
"""Of the requests that are shown, where nobody says."""
LATELY = Range(None, None, USUAL)
BEFORE = timedelta(days=1)
"""How long before an incident opened its finding may have requested a training."""
_FRESH_SECONDS = 60.0
_PATIENCE = 1.0
"""Seconds that incidents wait for the trainings of a model."""
_SHOWN = ("requested_at", "requested_by", "reason", "note", "version", "experiment", "n_rows")


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcomes:
    """Reads requests, results, runs and aliases.

    Attributes:
        store: has the runs of pipelines.
        warehouse: has the rest.
        models: the monitored models by name.
        known: the same as far as they are known at once.
        clock: now.
    """

    store: Store
    warehouse: Warehouse
    models: Callable[[], Mapping[str, Model]]
    known: Callable[[], Mapping[str, Model]]
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def forget(self) -> None:
        """Ask anew, since what was answered has changed."""
        self._cache.forget()

    def of_model(self, name: str, wanted: Range) -> Data:
        """The trainings that were requested for a model in a range, newest first, each with its steps, oldest first.

        Raises:
            BodyError: the range is longer than is allowed.
            LookupError: there is no such model.
            QueryError: the warehouse refuses.
            UnavailableError: the warehouse or the store does not answer.
        """
        model = self.models().get(name)
        if model is None:
            raise LookupError(f"model: no model is called {name[:80]!r}")
        since, until = wanted.ending(self.clock())
        found = self._all(model, wanted)
        return {"model": name, "since": since, "until": until, "days": (until - since).days, "trainings": found}

    def of_incident(self, incident: Data, runs: Collection[str]) -> list[Data]:
        """The trainings that an incident asked for: by an action, or by the finding of a condition; none while the warehouse does not answer.

        Args:
            incident: as it is stored.
            runs: the pipeline runs that its actions have requested.
        """
        asking = [model for model in self._trained(incident) if runs or self._has_started(model, incident["opened_at"])]
        found = [one for model in asking for one in self._known(model)]
        return [one for one in found if one["run_id"] in runs or _is_asked_by(one, incident)]

    def _trained(self, incident: Data) -> list[Model]:
        """The models that an incident is about, of those that are trained again."""
        return [model for model in self.known().values() if model.retraining and model.target in incident["targets"]]

    def _has_started(self, model: Model, opened_at: datetime) -> bool:
        """Whether a training of a model was started about when an incident opened, or later: only then the warehouse is asked."""

        def read() -> list[datetime]:
            document = self.store.get(CLAIMS, model.name)
            return list(document.data["started"]) if document else []

        return any(at >= opened_at - BEFORE for at in self._cache(("claim", model.name), read, seconds=_FRESH_SECONDS))

    def _known(self, model: Model) -> list[Data]:
        """The trainings of a model; none for a while after the sources did not answer: incidents are shown without them."""

        def read() -> list[Data]:
            try:
                return self._all(model, LATELY)
            except AiaError as error:
                log.warning("incidents without trainings: %s", error)
                return []

        try:
            return self._cache.within(_PATIENCE, ("known", model.name), read, seconds=_FRESH_SECONDS)
        except UnavailableError as error:
            log.warning("incidents without trainings: %s", error)
            return []

    def _all(self, model: Model, wanted: Range) -> list[Data]:
        def read() -> list[Data]:
            since, until = wanted.ending(self.clock())
            rows = self.warehouse.query(TRAININGS, model=model.name, since=since, until=until)
            if not rows:
                return []
            changes = aliases.read(self.warehouse, model.name)
            in_use = history.version_in_use(self.warehouse, model.name, self.clock())
            pipeline, answers = self._pipeline(model), self._answers(model)
            return [_shown(row, pipeline, changes, in_use, answers.get(row["id"])) for row in rows]

        return self._cache(("trainings", model.name, wanted), read, seconds=_FRESH_SECONDS)

    def _answers(self, model: Model) -> dict[str, Answer]:
        """The newest answers to requests that started nothing, by request."""
        document = self.store.get(ANSWERS, model.name)
        found = msgspec.convert(document.data["answers"] if document else [], list[Answer], builtin_types=(datetime,))
        return {one.request: one for one in found}

    def _pipeline(self, model: Model) -> PipelineState | None:
        """What is known of the runs of the pipeline that trains a model."""
        if model.retraining is None or model.retraining.pipeline is None:
            return None
        document = self.store.get(COLLECTION, model.retraining.pipeline.name)
        try:
            return read_pipeline(document.data) if document else None
        except UnreadableError as error:
            log.warning("runs of trainings not known: %s", error)
            return None


def told(training: Data) -> list[TrainingStep]:
    """The steps of a training for a report."""
    return [
        TrainingStep(at=step["at"], outcome=step["outcome"], detail=step["detail"], run_id=training["run_id"])
        for step in training["steps"]
    ]


def _shown(
    row: Data, pipeline: PipelineState | None, changes: Sequence[AliasChange], in_use: str, answer: Answer | None
) -> Data:
    run = pipeline.get(run_id(row["id"])) if pipeline else None
    result = history.result_from(row) if row["outcome"] else None
    steps = training_steps(run, result, in_use, row["model_version"], changes, answer=answer)
    return {name: row[name] for name in _SHOWN} | {
        "request": row["id"],
        "run_id": run_id(row["id"]) if run or result else "",
        "replaces": row["model_version"],
        "outcome": steps[-1].outcome,
        "detail": steps[-1].detail,
        "metrics": msgspec.json.decode(row["metrics"]) if row["metrics"] else {},
        "steps": [asdict(step) | {"at": step.at or _unstarted(step, row)} for step in steps],
    }


def _unstarted(step: TrainingState, row: Data) -> datetime | None:
    """When a training was requested of which nothing else is known."""
    return row["requested_at"] if step.outcome is RunOutcome.REQUESTED else None


def _is_asked_by(training: Data, incident: Data) -> bool:
    """Whether a finding of one of an incident's conditions asked, while it was open or just before."""
    ended: datetime | None = incident["resolved_at"]
    at: datetime = training["requested_at"]
    if at < incident["opened_at"] - BEFORE or (ended is not None and at > ended):
        return False
    by = training["requested_by"] or ""
    return any(by.startswith(f"finding:{condition['key']}:") for condition in incident["conditions"])
