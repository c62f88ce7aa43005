"""Student's t distribution as a normal one: no scipy, whose import costs more than all the rest.

References:
    Wallace (1959), Bounds on normal approximations to Student's and the chi-square distributions.
    Satterthwaite (1946), An approximate distribution of estimates of variance components.
    Wilson and Hilferty (1931), The distribution of chi-square.
"""

import math
from statistics import NormalDist


def p_value(distance: float, degrees: float = math.inf) -> float:
    """The chance of such a distance or a larger one, in standard errors of so many degrees of freedom, both ways.

    Exact to .003 from four degrees of freedom on.

    >>> round(p_value(1.96), 3), round(p_value(2.365, 7), 3)
    (0.05, 0.05)
    """
    if math.isfinite(degrees):
        scale = (8 * degrees + 1) / (8 * degrees + 3)
        distance = scale * math.sqrt(degrees * math.log1p(distance * distance / degrees))
    return math.erfc(abs(distance) / math.sqrt(2))


def distance(degrees: float, certainty: float = 0.05) -> float:
    """The distance in standard errors that is exceeded by chance only so often, both ways: the inverse of `p_value`.

    >>> round(distance(13), 2), round(p_value(distance(7), 7), 3)
    (2.16, 0.05)
    """
    scale = (8 * degrees + 1) / (8 * degrees + 3)
    normal = NormalDist().inv_cdf(1 - certainty / 2) / scale
    return math.sqrt(degrees * math.expm1(normal * normal / degrees))


def chi_square(degrees: int, certainty: float) -> float:
    """The value that a chi-square variable exceeds by chance only so often.

    >>> round(chi_square(10, 0.01), 1)
    23.2
    """
    spread = 2 / (9 * degrees)
    return float(degrees * (1 - spread + NormalDist().inv_cdf(1 - certainty) * math.sqrt(spread)) ** 3)
