"""Names and numbers as people read them, the same in the terminal and on the page."""

import math
from collections.abc import Sequence

from core.drift import (
    DataQualityIssue,
    DataQualityIssueKind,
    FeatureDrift,
    JointDrift,
    Kind,
    LeftOut,
    Reason,
    StatisticResult,
    Thresholds,
)
from core.drift.judge import describe_pair
from functions.cli.drift.bars import Bar, minus

VERDICTS = {
    Reason.DRIFT: "drifted",
    Reason.SMALL_CHANGE: "small change",
    Reason.SEASONAL: "seasonal",
    Reason.NO_CHANGE: "no change",
    Reason.INSUFFICIENT_DATA: "too few rows",
    Reason.ABSENT: "absent",
    Reason.TYPE_CHANGED: "type changed",
}

REASONS = {
    LeftOut.IDENTIFIER: "almost every row has its own value, as of an identifier (--categorical or --numeric NAME compares it)",
    LeftOut.TIMESTAMP: "holds times (--categorical or --numeric NAME compares it)",
    LeftOut.CONSTANT: "constant in the reference",
}
"""Why a feature is left out, in words."""

_LARGEST = 6.0  # a `strength` goes no further, as FeatureDrift says
_NAMED = 6
_TINY = 0.001
_COARSE = 100


def show(value: object, *, limit: int = 120) -> str:
    r"""A text from outside in one line: what can not be seen is spelt out, what is too long is cut.

    >>> print(show("a\nb\x1b[31m"))
    a\nb\x1b[31m
    """
    seen = "".join(char if char.isprintable() else repr(char)[1:-1] for char in str(value))
    return seen if len(seen) <= limit else f"{seen[: limit - 1]}…"


def several(names: Sequence[str]) -> str:
    """Names in a sentence: the first ones, quoted, and how many more there are.

    >>> several(["age", "city"])
    "'age', 'city'"
    """
    told = ", ".join(f"'{show(name, limit=60)}'" for name in names[:_NAMED])
    return f"{told} and {len(names) - _NAMED} more" if len(names) > _NAMED else told


def percent(share: float) -> str:
    """A share of the rows.

    >>> percent(0.123), percent(0.0004), percent(0.0), percent(1.0)
    ('12.3%', '< 0.1%', '0%', '100%')
    """
    if 0 < share < _TINY:
        return "< 0.1%"
    return f"{100 * share:.1f}".removesuffix(".0") + "%"


def sd(strength: float) -> str:
    """A strength in sd.

    >>> sd(0.0712), sd(6.0)
    ('0.07', '≥ 6')
    """
    return f"≥ {_LARGEST:g}" if strength >= _LARGEST else f"{strength:.2f}"


def shift(feature: FeatureDrift) -> str:
    """Where the values went, in sd; empty for categories."""
    if feature.shift is None:
        return ""
    if abs(feature.shift) >= _LARGEST:
        return f"{'+' if feature.shift > 0 else minus('-')} {sd(_LARGEST)}"
    return minus(f"{feature.shift:+.2f}") if round(feature.shift, 2) else "0.00"


def chance(q_value: float) -> str:
    """A q-value."""
    return "< 0.001" if q_value < _TINY else f"{q_value:.3f}"


def statistic(test: StatisticResult) -> str:
    """The value of a test; empty where it does not apply."""
    if test.value is None:
        return ""
    return f"{test.value:,.0f}" if test.value >= _COARSE else f"{test.value:.3f}"


def tail(feature: FeatureDrift) -> str:
    """Rows far out and the mean, where these are evidence by themselves; else empty."""
    if feature.tail is None:
        return ""
    old, new = feature.means
    known = old is not None and new is not None and math.isfinite(old) and math.isfinite(new)
    means = f"mean {old:,.4g} → {new:,.4g}" if known else ""
    if not feature.tail.threshold:
        return means
    place = f"{'at or above' if feature.tail.upper else 'below'} {feature.tail.threshold}"
    shares = f"{place}: {100 * feature.tail.reference:.2f}% → {100 * feature.tail.current:.2f}%"
    return f"{shares}, {means}" if means else shares


def mix(found: FeatureDrift | None) -> str:
    """Whether the segments have other shares of the rows now, in words; empty where they do not."""
    if found is None or not found.drifted:
        return ""
    part = found.moved[0]
    name = show(part.label, limit=60) or "(empty text)"
    return f"mix changed: {show(found.name)} {name}: {percent(part.reference)} → {percent(part.current)} of the rows"


def together(joint: JointDrift | None) -> list[str]:
    """How features go together where that changed, a line a pair."""
    if joint is None or not joint.drifted:
        return []
    lines = [describe_pair(one).removesuffix(" now").replace(" then,", " →") for one in joint.pairs]
    return lines or [f"a classifier tells the files apart (AUC {joint.auc:.2f}), by no pair of features alone"]


def label(bar: Bar) -> str:
    """The name of a bin."""
    return show(bar.label, limit=60) or "(empty text)"


def move(bar: Bar) -> str:
    """Change of a bin."""
    return f"{label(bar)}: {percent(bar.reference)} → {percent(bar.current)}"


def direction(feature: FeatureDrift) -> str:
    """What a change looks like, in words."""
    if feature.kind is Kind.CATEGORICAL:
        return "The shares of the categories changed."
    if feature.shift is None:
        return "One of the files has no value."
    if abs(feature.shift) < feature.strength / 3:
        return "The median is unchanged; the spread or shape changed."
    return f"The values {'rose' if feature.shift > 0 else 'fell'} by {sd(abs(feature.shift))} sd."


def effective_size(feature: FeatureDrift) -> str:
    """The effective sample size of a feature, in words."""
    return f"{show(feature.name)}: {feature.n_current:,} rows, effective sample size {feature.n_effective:,.0f}"


def issue(found: DataQualityIssue) -> str:
    """What is wrong with a column, in words."""
    share, limit = percent(found.value), percent(found.limit)
    said = {
        DataQualityIssueKind.ABSENT: "the column is missing",
        DataQualityIssueKind.TYPE_CHANGED: "the type changed",
        DataQualityIssueKind.MISSING: f"{share} missing, at most {limit} expected",
        DataQualityIssueKind.INFINITE: f"{share} infinite, at most {limit} expected",
        DataQualityIssueKind.OUT_OF_RANGE: f"{share} out of range, at most {limit} expected",
        DataQualityIssueKind.NEW_CATEGORY: f"{share} in new categories",
        DataQualityIssueKind.VARIES: f"{share} differ from the one value of the reference",
        DataQualityIssueKind.CONSTANT: "constant, and was not",
    }.get(found.kind, found.kind.value)
    return f"{show(found.feature)}: {said}{f' ({show(found.detail)})' if found.detail else ''}"


def policy(thresholds: Thresholds) -> str:
    """When a change is called drift, in a sentence."""
    return (
        f"Drift is a statistically significant change (false alarms below {percent(thresholds.false_alarms)}) that is at "
        f"least as strong as a shift by {thresholds.shift:g} sd."
    )
