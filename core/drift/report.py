"""What a comparison says: a report of features, each with its statistics, its verdict and the bins that moved."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from core.drift.exclusion import LeftOut
from core.drift.joint import JointDrift

_IN_FULL = 0.9  # of the rows: where they are worth less than that, it is said


class Mode(StrEnum):
    """How the statistics were computed."""

    EXACT = "exact"
    """From the rows: each is exact, but for `StatisticResult.error` where of the reference a sketch was kept."""

    COUNTS = "counts"
    """From counts of the profile's cells: `StatisticResult.error` bounds how far each is off."""


class Kind(StrEnum):
    """What a feature holds."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class Reason(StrEnum):
    """Why the verdict is what it is."""

    INSUFFICIENT_DATA = "insufficient_data"
    """Fewer rows than the minimum, in either window: no verdict."""

    ABSENT = "absent"
    """The current window has no such column: no verdict."""

    TYPE_CHANGED = "type_changed"
    """The column of the current window holds something else: no verdict."""

    NO_CHANGE = "no_change"
    """Nothing that chance does not explain."""

    SMALL_CHANGE = "small_change"
    """Certain, but below the smallest shift that matters: reported, not alarmed."""

    SEASONAL = "seasonal"
    """Certain and large, but no larger than is usual for this slot of the calendar."""

    DRIFT = "drift"
    """Certain, and larger than the smallest shift that matters."""


class StatisticResult(NamedTuple):
    """What one statistic says of one feature.

    Attributes:
        value: the statistic, or None where it does not apply or a window is empty.
        p_value: the chance of such a value or a larger one without drift, or None where the statistic has none.
        excess: the statistic without what chance alone gives at these numbers of rows, at least 0, or None.
        error: at most how far `value` is from the exact one; 0 in exact mode with all rows of the reference.
    """

    value: float | None
    p_value: float | None = None
    excess: float | None = None
    error: float = 0.0


class Bin(NamedTuple):
    """One bin of a feature, ready to draw.

    Attributes:
        label: the range or the category; `missing`, `-inf`, `inf` and `new` are bins of their own.
        reference: its share of the reference rows, 0 to 1.
        current: its share of the current rows, 0 to 1.
    """

    label: str
    reference: float
    current: float

    @property
    def moved(self) -> float:
        """By how much the share changed, -1 to 1."""
        return self.current - self.reference


class TailChange(NamedTuple):
    """Rows far out, of which there are more or fewer than in the reference.

    Attributes:
        upper: whether they are the highest values, else the lowest.
        threshold: the value beyond which they lie, as people read it; empty where it is the mean that moved.
        reference: their share of the reference, 0 to 1; 0 for the mean.
        current: their share of the current window, 0 to 1; 0 for the mean.
    """

    upper: bool
    threshold: str
    reference: float
    current: float


class FeatureDrift(NamedTuple):
    """What is said of one feature: a named tuple, because a report makes fifty of them within its half millisecond.

    Attributes:
        name: the feature.
        kind: what it holds.
        drifted: the verdict.
        reason: why.
        strength: how strong the change is, in sd: a normal feature would have to shift by so much to change its
            distribution as far (Kolmogorov-Smirnov and Jensen-Shannon, whichever says more), chance removed; 0 to 6.
        shift: where the values went, in sd: positive when they rose, from the ranks alone; None for categories.
        p_value: the chance of such a change or a larger one without drift, over all that the verdict rests on.
        q_value: the same after Benjamini-Hochberg over all features; the verdict compares it with the threshold.
        usual: the strength that is usual for this slot of the calendar, in sd; 0 without a calibration.
        statistics: the names of those that are on, in the order of `core.statistics`.
        results: what each of them says.
        n_reference: reference rows that are not missing.
        n_current: current rows that are not missing.
        n_effective: how many independent rows the current rows are worth: those that follow each other are alike.
        labels: the names of the bins; a name is empty where a feature has fewer bins than others.
        reference: reference rows a bin.
        current: current rows a bin.
        means: of the finite values of the reference and of the window; None for categories and where there are none.
        tail: the rows far out that changed, or the mean, where these are evidence enough by themselves.
    """

    name: str
    kind: Kind
    drifted: bool
    reason: Reason
    strength: float
    shift: float | None
    p_value: float
    q_value: float
    usual: float
    statistics: tuple[str, ...]
    results: tuple[StatisticResult, ...]
    n_reference: int
    n_current: int
    n_effective: float
    labels: tuple[str, ...]
    reference: tuple[int, ...]
    current: tuple[int, ...]
    means: tuple[float | None, float | None]
    tail: TailChange | None

    @property
    def tests(self) -> dict[str, StatisticResult]:
        """What each statistic that is on says, by its name."""
        return dict(zip(self.statistics, self.results, strict=True))

    @property
    def dependent(self) -> bool:
        """Whether the rows are worth clearly fewer independent ones."""
        return self.n_effective < _IN_FULL * self.n_current

    @property
    def bins(self) -> tuple[Bin, ...]:
        """The bins that hold a row in either window, in order, ready to draw."""
        n, m = max(sum(self.reference), 1), max(sum(self.current), 1)
        rows = zip(self.labels, self.reference, self.current, strict=True)
        return tuple(Bin(label, old / n, new / m) for label, old, new in rows if old or new)

    @property
    def moved(self) -> tuple[Bin, ...]:
        """The bins, those first that moved most."""
        return tuple(sorted(self.bins, key=lambda part: -abs(part.moved)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What is said of a window.

    Attributes:
        features: one entry a feature, in the order of the profile.
        drifted: the names of the features that drifted, in the same order.
        reason: why the window as a whole is said to have drifted or not.
        mode: how the statistics were computed.
        n_reference: rows of the reference window.
        n_current: rows of the current window.
        shift_threshold: the smallest shift that matters, in sd.
        left_out: why, by the name of each feature of the profile that is not compared.
        joint: what is said of how features go together; None where there are too few rows or features, or only counts.
    """

    features: tuple[FeatureDrift, ...]
    drifted: tuple[str, ...]
    reason: Reason
    mode: Mode
    n_reference: int
    n_current: int
    shift_threshold: float
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    joint: JointDrift | None = None

    @property
    def joint_drifted(self) -> bool:
        """Whether features no longer go together as they did."""
        return self.joint is not None and self.joint.drifted

    @property
    def strength(self) -> float:
        """The strongest drift, in sd; 0 when nothing drifted."""
        return max((feature.strength for feature in self.features if feature.drifted), default=0.0)

    @property
    def share(self) -> float:
        """The share of features that drifted, 0 to 1."""
        return len(self.drifted) / max(len(self.features), 1)

    @property
    def ranked(self) -> tuple[FeatureDrift, ...]:
        """The features, drifted ones first, then by strength."""
        return tuple(sorted(self.features, key=lambda feature: (not feature.drifted, -feature.strength)))

    def __getitem__(self, name: str) -> FeatureDrift:
        """The feature of that name."""
        for feature in self.features:
            if feature.name == name:
                return feature
        raise KeyError(name)
