"""What is remembered of a model's requests, so that none is lost and none is made twice.

nothing  --asked-->  pending  --published-->  nothing pending, and the instant for the cooldown
                        |
                        +--the publishing failed, or its end was not noted--> published again, under the same id
"""

from dataclasses import dataclass, replace
from datetime import datetime

from core.events import RetrainingRequest
from core.retraining.policy import SILENT, Decision, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is remembered of a model.

    Attributes:
        requested_at: the instant of the newest tick that asked, or None.
        pending: its request, until it is known to be published.
        refused: why nothing is asked since, as people were notified; empty where there is no cause to ask.
    """

    requested_at: datetime | None = None
    pending: RetrainingRequest | None = None
    refused: str = ""


def asked(state: State, request: RetrainingRequest) -> State:
    """The state once a request is decided on; it must be saved before the request is published.

    A request that is not newer than the newest one changes nothing: its tick came again.

    Raises:
        ValueError: another request is still pending, and would be lost.

    >>> from datetime import UTC
    >>> days = {"window_start": datetime(2025, 11, 1, tzinfo=UTC), "window_end": datetime(2026, 1, 1, tzinfo=UTC)}
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> made = RetrainingRequest(
    ...     model="churn", model_version="7", requested_at=noon, reason="drift", n_labels=800, **days
    ... )
    >>> state = asked(State(), made)
    >>> state.pending.id, published(state, made).pending, asked(state, made) is state
    ('churn:2026-01-02T12:00:00Z', None, True)
    """
    if state.requested_at is not None and request.requested_at <= state.requested_at:
        return state
    if state.pending is not None:
        raise ValueError(f"pending: must be published before {request.id} is asked, got {state.pending.id}")
    return State(requested_at=request.requested_at, pending=request)


def published(state: State, request: RetrainingRequest) -> State:
    """The state once the bus has a request; a newer one that is pending stays."""
    if state.pending is None or state.pending.id != request.id:
        return state
    return replace(state, pending=None)


def refused(state: State, decision: Decision) -> State:
    """The state once people are notified of a refusal; the same object where they were before, and nothing else refused since.

    >>> once = refused(State(), Decision(reason=Reason.NOT_ENOUGH_LABELS))
    >>> once.refused, refused(once, Decision(reason=Reason.NOT_ENOUGH_LABELS)) is once
    ('not_enough_labels', True)
    >>> refused(once, Decision(reason=Reason.NOTHING_WRONG)).refused
    ''
    """
    said = "" if decision.reason in SILENT else decision.reason.value
    if decision.reason is Reason.LATE or said == state.refused:
        return state
    return replace(state, refused=said)
