"""How often a target was up, and what is left of the downtime that was agreed on."""

from collections.abc import Sequence


def availability(up: Sequence[bool]) -> float:
    """The share of checks that found the target up, 0 to 1; 1 where there was no check.

    >>> availability([True, True, False, True])
    0.75
    """
    return sum(up) / len(up) if up else 1.0


def budget_left(available: float, objective: float) -> float:
    """The share of the error budget that is left.

    The budget is the share of checks that may fail, `1 - objective`. 1 means that nothing is spent, 0 that all is, and
    below 0 that the objective is missed [1]_.

    Args:
        available: the availability over the window of the objective, 0 to 1.
        objective: what was agreed on, above 0 and below 1.

    References:
        .. [1] Beyer et al., *The Site Reliability Workbook*, chapter 2, "Implementing SLOs". O'Reilly, 2018.

    >>> round(budget_left(0.9995, 0.999), 3)
    0.5
    """
    if not 0 < objective < 1:
        raise ValueError(f"objective: must be above 0 and below 1, got {objective}")
    return 1 - (1 - available) / (1 - objective)
