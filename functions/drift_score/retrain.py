"""Whether a model shall be trained again, and the request for it: decided on once, published under one id."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.events import RetrainingRequest
from core.retraining import (
    Decision,
    Reason,
    Span,
    State,
    asked,
    decide,
    missing_labels,
    published,
    refused,
    request,
    training_span,
)
from core.settings import Model, Retraining
from functions.adapters import events
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Data, Document, Metrics, Store
from functions.drift_score.ports import Predictions

COLLECTION = "retraining"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Which limits of performance a model has broken.

    Attributes:
        accuracy: 0 to 1, while it is firing that it is below the floor; else None.
        below_floor: the finding of that, or empty.
        beyond_limit: the finding that another measure is beyond its limit, while it is firing; else empty.
    """

    accuracy: float | None = None
    below_floor: str = ""
    beyond_limit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a tick says of a model.

    Attributes:
        version: in use.
        drifted: the features that drifted, while the condition is firing.
        limits: of performance that are broken.
        at: the instant of the tick.
        findings: the ids of those that fire, by the reason that each is for a request.
    """

    version: str
    drifted: Sequence[str]
    limits: Limits
    at: datetime
    findings: Mapping[Reason, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingPorts:
    """What asking needs from outside."""

    predictions: Predictions
    store: Store
    bus: Bus
    metrics: Metrics


def consider(ports: RetrainingPorts, model: Model, seen: Seen) -> None:
    """Publish what an earlier tick left, decide, and ask where the policy wants it; a refusal is logged once, until it changes.

    The request is saved as pending before it is published: a crash in between publishes it at the next tick, under the id
    it has, and no other request of the same cooldown is made.

    Raises:
        ConflictError: another tick of the model asked in the meantime; the tick must come again.
        UnavailableError: store, bus or warehouse does not answer.
    """
    policy, label = model.retraining, model.label
    if policy is None or label is None:
        return
    publish_pending(ports, model.name)
    found = ports.store.get(COLLECTION, model.name)
    state = _state(found)
    span = training_span(policy, label, seen.at)
    decision, n_labels = _decide(
        policy, model, seen, state, lambda: ports.predictions.count_labels(model, label, span, seen.at)
    )
    if not decision.wanted:
        after = refused(state, decision)
        if after is not state:
            _explain(model, decision, after.refused, missing_labels(policy, span, n_labels))
            _save(ports.store, found, model.name, after)
        return
    after = asked(state, _request(model, seen, decision, span, n_labels))
    if after is not state:
        _save(ports.store, found, model.name, after)
        publish_pending(ports, model.name)


def publish_pending(ports: RetrainingPorts, name: str) -> None:
    """Publish the request that is pending, if one is, and note that the bus has it."""
    found = ports.store.get(COLLECTION, name)
    state = _state(found)
    if state.pending is None:
        return
    ports.bus.publish("retraining", state.pending)
    _save(ports.store, found, name, published(state, state.pending))
    ports.metrics.count("aia_retraining_requests_total", model=name, reason=state.pending.reason)


def _decide(
    policy: Retraining, model: Model, seen: Seen, state: State, labels: Callable[[], int]
) -> tuple[Decision, int]:
    """The decision and the labels there are to train on, which are only counted where nothing else is against it."""

    def answer(n_labels: int) -> Decision:
        return decide(
            policy,
            drifted=seen.drifted,
            accuracy=seen.limits.accuracy,
            floor=model.accuracy_floor,
            broken=bool(seen.limits.beyond_limit),
            n_labels=n_labels,
            last_requested_at=state.requested_at,
            now=seen.at,
        )

    without = answer(0)
    if without.reason is not Reason.NOT_ENOUGH_LABELS:
        return without, 0
    n_labels = labels()
    return answer(n_labels), n_labels


def _request(model: Model, seen: Seen, decision: Decision, span: Span, n_labels: int) -> RetrainingRequest:
    return request(
        decision,
        model=model.name,
        model_version=seen.version,
        span=span,
        n_labels=n_labels,
        accuracy=seen.limits.accuracy,
        floor=model.accuracy_floor,
        now=seen.at,
        finding=seen.findings.get(decision.reason, ""),
    )


def _explain(model: Model, decision: Decision, refusal: str, missing: str) -> None:
    """Log a refusal, with what is missing; where there is no cause any more, nothing."""
    if not refusal:
        return
    said = fields(model=model.name, reason=refusal, features=decision.features, retry_at=decision.retry_at)
    text = f"{refusal}: {missing}" if decision.reason is Reason.NOT_ENOUGH_LABELS else refusal
    log.info("no retraining: %s: %s", model.name, text, extra=said)


def _state(found: Document | None) -> State:
    if found is None:
        return State()
    text = found.data["pending"]
    pending = events.decode(text.encode(), RetrainingRequest) if text else None
    return State(requested_at=found.data["requested_at"], pending=pending, refused=found.data.get("refused", ""))


def _save(store: Store, found: Document | None, name: str, state: State) -> None:
    text = events.encode(state.pending).decode() if state.pending else None
    data: Data = {"requested_at": state.requested_at, "pending": text, "refused": state.refused}
    if found is None:
        store.create(COLLECTION, name, data)
    else:
        store.replace(found, COLLECTION, data)
