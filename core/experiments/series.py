"""The looks of an experiment as a series: the evidence over time, and the look that ends it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from core.experiments.decision import Action, Decision, Snapshot, decide
from core.settings import Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentLook:
    """One look.

    Attributes:
        at: instant up to which its data counts.
        decision: at this look.
        p_above: the smallest p-value of being better so far: evidence that was there once is not taken back.
        p_below: the smallest one of being worse.
    """

    at: datetime
    decision: Decision
    p_above: float
    p_below: float


def follow(snapshots: Iterable[Snapshot], policy: Promotion) -> tuple[ExperimentLook, ...]:
    """The looks up to the one that ends the experiment, in order; later ones change nothing.

    Args:
        snapshots: in any order, perhaps some twice; of several of one instant the last one counts.
        policy: of the model.

    Raises:
        ExperimentError: the margin does not suit the data.
    """
    looks: list[ExperimentLook] = []
    by_instant = {snapshot.at: snapshot for snapshot in snapshots}
    above = below = 1.0
    for at in sorted(by_instant):
        decision = decide(by_instant[at], policy)
        above, below = min(above, decision.measure.p_above), min(below, decision.measure.p_below)
        looks.append(ExperimentLook(at=at, decision=decision, p_above=above, p_below=below))
        if decision.action is not Action.CONTINUE:
            break
    return tuple(looks)
