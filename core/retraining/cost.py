"""What a training costs: by the bill, or estimated by the time that the trainings before it took."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from core.settings.models import Retraining
from core.text import money

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCost:
    """The cost of one training.

    Attributes:
        dollars: of one.
        basis: what that is known by, in a few words.
    """

    dollars: float
    basis: str


def run_cost(
    policy: Retraining, *, billed: float | None, n_billed: int, durations: Sequence[timedelta]
) -> RunCost | None:
    """The cost of one training, or None where no training has ended yet, or no price is known.

    Args:
        policy: of the model, with the price of an hour.
        billed: dollars of the trainings that are billed, or None where none is.
        n_billed: the number of these trainings.
        durations: of the newest trainings that succeeded.

    >>> policy = Retraining(hourly_price=0.2)
    >>> run_cost(policy, billed=None, n_billed=0, durations=[timedelta(hours=2), timedelta(hours=4)])
    RunCost(dollars=0.6000000000000001, basis='3.0 h at $0.20 an hour')
    >>> run_cost(policy, billed=6.0, n_billed=4, durations=()).dollars
    1.5
    """
    if billed is not None and n_billed:
        return RunCost(dollars=billed / n_billed, basis=f"billed for {n_billed} trainings")
    if not durations or policy.hourly_price is None:
        return None
    hours = sum(durations, timedelta()) / len(durations) / _HOUR
    return RunCost(dollars=hours * policy.hourly_price, basis=f"{hours:.1f} h at {money(policy.hourly_price)} an hour")


def over_budget(policy: Retraining, cost: RunCost | None, n_started: int) -> str:
    """Why one more training would cost too much, in one line; empty where it would not, or what it costs is not known.

    >>> policy = Retraining(budget_dollars=5.0, hourly_price=1.0)
    >>> over_budget(policy, RunCost(dollars=1.5, basis="1.5 h at $1 an hour"), 3)
    'the 3 trainings of the last 30 days and this one cost $6 ($1.50 each: 1.5 h at $1 an hour), of $5'
    >>> over_budget(policy, RunCost(dollars=1.5, basis="1.5 h at $1 an hour"), 2), over_budget(policy, None, 9)
    ('', '')
    """
    if policy.budget_dollars is None or cost is None:
        return ""
    total = (n_started + 1) * cost.dollars
    if total <= policy.budget_dollars:
        return ""
    each = f"{money(cost.dollars)} each: {cost.basis}"
    before = f"the {n_started} trainings of the last 30 days and this one cost"
    return f"{before} {money(total)} ({each}), of {money(policy.budget_dollars)}"
