"""Maximum likelihood over positive parameters, by their logarithms."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.business.checks import EstimateError, Floats

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

_LARGEST = 8.0  # of a parameter's logarithm: so far out all customers are as good as alike, and the likelihood is level
_ROUNDS = 20
_STEEP = 1e-3  # of the mean log-likelihood, by the logarithm of a parameter

Likelihood = Callable[[Floats], tuple[float, Floats]]
"""Of the parameters: the mean log-likelihood and its gradient by them."""


def maximise(likelihood: Likelihood, starts: Sequence[Sequence[float]], what: str) -> Floats:
    """The parameters of the greatest likelihood that is reached from any of the starts.

    Args:
        likelihood: to be made as great as possible.
        starts: parameters to begin with, each above 0.
        what: is fitted, for the message.

    Raises:
        EstimateError: no start leads to a maximum.
    """

    def falling(logs: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(np.exp(logs))
        return -value, -gradient * np.exp(logs)

    ends = [_descend(falling, np.log(start)) for start in starts]
    best = min((end for end in ends if np.isfinite(end.fun)), key=lambda end: float(end.fun), default=None)
    if best is None or not _arrived(best.x, best.jac):
        raise EstimateError(f"{what}: no maximum of the likelihood was found from {len(starts)} starts")
    found: Floats = np.exp(best.x)
    return found


def _descend(falling: Likelihood, start: Floats) -> "OptimizeResult":
    """Where descending ends; begun anew where it stopped on a slope, as in a narrow valley what it learnt misleads it."""
    from scipy.optimize import OptimizeResult, minimize  # noqa: PLC0415 - takes 700 ms, and only a fit needs it

    end = OptimizeResult(x=start)
    for _ in range(_ROUNDS):
        end = minimize(falling, end.x, jac=True, method="L-BFGS-B", bounds=[(-_LARGEST, _LARGEST)] * start.size)
        if not np.isfinite(end.fun) or _arrived(end.x, end.jac):
            break
    return end


def _arrived(logs: Floats, slope: Floats) -> bool:
    """Whether the likelihood is level there, but where a parameter is held at its largest or smallest."""
    inside = np.abs(logs) < _LARGEST
    return bool(np.all(np.abs(slope[inside]) < _STEEP))
