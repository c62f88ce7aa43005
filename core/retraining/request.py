"""The request that follows from a decision, and the data it asks to train on."""

from dataclasses import dataclass
from datetime import datetime

from core.events import RetrainingRequest
from core.retraining.policy import Decision, Reason
from core.settings import Label, Retraining


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """From `start` to just before `end`: when the predictions were made that are trained on."""

    start: datetime
    end: datetime


def training_span(policy: Retraining, label: Label, now: datetime) -> Span:
    """The data to train on at an instant.

    It ends where the last labels are due: of the predictions after that, only those are labelled whose truth came early,
    and early truth is another truth (a flight that is on time lands before one that is late).

    Args:
        policy: says how long the window is.
        label: says how long the truth may take.
        now: the instant of the tick.

    >>> from datetime import UTC, timedelta
    >>> label = Label(table="ops.labels", column="late", arrives_within=timedelta(hours=12))
    >>> policy = Retraining(important=("age",), window=timedelta(days=60))
    >>> span = training_span(policy, label, datetime(2026, 3, 2, 12, tzinfo=UTC))
    >>> f"{span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M}"
    '2026-01-01 00:00 to 2026-03-02 00:00'
    """
    end = now - label.arrives_within
    return Span(start=end - policy.window, end=end)


def missing_labels(policy: Retraining, span: Span, n_labels: int) -> str:
    """What is missing where there are too few labels to train on, in one line; empty where there are enough.

    >>> from datetime import UTC
    >>> span = Span(start=datetime(2026, 1, 1, tzinfo=UTC), end=datetime(2026, 3, 2, tzinfo=UTC))
    >>> missing_labels(Retraining(minimum_labels=1000), span, 431)
    'needs 1,000 labels since 2026-01-01, has 431'
    """
    if n_labels >= policy.minimum_labels:
        return ""
    return f"needs {policy.minimum_labels:,} labels since {span.start:%Y-%m-%d}, has {n_labels:,}"


def request(
    decision: Decision,
    *,
    model: str,
    model_version: str,
    span: Span,
    n_labels: int,
    accuracy: float | None,
    floor: float | None,
    now: datetime,
    finding: str = "",
) -> RetrainingRequest:
    """The request of a tick that wants the model trained again.

    Args:
        decision: must want it.
        model: the model's name.
        model_version: the version in use at the tick, which is to be replaced.
        span: the data to train on.
        n_labels: the labels that had arrived for it.
        accuracy: as the decision was given it.
        floor: as the decision was given it.
        now: the instant of the tick.
        finding: the id of the finding that the decision follows from, or empty.

    Raises:
        ValueError: the decision refuses.

    >>> from datetime import UTC
    >>> from core.retraining.policy import Reason
    >>> noon = datetime(2026, 1, 2, 12, tzinfo=UTC)
    >>> span = Span(start=datetime(2025, 11, 1, tzinfo=UTC), end=datetime(2026, 1, 1, tzinfo=UTC))
    >>> decision = Decision(reason=Reason.DRIFT, features=("age",))
    >>> request(
    ...     decision, model="churn", model_version="7", span=span, n_labels=800, accuracy=None, floor=None, now=noon
    ... ).id
    'churn:2026-01-02T12:00:00Z'
    """
    if not decision.wanted:
        raise ValueError(f"decision: must want the model trained again, got {decision.reason.value}")
    return RetrainingRequest(
        model=model,
        model_version=model_version,
        requested_at=now,
        reason=decision.reason.value,
        window_start=span.start,
        window_end=span.end,
        n_labels=n_labels,
        features=decision.features,
        accuracy=accuracy,
        floor=floor,
        requested_by=_requester(decision, finding),
    )


def _requester(decision: Decision, finding: str) -> str:
    """Who asks, as versions spell it."""
    if decision.reason is Reason.SCHEDULE:
        return Reason.SCHEDULE.value
    return f"finding:{finding}" if finding else ""
