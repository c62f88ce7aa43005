"""The verdict on the attributions of a model at one tick."""

from collections.abc import Sequence

from core.detection import Outcome, Verdict
from core.events import Severity
from core.performance.attributions import AttributionShift
from core.performance.judge import Reason
from core.text import counted, number

MOST_NAMED = 5


def of_attributions(
    model: str, shifts: Sequence[AttributionShift], *, minimum: int, shift: float, certainty: float = 0.01
) -> Verdict:
    """Conclude whether features add to predictions as much as they did.

    Args:
        model: the model's name, for the summary.
        shifts: of every feature of the reference.
        minimum: with attributions of fewer predictions nothing is concluded.
        shift: the smallest change that matters, in standard deviations of the reference.
        certainty: the false alarm rate over all features together.

    >>> from core.performance.attributions import compare_attributions, learn_attributions
    >>> import numpy as np
    >>> old = [{"age": 1.0 + n % 3, "plan": 2.0 + n % 2} for n in range(900)]
    >>> now = [{"age": 4.0 + n % 3, "plan": 2.0 + n % 2} for n in range(300)]
    >>> shifts = compare_attributions(learn_attributions(old, np.arange(900.0), window=100.0), now)
    >>> of_attributions("churn", shifts, minimum=200, shift=0.1).summary
    'churn: attributions of 1 of 2 features have drifted: age 5 now, 2 in the reference (+3.67 sd)'
    """
    rows = max((one.current.rows for one in shifts), default=0)
    if rows < minimum:
        text = f"{model}: attributions of {counted(rows, 'prediction')}, {minimum} required"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.INSUFFICIENT_DATA, summary=text)
    moved = drifted(shifts, shift=shift, certainty=certainty)
    if not moved:
        text = f"{model}: attributions of {counted(len(shifts), 'feature')} have not drifted"
        return Verdict(outcome=Outcome.GOOD, reason=Reason.STEADY, summary=text)
    first = moved[0]
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.ATTRIBUTIONS_DRIFTED,
        summary=f"{model}: attributions of {len(moved)} of {len(shifts)} features have drifted: {first.feature} {_spell(first)}",
        severity=Severity.WARNING,
        value=abs(first.shift),
        threshold=shift,
        unit="sd",
        evidence={one.feature: f"{_spell(one)}, p {one.p_value:.2g}" for one in moved[:MOST_NAMED]},
    )


def drifted(shifts: Sequence[AttributionShift], *, shift: float, certainty: float = 0.01) -> list[AttributionShift]:
    """The features whose attribution has changed significantly (Bonferroni's correction) and by as much as matters; the largest first."""
    found = [one for one in shifts if abs(one.shift) >= shift and one.p_value <= certainty / len(shifts)]
    return sorted(found, key=lambda one: -abs(one.shift))


def _spell(one: AttributionShift) -> str:
    return f"{number(one.current.mean)} now, {number(one.reference.mean)} in the reference ({one.shift:+.2f} sd)"
