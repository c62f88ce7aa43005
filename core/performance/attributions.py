"""Attribution drift: how much each feature adds to predictions, compared with the reference.

References:
    Google Cloud, Vertex AI, Attribution: `featureAttributions` maps each feature to a number, or to nested lists of numbers.
    Google Cloud, Monitor feature attribution skew and drift.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from core.drift.columns import Column, Floats, array
from core.performance import student
from core.performance.blocks import blocks
from core.performance.reference import FEWEST_ROWS


class Attribution(NamedTuple):
    """The absolute attribution of a feature in a window.

    Attributes:
        mean: of the absolute attributions.
        deviation: their standard deviation.
        rows: how many predictions have one.
        between: standard deviation of the mean between parts of the reference as long as a window, sampling taken off.
        blocks: how many parts that comes from; 0 where it is not known.
    """

    mean: float
    deviation: float
    rows: int
    between: float = 0.0
    blocks: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributionShift:
    """The attribution of a feature beside that of the reference.

    Attributes:
        feature: its name.
        reference: in the reference.
        current: in the window.
        shift: difference of the means, in standard deviations of the reference.
        p_value: the chance of such a difference or a larger one without a change.
    """

    feature: str
    reference: Attribution
    current: Attribution
    shift: float
    p_value: float


def read_attributions(column: Column) -> dict[str, Floats]:
    """The absolute attributions of every feature that the log names; shape (n,) each, NaN where a row lacks it.

    A value is an object of numbers by feature, as text or as the warehouse reads JSON; or what Vertex AI gives: one with
    `featureAttributions`, or an explanation with `attributions`, of which the first counts. Nested lists are added up.

    >>> read_attributions(['{"age": -2.0}', {"attributions": [{"featureAttributions": {"age": [1, 2]}}]}, None])["age"].tolist()
    [2.0, 3.0, nan]
    """
    values = array("attributions", column).tolist()
    found: dict[str, Floats] = {}
    for row, value in enumerate(values):
        for name, number in _numbers(value):
            if name not in found:
                found[name] = np.full(len(values), np.nan)
            found[name][row] = abs(number)
    return found


def learn_attributions(column: Column, seconds: Floats, *, window: float) -> dict[str, Attribution]:
    """What is usual of every feature, from the rows of a reference.

    Args:
        column: of the attributions, shape (n,).
        seconds: the instant of each row, shape (n,).
        window: how long a window is, in seconds.
    """
    return {name: _with_blocks(values, seconds, window) for name, values in read_attributions(column).items()}


def compare_attributions(reference: Mapping[str, Attribution], column: Column) -> tuple[AttributionShift, ...]:
    """The attribution of each feature of the reference beside that of a window, the least likely change first.

    Of a feature that no row of the window names, every attribution is 0.
    """
    found = read_attributions(column)
    if not found:
        return ()
    rows = int(np.any(~np.isnan(list(found.values())), axis=0).sum())
    shifts = [
        _shift(name, old, _summed(found[name]) if name in found else Attribution(0.0, 0.0, rows))
        for name, old in reference.items()
    ]
    return tuple(sorted(shifts, key=lambda one: (one.p_value, -abs(one.shift))))


def _numbers(value: Any) -> Iterator[tuple[str, float]]:  # noqa: ANN401 - whatever a column holds
    """The attributions of one prediction; none where it has none that can be read."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return
    if isinstance(value, Mapping) and isinstance(value.get("attributions"), Sequence) and value["attributions"]:
        value = value["attributions"][0]
    if isinstance(value, Mapping) and isinstance(value.get("featureAttributions"), Mapping):
        value = value["featureAttributions"]
    for name, number in value.items() if isinstance(value, Mapping) else ():
        total = _total(number)
        if math.isfinite(total):
            yield str(name), total


def _total(value: Any) -> float:  # noqa: ANN401 - whatever JSON holds
    if isinstance(value, bool) or not isinstance(value, int | float | list):
        return math.nan
    if isinstance(value, list):
        return sum(map(_total, value)) if value else math.nan
    return float(value)


def _summed(values: Floats) -> Attribution:
    known = values[~np.isnan(values)]
    if not known.size:
        return Attribution(0.0, 0.0, 0)
    return Attribution(float(known.mean()), float(known.std()), int(known.size))


def _with_blocks(values: Floats, seconds: Floats, window: float) -> Attribution:
    whole = _summed(values)
    parts = [values[places] for places in blocks(seconds, ~np.isnan(values), length=window, fewest_rows=FEWEST_ROWS)]
    if not parts:
        return whole
    means = np.array([part.mean() for part in parts])
    chance = float(np.mean([part.var() / part.size for part in parts]))
    return whole._replace(between=math.sqrt(max(float(means.var(ddof=1)) - chance, 0.0)), blocks=len(parts))


def _shift(name: str, old: Attribution, new: Attribution) -> AttributionShift:
    change = new.mean - old.mean
    variance = sum(one.deviation**2 / one.rows for one in (old, new) if one.rows)
    degrees = math.inf
    if old.blocks and old.between:
        extra = old.between**2 * (1 + 1 / old.blocks)
        degrees = (old.blocks - 1) * ((variance + extra) / extra) ** 2
        variance += extra
    chance = student.p_value(change / math.sqrt(variance), degrees) if variance else float(change == 0)
    shift = change / old.deviation if old.deviation else math.copysign(math.inf, change) if change else 0.0
    return AttributionShift(feature=name, reference=old, current=new, shift=shift, p_value=chance)
