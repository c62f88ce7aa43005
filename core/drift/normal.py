"""What a number means as a shift of a normal feature, and what chance adds to it: small series, no scipy.

Every threshold is stated as the shift, in standard deviations, that a normal feature would have to make to reach it.
"""

import math
from functools import cache

import numpy as np

from core.drift.columns import Floats

LARGEST = 6.0
"""The largest shift that is told apart, in sd: the two normals then overlap by 0.3 %."""

SHIFTS = np.linspace(0.0, LARGEST, 601)
"""The shifts, in sd, of the tables for interpolation."""

_DECILES = (-1.2815515655446004, -0.8416212335729143, -0.5244005127080409, -0.2533471031357997, 0.0)


@cache
def decile_shares() -> Floats:
    """How much of a normal feature moved by each of `SHIFTS` lies between the deciles of where it was; shape (601, 10)."""
    edges = (*_DECILES, *(-edge for edge in _DECILES[-2::-1]))
    share = np.array([[_cdf(edge - shift) for edge in edges] for shift in SHIFTS.tolist()])
    return np.diff(share, axis=1, prepend=0.0, append=1.0)


@cache
def farthest() -> Floats:
    """The largest distance of two normal distribution functions that lie each of `SHIFTS` apart; shape (601,)."""
    return np.array([math.erf(shift / math.sqrt(8)) for shift in SHIFTS.tolist()])


def shift_of_rank(rank: Floats) -> Floats:
    """The signed shift in sd at which a normal feature exceeds its reference with this chance."""
    apart = rank - 0.5
    signed: Floats = np.copysign(np.interp(2 * np.abs(apart), farthest(), SHIFTS) / np.sqrt(2), apart)
    return signed


def without_chance(value: Floats, chance: Floats) -> Floats:
    """A distance without what chance adds: the root of the difference of their squares, which may be too large; 0 to itself."""
    rest: Floats = np.sqrt(np.maximum(value - chance, 0.0)) * np.sqrt(value + chance)
    return np.minimum(rest, value)


def two_sided(z: Floats) -> Floats:
    """The chance of a normal deviate as far from 0 as `z`, shape (k,)."""
    return np.array(list(map(math.erfc, (np.abs(z) / math.sqrt(2)).tolist())))


def _cdf(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2
