"""Verdicts on the performance of a model at one tick."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from core.detection import Outcome, Verdict
from core.events import Severity
from core.measures import GENERATIVE, Better, Unit, measure_of
from core.performance.comparison import Comparison, Standing, Trend, stands
from core.performance.groups import Gap
from core.performance.intervals import Estimate
from core.performance.meter import Measures
from core.text import percent

_ERROR_BELOW, _CRITICAL_BELOW = 0.05, 0.15
_ERROR_ABOVE, _CRITICAL_ABOVE = 0.25, 1.0
_DOUBTFUL = 0.1
"""A change that matters, with a smaller p-value than this one, is no recovery yet."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Reason(StrEnum):
    """Why the verdict is what it is."""

    LABELLED = "labelled"
    """Enough labels have arrived."""

    BELOW_FLOOR = "below_floor"
    """The accuracy and its whole confidence interval are below the floor."""
    DOUBTFUL = "doubtful"
    """A limit is broken, or performance is worse, but not significantly: no conclusion."""
    ABOVE_FLOOR = "above_floor"
    """The accuracy is at the floor or above."""
    NO_FLOOR = "no_floor"
    """The settings have no floor."""
    BEYOND_LIMIT = "beyond_limit"
    """At least one metric and its whole confidence interval are beyond its limit."""
    WITHIN_LIMITS = "within_limits"
    """Every metric is at its limit or better."""
    GAP = "gap"
    """A group is served significantly worse than another one, and by more than the limit."""
    NO_GAP = "no_gap"
    """No gap between groups is above its limit."""
    ATTRIBUTIONS_DRIFTED = "attributions_drifted"
    """At least one feature adds to predictions more or less than it did."""
    DEGRADED = "degraded"
    """At least one metric is significantly worse, and by as much as matters."""
    STEADY = "steady"
    """No metric is worse by as much as matters."""
    NO_REFERENCE = "no_reference"
    """There is nothing to compare with."""
    INSUFFICIENT_DATA = "insufficient_data"
    """Too few rows or labels: nothing is concluded."""


def of_accuracy(
    model: str, *, accuracy: Estimate, floor: float | None, minimum: int, evidence: Mapping[str, str] = _NOTHING
) -> Verdict:
    """Conclude from the labels that have arrived.

    It is bad once the floor is certain to be undercut, and good once the accuracy is the floor or better; in between
    nothing is concluded, so that chance neither opens an incident nor closes it.

    Args:
        model: the model's name, for the summary.
        accuracy: the share of labelled predictions that were right, with its confidence interval.
        floor: the accuracy floor, if the settings have one.
        minimum: with fewer labels nothing is concluded.
        evidence: what supports it, as short texts by name.

    >>> of_accuracy("churn", accuracy=Estimate(0.81, 0.783, 0.834, 900), floor=0.85, minimum=200).summary
    'churn: accuracy 81% (78.3% to 83.4%) on 900 labelled predictions, floor 85%'
    >>> of_accuracy("churn", accuracy=Estimate(0.84, 0.815, 0.862, 900), floor=0.85, minimum=200).reason
    <Reason.DOUBTFUL: 'doubtful'>
    >>> of_accuracy("churn", accuracy=Estimate(0.81, 0.48, 0.95, 9), floor=0.85, minimum=200).reason
    <Reason.INSUFFICIENT_DATA: 'insufficient_data'>
    """
    if accuracy.value is None or accuracy.rows < minimum:
        text = f"{model}: {accuracy.rows} labels have arrived, {minimum} required"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.INSUFFICIENT_DATA, summary=text)
    ends = " to ".join(percent(end) for end in (accuracy.low, accuracy.high) if end is not None)
    interval = f"{percent(accuracy.value)} ({ends})"
    text = f"{model}: accuracy {interval} on {accuracy.rows} labelled predictions"
    if floor is None:
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.NO_FLOOR, summary=text)
    below, certain = accuracy.value < floor, stands(accuracy, floor) is Standing.BELOW
    return Verdict(
        outcome=Outcome.NOT_KNOWN if below and not certain else Outcome.of(bad=below),
        reason=Reason.BELOW_FLOOR if certain else Reason.DOUBTFUL if below else Reason.ABOVE_FLOOR,
        summary=f"{text}, floor {percent(floor)}",
        severity=accuracy_severity(accuracy.value, floor),
        value=accuracy.value,
        threshold=floor,
        unit="ratio",
        evidence=evidence,
    )


