"""From statistics to verdicts: certain after Benjamini-Hochberg over the features, and larger than what matters.

References:
    Benjamini and Hochberg (1995), Controlling the false discovery rate.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.drift.columns import Floats, ProfileError
from core.drift.normal import LARGEST
from core.drift.report import Reason
from core.drift.statistics import METHODS


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """When a change is called drift.

    Attributes:
        shift: the smallest change that matters, as the shift of a normal feature in sd, above 0 to 6. Below about 0.1
            the windows of most systems never agree; set it to what the model minds.
        false_alarms: how often a window without drift may be alarmed, above 0 and below 1, over all its features.
        minimum_rows: fewer rows in either window, and no verdict is given; at least 2.

    Raises:
        ProfileError: a threshold is out of its range.

    >>> meaning = Thresholds(shift=0.2).meaning
    >>> meaning["shift"], meaning["ks"], meaning["psi"], meaning["js"]
    (0.2, 0.0797, 0.0383, 0.0691)
    """

    shift: float = 0.07
    false_alarms: float = 0.01
    minimum_rows: int = 30

    def __post_init__(self) -> None:
        if not 0 < self.shift <= LARGEST:
            raise ProfileError(f"shift: must be above 0 and at most {LARGEST:g} sd, got {self.shift}")
        if not 0 < self.false_alarms < 1:
            raise ProfileError(f"false_alarms: must be above 0 and below 1, got {self.false_alarms}")
        if self.minimum_rows < 2:  # noqa: PLR2004 - one row has no distribution
            raise ProfileError(f"minimum_rows: must be at least 2, got {self.minimum_rows}")

    @property
    def meaning(self) -> dict[str, float]:
        """What each statistic with an effect in sd says when a normal feature shifts by exactly the threshold."""
        values = {name: method.at(self.shift) for name, method in METHODS.items()}
        return {"shift": self.shift} | {name: round(value, 4) for name, value in values.items() if value is not None}


def benjamini_hochberg(p_values: Floats) -> Floats:
    """The q-values of p-values: the share of false ones among all as small, at most; shape (k,).

    >>> benjamini_hochberg(np.array([0.01, 0.04, 0.5])).round(3).tolist()
    [0.03, 0.06, 0.5]
    """
    count = p_values.size
    order = np.argsort(p_values)
    scaled = p_values[order] * count / np.arange(1, count + 1)
    q_values = np.empty(count)
    q_values[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.clip(q_values, p_values, 1.0)  # rounding must not put one below its p-value


def reasons(
    *,
    q_values: Floats,
    strength: Floats,
    usual: Floats,
    judged: NDArray[np.bool_],
    absent: NDArray[np.bool_],
    retyped: NDArray[np.bool_],
    thresholds: Thresholds,
) -> tuple[Reason, ...]:
    """Why each feature is said to have drifted or not; all arrays of shape (k,).

    Args:
        q_values: after Benjamini-Hochberg.
        strength: of the change, in sd.
        usual: the strength that is usual for this slot of the calendar, in sd.
        judged: whether both windows have rows enough.
        absent: whether the current window has no such column.
        retyped: whether its column is of another type.
        thresholds: when a change is called drift.
    """
    certain = q_values <= thresholds.false_alarms
    rules = (
        (absent, Reason.ABSENT),
        (retyped, Reason.TYPE_CHANGED),
        (~judged, Reason.INSUFFICIENT_DATA),
        (~certain, Reason.NO_CHANGE),
        (strength < thresholds.shift, Reason.SMALL_CHANGE),
        (strength < usual + thresholds.shift, Reason.SEASONAL),
    )
    choices = (*(reason for _, reason in rules), Reason.DRIFT)
    applies = np.array([rule for rule, _ in rules] + [np.ones_like(certain)])
    return tuple(choices[k] for k in applies.argmax(axis=0).tolist())


_WORST = (Reason.DRIFT, Reason.SEASONAL, Reason.SMALL_CHANGE, Reason.NO_CHANGE, Reason.INSUFFICIENT_DATA, Reason.ABSENT)


def overall(found: tuple[Reason, ...]) -> Reason:
    """The reason for the window as a whole: the gravest of its features'; absent where no feature has a column to compare."""
    told = {Reason.ABSENT if reason is Reason.TYPE_CHANGED else reason for reason in found}
    return next((reason for reason in _WORST if reason in told), Reason.INSUFFICIENT_DATA)
