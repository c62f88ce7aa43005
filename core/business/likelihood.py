"""Maximum likelihood for positive parameters, optimised over their logarithms."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.business.checks import EstimateError, Floats

if TYPE_CHECKING:
    from scipy.optimize import OptimizeResult

_BOUND = 8.0  # of a parameter's logarithm: beyond it customers are nearly homogeneous, and the likelihood is flat
_RESTARTS = 20
_TOLERANCE = 1e-3  # gradient of the mean log-likelihood by the logarithm of a parameter

Likelihood = Callable[[Floats], tuple[float, Floats]]
"""From parameters to the mean log-likelihood and its gradient."""


def maximise(likelihood: Likelihood, starts: Sequence[Sequence[float]], what: str) -> Floats:
    """The maximum-likelihood parameters over several starting points.

    Args:
        likelihood: to maximise.
        starts: starting points, each parameter above 0.
        what: the model, for the message.

    Raises:
        EstimateError: no starting point leads to a maximum.
    """

    def negative(logs: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(np.exp(logs))
        return -value, -gradient * np.exp(logs)

    ends = [_minimise(negative, np.log(start)) for start in starts]
    best = min((end for end in ends if np.isfinite(end.fun)), key=lambda end: float(end.fun), default=None)
    if best is None or not _converged(best.x, best.jac):
        raise EstimateError(f"{what}: no maximum of the likelihood was found from {len(starts)} starts")
    parameters: Floats = np.exp(best.x)
    return parameters


def _minimise(objective: Likelihood, start: Floats) -> "OptimizeResult":
    """The minimum from a start; L-BFGS-B is restarted where it stops early, as its Hessian estimate fails in a narrow valley."""
    from scipy.optimize import OptimizeResult, minimize  # noqa: PLC0415 - takes 700 ms, and only a fit needs it

    end = OptimizeResult(x=start)
    for _ in range(_RESTARTS):
        end = minimize(objective, end.x, jac=True, method="L-BFGS-B", bounds=[(-_BOUND, _BOUND)] * start.size)
        if not np.isfinite(end.fun) or _converged(end.x, end.jac):
            break
    return end


def _converged(logs: Floats, gradient: Floats) -> bool:
    """Whether the gradient vanishes for all parameters inside their bounds."""
    inside = np.abs(logs) < _BOUND
    return bool(np.all(np.abs(gradient[inside]) < _TOLERANCE))