def accuracy_severity(accuracy: float, floor: float) -> Severity:
    """How bad an accuracy is, by how far it lies below the floor.

    >>> [accuracy_severity(value, 0.85).value for value in (0.84, 0.78, 0.6)]
    ['warning', 'error', 'critical']
    """
    below = floor - accuracy
    if below >= _CRITICAL_BELOW:
        return Severity.CRITICAL
    return Severity.ERROR if below >= _ERROR_BELOW else Severity.WARNING


def of_limits(
    model: str,
    found: Measures,
    limits: Mapping[str, float],
    *,
    minimum: int,
    evidence: Mapping[str, str] = _NOTHING,
) -> Verdict:
    """Conclude whether every metric keeps its limit: a floor where higher is better, a ceiling where lower is.

    As with the accuracy: bad once a limit is certain to be broken, good once every metric is at its limit or better.

    Args:
        model: the model's name, for the summary.
        found: the metrics by the labels that have arrived.
        limits: by measure; that of a measure of classes holds for every class.
        minimum: of metrics from fewer rows nothing is concluded.
        evidence: what supports it beside the metrics that are beyond their limits.

    >>> of_limits("eta", {"mae": Estimate(12.4, 11.9, 12.9, 900)}, {"mae": 10.0}, minimum=200).summary
    'eta: mean absolute error 12.4 (11.9 to 12.9) on 900 labelled predictions, ceiling 10'
    """
    judged = sorted(
        (one for one in limited(found, limits) if one.estimate.value is not None and one.estimate.rows >= minimum),
        key=lambda one: -one.excess,
    )
    if not judged:
        known = Reason.INSUFFICIENT_DATA if limits else Reason.NO_FLOOR
        text = f"{model}: {'too few labels have arrived' if limits else 'no limits are set'}"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=known, summary=text)
    certain = [one for one in judged if one.is_broken]
    doubtful = not certain and judged[0].excess > 0
    first = certain[0] if certain else judged[0]
    reason = Reason.BEYOND_LIMIT if certain else Reason.DOUBTFUL if doubtful else Reason.WITHIN_LIMITS
    return Verdict(
        outcome=Outcome.NOT_KNOWN if doubtful else Outcome.of(bad=bool(certain)),
        reason=reason,
        summary=f"{model}: {first.spelt}",
        severity=first.severity,
        value=first.estimate.value,
        threshold=first.limit,
        unit=_unit(first.metric),
        evidence={**{measure_of(one.metric).title: one.spelt for one in certain}, **evidence},
    )


def of_gaps(model: str, found: Sequence[Gap], limits: Mapping[str, float], *, certainty: float = 0.01) -> Verdict:
    """Conclude whether groups are served alike: bad once a gap is above its limit and significant, good once none is above it.

    Args:
        model: the model's name, for the summary.
        found: the largest gap of each metric and column.
        limits: of the gap, by measure.
        certainty: the false alarm rate over all gaps together.

    >>> from core.performance.groups import largest_gap
    >>> groups = {"Rome": {"accuracy": Estimate(0.9, 0.88, 0.92, 900)}, "Oslo": {"accuracy": Estimate(0.8, 0.77, 0.83, 700)}}
    >>> of_gaps("churn", [largest_gap("city", "accuracy", groups)], {"accuracy": 0.05}).summary
    'churn: accuracy differs by 10% (6.4% to 13.6%) between Rome and Oslo (city), at most 5% is allowed'
    """
    judged = sorted((gap for gap in found if gap.metric in limits), key=lambda gap: gap.p_value)
    if not judged:
        text = f"{model}: too few labels of two groups have arrived to compare them"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.INSUFFICIENT_DATA, summary=text)
    above = [gap for gap in judged if (gap.size.value or 0.0) > limits[gap.metric]]
    wide = exceeded(judged, limits, certainty=certainty)
    first = (wide or above or judged)[0]
    reason = Reason.GAP if wide else Reason.DOUBTFUL if above else Reason.NO_GAP
    return Verdict(
        outcome=Outcome.NOT_KNOWN if above and not wide else Outcome.of(bad=bool(wide)),
        reason=reason,
        summary=f"{model}: {_spell_gap(first, limits)}",
        severity=Severity.WARNING,
        value=first.size.value,
        threshold=limits[first.metric],
        unit=_unit(first.metric),
        evidence={f"{measure_of(gap.metric).title} by {gap.segment}": _spell_groups(gap) for gap in wide},
    )


