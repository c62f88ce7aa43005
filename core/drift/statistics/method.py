"""How a statistic is computed: what its module gives, and what it gets."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.drift.bins import Bins
from core.drift.columns import Floats, Ints
from core.drift.normal import SHIFTS
from core.drift.overlay import Numbers
from core.drift.sample import Sample


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Values:
    """A statistic of k features; every array has shape (k,), NaN where a window is empty.

    Attributes:
        value: the statistic, at least 0, and 0 for equal windows.
        p_value: the chance of such a value or a larger one without drift, where the statistic has one.
        excess: the value without what chance alone gives at these numbers of rows, 0 to the value; where that is known.
        error: at most how far the value is from that of the rows; 0 where it is None.
        trusted_p: the p-value that the verdict rests on: it holds at any number of rows. None where there is none.
    """

    value: Floats
    p_value: Floats | None = None
    excess: Floats | None = None
    error: Floats | None = None
    trusted_p: Floats | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How a statistic is computed: from the bins of any feature, or from the values of a numeric one.

    Attributes:
        of_bins: computes it from bins, of which some may hold no row: 0 / 0 and the logarithm of 0 are silent there.
        of_numbers: computes it from numeric features; such a statistic has no value for categories.
        exact: the same from the rows of one numeric feature: from its reference sample, its current values (ascending,
            without NaN) and how many of them lie below each place of the sample; neither is empty. What it gives for
            all features is `Numbers.exact` to `of_numbers`.
        at_shifts: what it says when a normal feature moves by each of `normal.SHIFTS`: its effect in sd, read backwards;
            shape (601,), ascending. None where it has no such effect.
        decides: whether the verdict rests on it, by its p-value and by its effect, whichever it has.
    """

    of_bins: Callable[[Bins], Values] | None = None
    of_numbers: Callable[[Numbers], Values] | None = None
    exact: Callable[[Sample, Floats, Ints], float] | None = None
    at_shifts: Callable[[], Floats] | None = None
    decides: bool = False

    def compute(self, bins: Bins, numbers: Numbers | None) -> Values | None:
        """What it says of features with these bins; None where they are categories and it compares numbers."""
        if self.of_bins is not None:
            return self.of_bins(bins)
        return self.of_numbers(numbers) if self.of_numbers is not None and numbers is not None else None

    def effect(self, excess: Floats) -> Floats:
        """The shift in sd at which a normal feature has these values, at most `normal.LARGEST`; 0 for NaN."""
        if self.at_shifts is None:
            return np.zeros_like(excess)
        return np.interp(np.fmax(excess, 0.0), self.at_shifts(), SHIFTS)

    def at(self, shift: float) -> float | None:
        """The value when a normal feature moves by a shift in sd, or None where it has no effect in sd."""
        return float(np.interp(shift, SHIFTS, self.at_shifts())) if self.at_shifts else None
