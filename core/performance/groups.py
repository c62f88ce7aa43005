"""Performance by group: the values of a column, and the largest gap between two of them.

References:
    Hardt, Price and Srebro (2016), Equality of opportunity in supervised learning.
    Dunn (1961), Multiple comparisons among means: Bonferroni's correction over the pairs of groups.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from core.drift.columns import Column, array, spell_all
from core.measures import Better, measure_of
from core.performance.columns import require_equal
from core.performance.intervals import Estimate
from core.performance.meter import Measures, Meter
from core.performance.rows import Rows, missing

MOST_GROUPS = 20
"""So many groups of a column, the most frequent, are measured."""
FEWEST_ROWS = 30
"""A metric of a group from fewer rows is not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """The largest gap of a metric between two groups of a column.

    Attributes:
        segment: the column.
        metric: the measure.
        best: the group that is served best.
        worst: the group that is served worst.
        size: the gap, 0 and up, with a 95 % interval that holds for every pair of groups together.
        p_value: the chance of such a gap between any two of the groups, or a larger one, where all are alike.
        groups: the metric of every group that is compared.
    """

    segment: str
    metric: str
    best: str
    worst: str
    size: Estimate
    p_value: float
    groups: Mapping[str, Estimate]


def by_group(meter: Meter, rows: Rows, column: Column) -> dict[str, Measures]:
    """The performance of every group, by the rows that have a label; the most frequent group first.

    Args:
        meter: of the model's task.
        rows: of the window.
        column: the group of each row, shape (n,); rows without one are passed over.

    Raises:
        ProfileError: the lengths differ, a score or a label is not what the task says.
    """
    values = array("group", column)
    require_equal("score", len(rows.score), "group", values.size)
    known = np.flatnonzero(rows.labelled & ~missing(values))
    words = np.array(spell_all(values[known].tolist()), dtype=object)
    frequent = [word for word, _ in Counter(words.tolist()).most_common(MOST_GROUPS)]
    return {word: meter.measure(rows.take(known[words == word])) for word in frequent}


def largest_gap(segment: str, metric: str, groups: Mapping[str, Measures]) -> Gap | None:
    """The largest gap of a metric between two groups; None where fewer than two have it from rows enough.

    >>> groups = {"Rome": {"accuracy": Estimate(0.9, 0.88, 0.92, 900)}, "Oslo": {"accuracy": Estimate(0.8, 0.77, 0.83, 700)}}
    >>> gap = largest_gap("city", "accuracy", groups)
    >>> gap.best, gap.worst, round(gap.size.value, 3), f"{gap.size.low:.3f} to {gap.size.high:.3f}"
    ('Rome', 'Oslo', 0.1, '0.064 to 0.136')
    """
    found = {
        name: one
        for name, measures in groups.items()
        if (one := measures.get(metric)) is not None and one.value is not None and one.rows >= FEWEST_ROWS
    }
    if len(found) < 2:  # noqa: PLR2004 - a gap is between two
        return None
    ranked = sorted(found, key=lambda name: _goodness(metric, found[name]))
    worst, best = ranked[0], ranked[-1]
    pairs = len(found) * (len(found) - 1) // 2
    size = abs(_goodness(metric, found[best]) - _goodness(metric, found[worst]))
    error = math.hypot(found[best].error, found[worst].error)
    reach = NormalDist().inv_cdf(1 - 0.025 / pairs) * error
    rows = found[best].rows + found[worst].rows
    chance = math.erfc(size / error / math.sqrt(2)) if error else float(size == 0)
    return Gap(
        segment=segment,
        metric=metric,
        best=best,
        worst=worst,
        size=Estimate(size, max(size - reach, 0.0), size + reach, rows),
        p_value=min(chance * pairs, 1.0),
        groups=found,
    )


def gaps(meter: Meter, rows: Rows, segments: Mapping[str, Column], metrics: Iterable[str]) -> tuple[Gap, ...]:
    """The largest gap of each metric between the groups of each column, where there are two groups to compare.

    Raises:
        ProfileError: the lengths differ, a score or a label is not what the task says.
    """
    names = tuple(metrics)
    measured = {segment: by_group(meter, rows, column) for segment, column in segments.items()}
    found = (largest_gap(segment, name, groups) for segment, groups in measured.items() for name in names)
    return tuple(gap for gap in found if gap is not None)


def _goodness(metric: str, one: Estimate) -> float:
    """Higher where a value is better."""
    value = one.value or 0.0
    match measure_of(metric).better:
        case Better.HIGHER:
            return value
        case Better.LOWER:
            return -value
        case Better.NEARER_ZERO:
            return -abs(value)