def exceeded(found: Sequence[Gap], limits: Mapping[str, float], *, certainty: float = 0.01) -> list[Gap]:
    """The gaps that are above their limit and significant, with Bonferroni's correction over all that have one."""
    judged = [gap for gap in found if gap.metric in limits]
    return [
        gap for gap in judged if (gap.size.value or 0.0) > limits[gap.metric] and gap.p_value <= certainty / len(judged)
    ]


def _spell_gap(gap: Gap, limits: Mapping[str, float]) -> str:
    spell = measure_of(gap.metric).spell
    value, low, high = (spell(end or 0.0) for end in gap.size[:3])
    between = f"between {gap.best} and {gap.worst} ({gap.segment})"
    return f"{title(gap.metric)} differs by {value} ({low} to {high}) {between}, at most {spell(limits[gap.metric])} is allowed"


def _spell_groups(gap: Gap) -> str:
    spell = measure_of(gap.metric).spell
    ends = ((name, gap.groups[name]) for name in (gap.best, gap.worst))
    return "; ".join(f"{name} {spell(one.value or 0.0)} on {one.rows} rows" for name, one in ends)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limited:
    """A metric with its limit.

    Attributes:
        metric: its name.
        estimate: its value.
        limit: its floor or its ceiling.
    """

    metric: str
    estimate: Estimate
    limit: float

    @property
    def is_ceiling(self) -> bool:
        """Whether the limit is a ceiling."""
        return measure_of(self.metric).better is not Better.HIGHER

    @property
    def is_broken(self) -> bool:
        """Whether the value and its whole confidence interval are beyond the limit."""
        return self._standing is Standing.BELOW

    @property
    def excess(self) -> float:
        """By how much the value is beyond the limit: in points of a ratio that shall be high, else as a share of the limit."""
        value = self.estimate.value or 0.0
        if not self.is_ceiling:
            return self.limit - value
        return abs(value) / self.limit - 1 if self.limit else math.inf if value else 0.0

    @property
    def severity(self) -> Severity:
        """How bad it is, by the excess."""
        error, critical = (_ERROR_ABOVE, _CRITICAL_ABOVE) if self.is_ceiling else (_ERROR_BELOW, _CRITICAL_BELOW)
        if self.excess >= critical:
            return Severity.CRITICAL
        return Severity.ERROR if self.excess >= error else Severity.WARNING

    @property
    def spelt(self) -> str:
        """In words."""
        spell = measure_of(self.metric).spell
        value, low, high = (spell(end or 0.0) for end in self.estimate[:3])
        sort = "ceiling" if self.is_ceiling else "floor"
        rows = f"{self.estimate.rows} {_counted(self.metric)}"
        return f"{title(self.metric)} {value} ({low} to {high}) on {rows}, {sort} {spell(self.limit)}"

    @property
    def _standing(self) -> Standing:
        measure, estimate = measure_of(self.metric), self.estimate
        if measure.better is Better.NEARER_ZERO and (estimate.value or 0.0) < 0 and estimate.high is not None:
            value, low, high, rows = estimate
            estimate = Estimate(-(value or 0.0), -(high or 0.0), -(low or 0.0), rows)
        return stands(estimate, self.limit, ceiling=self.is_ceiling)


def limited(found: Measures, limits: Mapping[str, float]) -> list[Limited]:
    """The metrics that have a limit, those of single classes among them."""
    return [
        Limited(metric=name, estimate=one, limit=limits[base])
        for name, one in found.items()
        if (base := name.partition("/")[0]) in limits
    ]


