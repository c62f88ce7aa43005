"""Whether labels arrive: without them performance is not known."""

from core.detection import Outcome, Verdict
from core.performance.judge import Reason

NO_PERFORMANCE_VERDICT = "no_performance_verdict"
"""The kind of the finding that too few labels have arrived for too long."""


def of_labels(model: str, *, labels: int, rows: int, minimum: int) -> Verdict:
    """Conclude whether performance can be measured: good with enough labels, else not known.

    Args:
        model: the model's name, for the summary.
        labels: how many have arrived for predictions of the window.
        rows: predictions in the window.
        minimum: with fewer labels nothing is concluded.

    >>> of_labels("churn", labels=0, rows=900, minimum=200).summary
    'churn: performance is not known: 0 labels have arrived for 900 predictions, 200 required'
    """
    arrived = f"{labels} label{'s have' if labels != 1 else ' has'} arrived for {rows} predictions"
    if labels >= minimum:
        return Verdict(outcome=Outcome.GOOD, reason=Reason.LABELLED, summary=f"{model}: {arrived}")
    text = f"{model}: performance is not known: {arrived}, {minimum} required"
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.INSUFFICIENT_DATA, summary=text)
