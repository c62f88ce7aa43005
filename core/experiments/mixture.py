"""Evidence on a mean at any number of looks: a mixture of normal likelihood ratios, tuned for a stated number of units.

With z the mean over its standard error, and t the units so far as a share of the stated number, `z * sqrt(t)` is Brownian motion in t
where the mean is 0. For any effect c, `exp(c * z * sqrt(t) - c**2 * t / 2)` is then a martingale that begins at 1, and so is a mixture
over effects. By Ville's inequality it ever reaches 1 / alpha with a chance of at most alpha: whoever looks at it as often as they like,
and stops when they like, errs no more often. The standard error is estimated, so this holds asymptotically, as for a z-test.

The mixture is over effects that the stated number of units can show: 2 to 16 standard errors, as they are then. A number that is stated
wrong costs power, not validity. Where ten times as many units are stated as it takes, the power falls from 0.92 to 0.90; that of
Robbins's half-normal mixture, which begins as high, to 0.71 (`tests/benchmarks/experiments`).

References:
    Robbins (1970), Statistical methods related to the law of the iterated logarithm.
    Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory and asymptotic confidence sequences.
    Johari, Koomen, Pekelis and Walsh (2022), Always valid inference: continuous monitoring of A/B tests.
"""

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_EFFECTS: Floats = np.geomspace(2.0, 16.0, 25)
_LOG_WEIGHTS: Floats = -np.log(_EFFECTS) / 2 - math.log(float((1 / np.sqrt(_EFFECTS)).sum()))
_STEPS = 8
"""Newton's steps, of which each doubles the exact digits."""


def log_sum(terms: Floats) -> Floats:
    """The logarithm of the sum of exponentials along the last axis.

    >>> round(float(log_sum(np.log([1.0, 3.0]))), 6) == round(math.log(4), 6)
    True
    """
    largest = terms.max(axis=-1, keepdims=True)
    found: Floats = largest[..., 0] + np.log(np.exp(terms - largest).sum(axis=-1))
    return found


def log_e(z: Floats, time: Floats) -> Floats:
    """The logarithm of the e-value against a mean of at most 0.

    Args:
        z: mean over its standard error, of any shape.
        time: units so far as a share of the stated number, above 0; of a shape that fits.

    >>> log_e(np.array([0.0, 3.0, 6.0]), np.array(1.0)).round(1).tolist()
    [-3.8, 3.7, 16.3]
    """
    moved = np.sqrt(time) * z
    return log_sum(_EFFECTS * moved[..., None] - _EFFECTS**2 * np.asarray(time)[..., None] / 2 + _LOG_WEIGHTS)


def critical(time: float, alpha: float) -> float:
    """The z at which the e-value is 1 / alpha: half the width of a confidence sequence, in standard errors.

    Args:
        time: units so far as a share of the stated number, above 0.
        alpha: chance that the mean is ever outside to this side, above 0 and below 1.

    >>> [round(critical(time, 0.025), 2) for time in (0.1, 0.5, 1.0, 2.0)]
    [3.08, 2.99, 3.01, 3.12]
    """
    goal = -math.log(alpha)
    # One effect alone reaches the goal there, so the mixture is beyond it, and Newton's steps on a convex function never overshoot.
    moved = float(((goal - _LOG_WEIGHTS + _EFFECTS**2 * time / 2) / _EFFECTS).min())
    for _ in range(_STEPS):
        terms = _EFFECTS * moved - _EFFECTS**2 * time / 2 + _LOG_WEIGHTS
        total = float(log_sum(terms))
        moved -= (total - goal) / float((np.exp(terms - total) * _EFFECTS).sum())
    return moved / math.sqrt(time)