def of_degradation(
    model: str,
    comparisons: Sequence[Comparison],
    *,
    subject: str,
    beside: str,
    minimum: int,
    change: float,
    certainty: float = 0.01,
    severity: Severity = Severity.WARNING,
) -> Verdict:
    """Conclude whether performance has become worse than what it is compared with.

    It is bad once a metric is significantly worse (with Bonferroni's correction over the metrics) and its loss has grown by
    `change`; good once no metric is worse by so much with any significance; in between nothing is concluded.

    Args:
        model: the model's name, for the summary.
        comparisons: of every metric; only those that are watched count.
        subject: what is compared, for the summary.
        beside: what it is compared with, for the summary.
        minimum: of metrics from fewer rows nothing is concluded.
        change: the growth of a loss that matters, as a share: 0.1 where an error rate rises from 10 % to 11 %.
        certainty: the false alarm rate over all metrics together.
        severity: of a bad verdict.

    Returns:
        The verdict; its value is that of the worst metric, its threshold that of what it is compared with.

    >>> fall = Comparison(
    ...     metric="accuracy", reference=Estimate(0.92, 0.91, 0.93, 9000), current=Estimate(0.88, 0.86, 0.9, 900),
    ...     p_value=1e-4, trend=Trend.WORSE,
    ... )
    >>> options = {"subject": "performance", "beside": "in the reference", "minimum": 200, "change": 0.1}
    >>> of_degradation("churn", [fall], **options).summary
    'churn: performance is worse: accuracy 88% (86% to 90%), 92% in the reference'
    """
    watched = [one for one in comparisons if measure_of(one.metric).watched and one.p_value is not None]
    if not watched:
        text = f"{model}: {subject} cannot be compared: no value {beside}"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.NO_REFERENCE, summary=text)
    rows = max(one.current.rows for one in watched)
    if rows < minimum:
        text = f"{model}: {subject} cannot be compared: {rows} rows, {minimum} required"
        return Verdict(outcome=Outcome.NOT_KNOWN, reason=Reason.INSUFFICIENT_DATA, summary=text)
    grown = [one for one in watched if one.growth >= change]
    worse = sorted((one for one in grown if _p(one) <= certainty / len(watched)), key=_p)
    if not worse:
        doubtful = any(_p(one) <= _DOUBTFUL for one in grown)
        return Verdict(
            outcome=Outcome.NOT_KNOWN if doubtful else Outcome.GOOD,
            reason=Reason.DOUBTFUL if doubtful else Reason.STEADY,
            summary=f"{model}: {subject} is {'not certainly worse' if doubtful else 'no worse'} than {beside}",
        )
    first = worse[0]
    return Verdict(
        outcome=Outcome.BAD,
        reason=Reason.DEGRADED,
        summary=f"{model}: {subject} is worse: {_spell(first, beside)}",
        severity=severity,
        value=first.current.value,
        threshold=first.reference.value,
        unit=_unit(first.metric),
        evidence={measure_of(one.metric).title: f"{_spell(one, beside)} (p {_p(one):.2g})" for one in worse},
    )


def worse_metrics(comparisons: Sequence[Comparison], *, change: float, certainty: float = 0.01) -> dict[str, bool]:
    """By watched metric that can be compared, whether it is worse: as `of_degradation` has it."""
    watched = [one for one in comparisons if measure_of(one.metric).watched and one.p_value is not None]
    return {one.metric: one.growth >= change and _p(one) <= certainty / len(watched) for one in watched}


def _p(one: Comparison) -> float:
    return 1.0 if one.p_value is None or one.trend is Trend.UNKNOWN else one.p_value


def _spell(one: Comparison, beside: str) -> str:
    measure, now, before = measure_of(one.metric), one.current, one.reference
    ends = " to ".join(measure.spell(end) for end in (now.low, now.high) if end is not None)
    return (
        f"{title(one.metric)} {measure.spell(now.value or 0.0)} ({ends}), {measure.spell(before.value or 0.0)} {beside}"
    )


def _counted(metric: str) -> str:
    """What a metric comes from."""
    if metric == "ndcg":
        return "queries"
    return "requests" if GENERATIVE in measure_of(metric).tasks else "labelled predictions"


def title(metric: str) -> str:
    """The title of a metric within a sentence.

    >>> title("mae"), title("auc"), title("ndcg")
    ('mean absolute error', 'area under the ROC curve', 'NDCG')
    """
    text = measure_of(metric).title
    return text[0].lower() + text[1:] if text[1:2].islower() else text


def _unit(metric: str) -> str:
    unit = measure_of(metric).unit
    return "" if unit is Unit.LABEL else unit.value
