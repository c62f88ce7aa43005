"""How two versions of a model differ: parameters, metrics and windows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.versions.version import Metric, Version


@dataclass(frozen=True, slots=True)
class Pair:
    """One thing in both versions; None where a version does not have it."""

    before: Any
    after: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDifference:
    """One metric in both versions.

    Attributes:
        before: in the first version, or None.
        after: in the second one, or None.
        change: after less before, or None where either is missing.
        overlap: whether the intervals have a point in common; None where either has no interval. Intervals that do not
            overlap differ beyond chance; those that overlap may differ as well.
    """

    before: Metric | None
    after: Metric | None
    change: float | None
    overlap: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs between two versions of one model.

    Attributes:
        parameters: those with other values, by name.
        metrics: all of both, by name.
        windows: starts and ends that differ, by attribute.
        lineage: where they came from, as far as it differs, by attribute.
    """

    parameters: Mapping[str, Pair] = field(default_factory=dict)
    metrics: Mapping[str, MetricDifference] = field(default_factory=dict)
    windows: Mapping[str, Pair] = field(default_factory=dict)
    lineage: Mapping[str, Pair] = field(default_factory=dict)


_WINDOWS = ("reference_start", "reference_end", "trained_from", "trained_until", "held_out_until")
_LINEAGE = ("pipeline", "run_id", "template", "git", "requested_by")


def diff(before: Version, after: Version) -> Difference:
    """What differs from one version to another one of the same model.

    Raises:
        ValueError: they are of different models.

    >>> from datetime import UTC
    >>> from dataclasses import replace
    >>> january, june = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)
    >>> seven = Version(
    ...     model="churn", version="7", reference_start=january, reference_end=june, created_at=june,
    ...     parameters={"rounds": 100}, metrics={"auc": Metric(value=0.7, low=0.68, high=0.72)},
    ... )
    >>> eight = replace(
    ...     seven, version="8", parameters={"rounds": 300}, metrics={"auc": Metric(value=0.75, low=0.73, high=0.77)}
    ... )
    >>> found = diff(seven, eight)
    >>> found.parameters["rounds"], found.metrics["auc"].overlap, dict(found.windows)
    (Pair(before=100, after=300), False, {})
    """
    if before.model != after.model:
        raise ValueError(f"model: must be the same of both versions, got {before.model!r} and {after.model!r}")
    names = sorted({*before.metrics, *after.metrics})
    return Difference(
        parameters=_changed(before.parameters, after.parameters),
        metrics={name: _metric(before.metrics.get(name), after.metrics.get(name)) for name in names},
        windows=_changed(_attributes(before, _WINDOWS), _attributes(after, _WINDOWS)),
        lineage=_changed(_attributes(before, _LINEAGE), _attributes(after, _LINEAGE)),
    )


def _attributes(version: Version, names: tuple[str, ...]) -> dict[str, datetime | str | None]:
    return {name: getattr(version, name) for name in names}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Pair]:
    names = sorted({*before, *after})
    pairs = {name: Pair(before.get(name), after.get(name)) for name in names}
    return {name: pair for name, pair in pairs.items() if _differs(pair)}


def _differs(pair: Pair) -> bool:
    # 1 and 1.0 are one number, True and 1 are not one value.
    return pair.before != pair.after or isinstance(pair.before, bool) != isinstance(pair.after, bool)


def _metric(before: Metric | None, after: Metric | None) -> MetricDifference:
    return MetricDifference(
        before=before,
        after=after,
        change=after.value - before.value if before and after else None,
        overlap=_overlap(before, after) if before and after else None,
    )


def _overlap(before: Metric, after: Metric) -> bool | None:
    if before.low is None or before.high is None or after.low is None or after.high is None:
        return None
    return before.low <= after.high and after.low <= before.high
