"""What is done with a request to train a model again: decide, create the training, tell of it.

One document a model, its claim, says which request was let pass last. The job's id follows from the request, so that a
crash at any point is repaired when the request comes again:

    before the claim is saved   nothing happened
    before the job is created   the claim is the request's own, and it goes on; others wait for a moment
    before its run is told      the job is found, and told of under the same id
    before the claim says so    the same; whoever receives it knows it already
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

from core.errors import ActionError, BusyError, QuotaError
from core.events import RetrainingRequest
from core.retraining.start import Claim, Decision, Outcome, Seen, Training, decide, pipeline_of, run_of, training
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Clock, Document, Metrics, Store, Warehouse
from functions.adapters.training import history
from functions.adapters.training.port import Trainings
from functions.retrain.conditions import refused, started
from functions.services.detection import Tracker

NAME = "retrain"
COLLECTION = "trainings"
TOPIC = "pipeline-runs"
UNKNOWN = "unknown"
"""What metrics call models that the settings do not have: anybody may ask for any."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """What the function needs.

    Attributes:
        store: keeps claims and conditions.
        bus: takes runs and findings.
        warehouse: knows which version is in use.
        metrics: counts.
        clock: now, for claims.
        trainings: what starts them, made when it is first needed.
        models: by name, as they are now.
    """

    store: Store
    bus: Bus
    warehouse: Warehouse
    metrics: Metrics
    clock: Clock
    trainings: Callable[[], Trainings]
    models: Callable[[], Mapping[str, Model]]

    @property
    def tracker(self) -> Tracker:
        """Counts verdicts and publishes what they change."""
        return Tracker(self.store, self.bus)


def handle(trainer: Trainer, request: RetrainingRequest) -> None:
    """Start what is asked for, or say why not; safe to call again with the same request, or an old one.

    Raises:
        BusyError: another request of the model is being started.
        ConflictError: another one was let pass at the same moment.
        UnavailableError: something outside does not answer; where a quota is used up, people are told as well.
    """
    pipeline = pipeline_of(trainer.models().get(request.model))
    decision = pipeline if isinstance(pipeline, Decision) else _answered(trainer, request, training(request, pipeline))
    _note(trainer, request, decision)


def _answered(trainer: Trainer, request: RetrainingRequest, wanted: Training) -> Decision:
    target = trainer.models()[request.model].target
    try:
        return _start(trainer, request, target, wanted)
    except (ActionError, QuotaError) as error:
        trainer.tracker.track(refused(target, str(error), request.requested_at))
        if isinstance(error, QuotaError):
            raise
        return Decision(outcome=Outcome.REFUSED, why=str(error))


def _start(trainer: Trainer, request: RetrainingRequest, target: str, wanted: Training) -> Decision:
    found = trainer.store.get(COLLECTION, request.model)
    decision = decide(request, _seen(trainer, request, found, wanted))
    if decision.outcome is Outcome.BUSY:
        raise BusyError(f"{request.id}: {decision.why}")
    if decision.outcome is not Outcome.STARTED:
        return decision
    claim = Claim(request=request.id, at=trainer.clock())
    saved = _save(trainer.store, found, request.model, claim)
    created_at = trainer.trainings().start(wanted)
    trainer.bus.publish(TOPIC, run_of(wanted, created_at))
    trainer.tracker.track(started(target, created_at))
    _save(trainer.store, saved, request.model, replace(claim, told=True))
    return decision


def _seen(trainer: Trainer, request: RetrainingRequest, found: Document | None, wanted: Training) -> Seen:
    now, trainings = trainer.clock(), trainer.trainings()
    return Seen(
        version=history.version_in_use(trainer.warehouse, request.model, max(now, request.requested_at)),
        created=trainings.created_at(wanted) is not None,
        running=trainings.running(wanted),
        claim=Claim(**found.data) if found else None,
        now=now,
    )


def _save(store: Store, found: Document | None, name: str, claim: Claim) -> Document:
    data = asdict(claim)
    return store.replace(found, COLLECTION, data) if found else store.create(COLLECTION, name, data)


def _note(trainer: Trainer, request: RetrainingRequest, decision: Decision) -> None:
    known = request.model in trainer.models()
    outcome = decision.outcome
    said = fields(model=request.model[:80], request=request.id[:120], outcome=outcome.value, reason=request.reason[:80])
    if outcome is Outcome.STARTED:
        log.info("training started: %s", request.id, extra=said)
    else:
        level = logging.ERROR if outcome is Outcome.REFUSED else logging.INFO
        log.log(level, "no training: %s: %s: %s", request.model[:80], outcome.value, decision.why, extra=said)
    trainer.metrics.count(
        "aia_retraining_answers_total", model=request.model if known else UNKNOWN, outcome=outcome.value
    )
