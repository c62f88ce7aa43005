"""Retraining requests: decide, create the training, report its run.

Each model has one document, its claim, which names the request accepted last. The id of the job is derived from the
request, so that a crash at any point is repaired when the request is delivered again:

    before the claim is saved     nothing happened
    before the job is created     the claim belongs to the request, which continues; others wait for a moment
    before its run is reported    the job is found, and reported under the same id
    before the claim is updated   the same; consumers of the run already know it

A refused training is a condition of the model, which resolves when a training starts.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from core.actions.guards import stopped
from core.detection import ConditionSpec, Observation, Outcome, Verdict
from core.errors import ActionError, BusyError, PoisonError, QuotaError
from core.events import RetrainingRequest, Severity, stamp
from core.retraining.outcome import Answer
from core.retraining.start import Claim, Decision, Seen, Training, decide, limit, pipeline_of, recent, run_of, training
from core.retraining.start import Outcome as RequestOutcome
from core.settings import ActionName, Automation, Model, Retraining
from functions.adapters import events
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Clock, Data, Document, Metrics, Store, Warehouse
from functions.adapters.store import update
from functions.adapters.training import history
from functions.adapters.training.port import ANSWERS, CLAIMS, Trainings
from functions.retrain.cost import cost_of_one
from functions.runtime.push import Message
from functions.services.actions import read_guards
from functions.services.detection import Tracker

AHEAD = timedelta(minutes=10)
"""How far the clock of the requester may be ahead of that of the bus."""
KIND = "retraining_refused"
NAME = "retrain"
COLLECTION = CLAIMS
TOPIC = "pipeline-runs"
ANSWERS_KEPT = 50
"""Of a model."""
UNKNOWN = "unknown"
"""The label of models that are not in the settings: a request may name any model."""
log = logging.getLogger(__name__)


def read(message: Message) -> RetrainingRequest:
    """The request in a message.

    Raises:
        PoisonError: there is none, or its instant is in the future, so that every later request would count as old.
    """
    request = events.decode(message.data, RetrainingRequest)
    if request.requested_at > message.published_at + AHEAD:
        published_at, given = stamp(message.published_at), stamp(request.requested_at)
        raise PoisonError(f"requested_at: must not be after {published_at}, when it was published, got {given}")
    return request


class RetrainingReason(StrEnum):
    """Reason of a verdict."""

    REFUSED = "refused"
    STARTED = "started"


def refused(target: str, fault: str, at: datetime) -> Observation:
    """A training was refused.

    Args:
        target: `model/NAME`.
        fault: why.
        at: the instant of the request: the refusal of a late request has no effect.
    """
    verdict = Verdict(
        outcome=Outcome.BAD,
        reason=RetrainingReason.REFUSED,
        summary=f"retraining refused: {fault}",
        severity=Severity.ERROR,
    )
    return Observation(spec=_spec(target), verdict=verdict, at=at)


def started(target: str, at: datetime) -> Observation:
    """A training was started.

    Args:
        target: `model/NAME`.
        at: the creation of the job, so that a training that is refused first and started later resolves the condition.
    """
    verdict = Verdict(outcome=Outcome.GOOD, reason=RetrainingReason.STARTED, summary="training started")
    return Observation(spec=_spec(target), verdict=verdict, at=at)


def _spec(target: str) -> ConditionSpec:
    return ConditionSpec(target=target, kind=KIND, source="retrain", runbook=f"models.md#{KIND}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trainer:
    """Dependencies of the function.

    Attributes:
        store: keeps claims and conditions.
        bus: takes runs and findings.
        warehouse: knows which version is in use.
        metrics: counts.
        clock: now, for claims.
        trainings: starts trainings; opened at its first use.
        models: by name, as they are now.
        automation: the settings of all that is done by itself.
        disabled: whether nothing is trained here, as on one machine with `--no-training`.
    """

    store: Store
    bus: Bus
    warehouse: Warehouse
    metrics: Metrics
    clock: Clock
    trainings: Callable[[], Trainings]
    models: Callable[[], Mapping[str, Model]]
    automation: Automation
    disabled: bool = False

    @property
    def tracker(self) -> Tracker:
        """Counts verdicts and publishes the findings."""
        return Tracker(self.store, self.bus)


def handle(trainer: Trainer, request: RetrainingRequest) -> None:
    """Start the requested training, or record why not; idempotent, also for an old request.

    Raises:
        BusyError: another request of the model is being started.
        ConflictError: another request was accepted at the same moment.
        UnavailableError: a dependency does not answer; if a quota is exhausted, a finding is published as well.
    """
    pipeline = pipeline_of(trainer.models().get(request.model))
    if isinstance(pipeline, Decision):
        decision = pipeline
    elif trainer.disabled:
        decision = Decision(outcome=RequestOutcome.HALTED, why="training disabled: nothing is trained on this machine")
    else:
        decision = _decide(trainer, request, training(request, pipeline))
    if decision.outcome not in (RequestOutcome.STARTED, RequestOutcome.REPEATED, RequestOutcome.UNKNOWN_MODEL):
        _keep(trainer, request, decision)
    _note(trainer, request, decision)


def _decide(trainer: Trainer, request: RetrainingRequest, wanted: Training) -> Decision:
    target = trainer.models()[request.model].target
    try:
        return _start(trainer, request, target, wanted)
    except (ActionError, QuotaError) as error:
        trainer.tracker.track(refused(target, str(error), request.requested_at))
        if isinstance(error, QuotaError):
            raise
        return Decision(outcome=RequestOutcome.REFUSED, why=str(error))


def _start(trainer: Trainer, request: RetrainingRequest, target: str, wanted: Training) -> Decision:
    document = trainer.store.get(COLLECTION, request.model)
    facts = _facts(trainer, request, document, wanted)
    decision = decide(request, facts)
    if decision.outcome is RequestOutcome.NO_PROGRESS:
        trainer.tracker.track(refused(target, decision.why, request.requested_at))
    if decision.outcome is RequestOutcome.BUSY:
        raise BusyError(f"{request.id}: {decision.why}")
    if decision.outcome is not RequestOutcome.STARTED:
        return decision
    claim = _claim(request, facts)
    saved = _save(trainer.store, document, request.model, claim)
    created_at = trainer.trainings().start(wanted)
    trainer.bus.publish(TOPIC, run_of(wanted, created_at))
    trainer.tracker.track(started(target, created_at))
    _save(trainer.store, saved, request.model, replace(claim, told=True))
    return decision


def _facts(trainer: Trainer, request: RetrainingRequest, document: Document | None, wanted: Training) -> Seen:
    now, trainings = trainer.clock(), trainer.trainings()
    claim = Claim(**document.data) if document else None
    return Seen(
        version=history.version_in_use(trainer.warehouse, request.model, max(now, request.requested_at)),
        created=trainings.created_at(wanted) is not None,
        running=trainings.running(wanted),
        claim=claim,
        now=now,
        limit=_limit(trainer, request, claim, now),
    )


def _limit(trainer: Trainer, request: RetrainingRequest, claim: Claim | None, now: datetime) -> Decision | None:
    """Why no training of the model may be started now, or None."""
    policy = trainer.models()[request.model].retraining or Retraining()
    switch = stopped(ActionName.RETRAIN_MODEL, guards=read_guards(trainer.store), automation=trainer.automation)
    return limit(
        policy,
        request,
        claim,
        halted=switch.detail if switch else "",
        fruitless=history.fruitless(trainer.warehouse, request.model),
        now=now,
        cost=cost_of_one(trainer.store, trainer.warehouse, policy, claim, now),
    )


def _claim(request: RetrainingRequest, facts: Seen) -> Claim:
    """The claim of a request that is let pass; one that was let pass before is counted once."""
    started = recent(facts.claim, facts.now)
    again = facts.claim is not None and facts.claim.request == request.id
    return Claim(request=request.id, at=facts.now, started=started if again else (*started, facts.now))


def _save(store: Store, document: Document | None, name: str, claim: Claim) -> Document:
    data = asdict(claim) | {"started": list(claim.started)}
    return store.replace(document, COLLECTION, data) if document else store.create(COLLECTION, name, data)


def _keep(trainer: Trainer, request: RetrainingRequest, decision: Decision) -> None:
    """Save why a request started nothing, for those who look at the model."""
    answer = Answer(request=request.id, outcome=decision.outcome, why=decision.why, at=trainer.clock())

    def added(data: Data | None) -> Data:
        others = [one for one in (data or {"answers": []})["answers"] if one["request"] != request.id]
        return {"answers": [*others, asdict(answer) | {"outcome": decision.outcome.value}][-ANSWERS_KEPT:]}

    update(trainer.store, ANSWERS, request.model, added)


def _note(trainer: Trainer, request: RetrainingRequest, decision: Decision) -> None:
    known = request.model in trainer.models()
    outcome = decision.outcome
    said = fields(model=request.model[:80], request=request.id[:120], outcome=outcome.value, reason=request.reason[:80])
    if outcome is RequestOutcome.STARTED:
        log.info("training started: %s", request.id, extra=said)
    else:
        level = logging.ERROR if outcome is RequestOutcome.REFUSED else logging.INFO
        log.log(level, "no training: %s: %s: %s", request.model[:80], outcome.value, decision.why, extra=said)
    trainer.metrics.count(
        "aia_retraining_answers_total", model=request.model if known else UNKNOWN, outcome=outcome.value
    )
