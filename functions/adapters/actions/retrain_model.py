"""Request a retraining of a model, on the newest data whose labels have arrived.

The request goes to the topic `retraining`, where those of drift_score's policy go too. It has worked when a version came out of
the training: the run is followed by its id, as `pipeline_monitor` knows it, and its result, as the pipeline noted it. Whether
the version takes the place of the one in use is decided elsewhere.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

from core.actions.plan import ActionReason, Health, Plan, Step, Verification
from core.errors import ActionError, QueryError
from core.events import ActionRequest, RetrainingRequest
from core.pipelines.run import Run
from core.retraining import Span, missing_labels, training_span
from core.retraining.outcome import RunOutcome, training_state
from core.retraining.start import training
from core.settings import Label, Model, Retraining, TrainingPipeline
from core.text import interval
from functions.adapters import events
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.ports import Bus, Clock, Store, Warehouse
from functions.adapters.registries import aliases
from functions.adapters.training import history

TOPIC = "retraining"
REASON = "incident"
"""The reason, besides those of the policy."""
_HEALTH: Mapping[str, Health] = {
    RunOutcome.REQUESTED: Health.PENDING,
    RunOutcome.STARTED: Health.PENDING,
    RunOutcome.TRAINED: Health.GOOD,
    RunOutcome.PROMOTED: Health.GOOD,
    RunOutcome.NOT_BETTER: Health.BAD,
    RunOutcome.REJECTED: Health.BAD,
    RunOutcome.ROLLED_BACK: Health.BAD,
    RunOutcome.FAILED: Health.BAD,
}
_NOT_BETTER = frozenset({RunOutcome.NOT_BETTER, RunOutcome.REJECTED, RunOutcome.ROLLED_BACK})
"""The outcomes of a training that went well, and after which the former version serves."""


def _now() -> datetime:
    return datetime.now(UTC)


class RetrainModel:
    """The action `retrain_model`; see the port.

    Args:
        models: by name, as they are now; it acts on their targets, `model/NAME`.
        warehouse: which has their predictions, labels and versions.
        bus: which takes the request.
        store: which has what is known of pipelines.
        clock: now, in UTC.
    """

    def __init__(
        self,
        models: Callable[[], Mapping[str, Model]],
        warehouse: Warehouse,
        bus: Bus,
        store: Store,
        *,
        clock: Clock = _now,
    ) -> None:
        self._models = models
        self._warehouse = warehouse
        self._bus = bus
        self._store = store
        self._clock = clock

    def plan(self, request: ActionRequest) -> Plan:
        """The request that would be published; `ActionError` where nothing trains it, or there is too little to train on."""
        model, label, policy, pipeline = self._model(request.target)
        span = training_span(policy, label, request.requested_at)
        with _asking(request.target):
            version = history.version_in_use(self._warehouse, model.name, request.requested_at)
            n_labels = history.count_labels(self._warehouse, model, label, span, request.requested_at)
        if not version:
            raise ActionError(f"{request.target}: must have a version in ops.model_versions, has none")
        if missing := missing_labels(policy, span, n_labels):
            raise ActionError(f"{request.target}: {missing}")
        asked = _request(model, version, span, n_labels, request)
        return _plan(request.target, asked, span, pipeline)

    def apply(self, plan: Plan, key: str) -> str:
        """Publish it; a repetition is the same event with the same id, which the receiver recognises."""
        request = events.decode(plan.state["request"].encode(), RetrainingRequest)
        with _asking(plan.state["target"]):
            version = history.version_in_use(self._warehouse, request.model, max(self._clock(), request.requested_at))
        if version != request.model_version:
            raise ActionError(
                f"{plan.state['target']}: version {request.model_version} must be in use as planned, is {version or 'none'}"
            )
        self._bus.publish(TOPIC, request, key=key)
        return f"requested as {request.id}"

    def verify(self, plan: Plan) -> Verification:
        """Good when a version was registered; bad when none will be, or it was rejected or rolled back: see `RunOutcome`."""
        request = events.decode(plan.state["request"].encode(), RetrainingRequest)
        run_id = plan.state["run_id"]
        with _asking(plan.state["target"]):
            result = history.result_of_run(self._warehouse, run_id)
            in_use = history.version_in_use(self._warehouse, request.model, max(self._clock(), request.requested_at))
            changes = aliases.read(self._warehouse, request.model) if result and result.version else ()
        run = self._run(plan.state["pipeline"], run_id)
        state = training_state(run, result, in_use, request.model_version, changes)
        bad = ActionReason.NOT_BETTER if state.outcome in _NOT_BETTER else ActionReason.UNHEALTHY
        return Verification(health=_HEALTH[state.outcome], detail=f"{state.outcome}: {state.detail}", bad=bad)

    def undo(self, plan: Plan) -> str:
        """Never: a request that is published cannot be taken back."""
        raise ActionError(f"{plan.state['target']}: a requested training cannot be undone")

    def _run(self, pipeline: str, run_id: str) -> Run | None:
        """The run, as it was reported, or None."""
        document = self._store.get(COLLECTION, pipeline)
        return read_pipeline(document.data).get(run_id) if document else None

    def _model(self, target: str) -> tuple[Model, Label, Retraining, TrainingPipeline]:
        by_target = {model.target: model for model in self._models().values()}
        model = by_target.get(target)
        if model is None:
            raise ActionError(f"{target}: must be model/NAME of a monitored model, is {sorted(by_target)}")
        if model.label is None:
            raise ActionError(f"models.{model.name}.label: must be given for retrain_model, got None")
        if model.retraining is None or model.retraining.pipeline is None:
            raise ActionError(f"models.{model.name}.retraining.pipeline: must be given for retrain_model: no pipeline")
        return model, model.label, model.retraining, model.retraining.pipeline


def _request(model: Model, version: str, span: Span, n_labels: int, action: ActionRequest) -> RetrainingRequest:
    return RetrainingRequest(
        model=model.name,
        model_version=version,
        requested_at=action.requested_at,
        reason=REASON,
        window_start=span.start,
        window_end=span.end,
        n_labels=n_labels,
        floor=model.accuracy_floor,
        requested_by=f"finding:{action.finding_id}" if action.finding_id else "",
    )


def _plan(target: str, request: RetrainingRequest, span: Span, pipeline: TrainingPipeline) -> Plan:
    after = f"a new version, trained on {request.n_labels:,} labels from {_span_text(span)}"
    return Plan(
        summary=f"{target}: replaces version {request.model_version} by {after}",
        steps=(Step(what=f"version of {target}", before=request.model_version, after=after),),
        touched=1,
        resource=f"//aia/{target}",
        state={
            "target": target,
            "request": events.encode(request).decode(),
            "pipeline": pipeline.name,
            "run_id": training(request, pipeline).job_id,
        },
    )


@contextmanager
def _asking(target: str) -> Iterator[None]:
    """A statement that the warehouse refuses is not retried."""
    try:
        yield
    except QueryError as error:
        raise ActionError(f"{target}: {error}") from error


def _span_text(span: Span) -> str:
    return interval(span.start, span.end)
