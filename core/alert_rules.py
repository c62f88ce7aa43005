"""Alert rules whose metric is absent: such a rule cannot fire, and what it is about is not known.

An alert rule gives no result both where nothing is wrong and where its metric is absent. So it is asked apart, rule by rule, which
metrics have had a value within the range that the rule looks at. A metric that was there within `SEEN_WITHIN` and is gone becomes a
finding; one that has not been there for so long is only shown as not known: it may be of a system that nobody has.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.detection import NO_VERDICT, ConditionSpec, NoVerdict, Observation, Outcome, Verdict
from core.incidents.grouping import SEPARATOR
from core.patterns import any_matches
from core.promql import longest_ranges
from core.settings import AlertRuleSettings
from core.text import duration

SOURCE = "alert_rules"
TARGETS = "rules/"
"""The targets: one for each file of rules, so that what many rules lack is one incident."""
SEEN_WITHIN = timedelta(days=7)
"""A metric is missed that was there so long before the range that the rule looks at."""
LEAST_RANGE = timedelta(minutes=20)
"""Some functions write every quarter of an hour."""
EVERY = timedelta(minutes=5)
"""How often it is asked."""
_IN_A_QUERY = 20
_OF_FAILURES = re.compile(r"otelcol_exporter_(?:send|enqueue)_failed_\w+")
"""Counters that begin with the first failure, and are gone after a restart: that one is absent says nothing."""
_KIND = "data"


class RuleReason(StrEnum):
    """Reason of a verdict."""

    MEASURED = "measured"
    ABSENT_METRIC = "absent_metric"
    ANSWERED = "answered"
    NOT_ANSWERED = "not_answered"
    """Prometheus, or Cloud Monitoring, does not say which metrics there are."""
    NO_RULE = "no_rule"
    """The rule is gone, or set as unused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """An alert rule.

    Attributes:
        name: of the alert.
        area: the name of its file, as in `models`.
        expr: its PromQL expression.
    """

    name: str
    area: str
    expr: str

    @property
    def watches_absence(self) -> bool:
        """Whether it fires by itself where its metric is absent."""
        return "absent_over_time(" in self.expr

    @property
    def needs(self) -> tuple["Need", ...]:
        """The metrics that it needs, each over its longest range."""
        ranges = longest_ranges(self.expr).items()
        return tuple(Need(name, max(span, LEAST_RANGE)) for name, span in ranges if not _OF_FAILURES.fullmatch(name))


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """A metric that must have had a value within a time."""

    metric: str
    within: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleState:
    """What is known of an alert rule.

    Attributes:
        rule: the rule.
        absent: the metrics that it needs and that have no value.
        missed: those of them that had one within `SEEN_WITHIN`.
    """

    rule: AlertRule
    absent: tuple[str, ...] = ()
    missed: tuple[str, ...] = ()


def watched(rules: Iterable[AlertRule], settings: AlertRuleSettings) -> tuple[AlertRule, ...]:
    """The rules that are looked at: those with a metric, which do not watch its absence themselves and are not unused."""
    return tuple(
        rule
        for rule in rules
        if rule.needs and not rule.watches_absence and not any_matches(settings.unused, rule.name)
    )


def queries(needs: Collection[Need]) -> Iterator[str]:
    """PromQL queries whose results have one series, with the labels `metric` and `within`, for each need that is met.

    >>> next(queries([Need("up", timedelta(minutes=5))]))
    'label_replace(label_replace(count(last_over_time(up[300s])), "metric", "up", "", ""), "within", "300", "", "")'
    """
    terms = [_query(need) for need in sorted(needs)]
    for first in range(0, len(terms), _IN_A_QUERY):
        yield " or ".join(terms[first : first + _IN_A_QUERY])


def _query(need: Need) -> str:
    seconds = int(need.within.total_seconds())
    counted = f"count(last_over_time({need.metric}[{seconds}s]))"
    return f'label_replace(label_replace({counted}, "metric", "{need.metric}", "", ""), "within", "{seconds}", "", "")'


def met(results: Iterable[Mapping[str, str]]) -> frozenset[Need]:
    """The needs that the labels of the results of `queries` name."""
    return frozenset(Need(labels["metric"], timedelta(seconds=int(labels["within"]))) for labels in results)


def states(rules: Iterable[AlertRule], there: Collection[Need], seen: Collection[str]) -> tuple[RuleState, ...]:
    """What is known of each rule.

    Args:
        rules: those that are watched.
        there: the needs that are met.
        seen: the metrics that are not there and were within `SEEN_WITHIN`.
    """
    found = []
    for rule in rules:
        absent = tuple(need.metric for need in rule.needs if need not in there)
        found.append(RuleState(rule=rule, absent=absent, missed=tuple(name for name in absent if name in seen)))
    return tuple(found)


def key(rule: AlertRule) -> str:
    """The key of its condition."""
    return spec(rule.area, rule.name).key


def spec(area: str, name: str, settings: AlertRuleSettings | None = None) -> ConditionSpec:
    """The condition of a rule, which never fires; its finding is about the rule, and one of many of its area."""
    settings = settings or AlertRuleSettings()
    about = f"{SEPARATOR}rule/{name}"
    no_verdict = NoVerdict(
        after=settings.no_verdict_after, severity=settings.no_verdict_severity, kind=f"{NO_VERDICT}{about}"
    )
    return ConditionSpec(
        target=f"{TARGETS}{area}",
        kind=f"{_KIND}{about}",
        source=SOURCE,
        runbook="system.md#no-verdict",
        cumulative=True,  # a rule that has data leaves nothing to remember
        no_verdict=no_verdict,
    )


def of_answer(fault: Exception | None, at: datetime, settings: AlertRuleSettings) -> Observation:
    """The verdict on the check itself: where metrics cannot be asked for, it is not known of any rule whether it has data.

    Args:
        fault: why there was no answer, or None where there was one.
        at: the instant of the tick.
        settings: when it becomes a finding.
    """
    verdict = Verdict(outcome=Outcome.GOOD, reason=RuleReason.ANSWERED, summary="alert rules were checked for data")
    if fault is not None:
        text = f"alert rules were not checked for data: {fault}"
        verdict = Verdict(outcome=Outcome.NOT_KNOWN, reason=RuleReason.NOT_ANSWERED, summary=text)
    return _observation("all", "all", verdict, at, settings)


def observations(
    found: Sequence[RuleState], waiting: Collection[str], at: datetime, settings: AlertRuleSettings
) -> tuple[Observation, ...]:
    """The verdicts on rules that are to be counted: those that lack a metric, and those that lacked one before.

    Args:
        found: what is known of each rule.
        waiting: the keys of the conditions that were not known before.
        at: the instant of the tick.
        settings: when it becomes a finding.
    """
    counted = []
    for one in found:
        known = key(one.rule) in waiting
        if one.missed or (one.absent and known):
            counted.append(_observation(one.rule.area, one.rule.name, _absent(one), at, settings))
        elif known:
            counted.append(_observation(one.rule.area, one.rule.name, _measured(one), at, settings))
    current = {key(one.rule) for one in found}
    counted += [_gone(name, at, settings) for name in sorted(waiting) if name not in current]
    return tuple(counted)


def _observation(area: str, name: str, verdict: Verdict, at: datetime, settings: AlertRuleSettings) -> Observation:
    return Observation(spec=spec(area, name, settings), verdict=verdict, at=at)


def _absent(state: RuleState) -> Verdict:
    longest = {need.metric: need.within for need in state.rule.needs}
    names = ", ".join(f"{name} (for {duration(longest[name])})" for name in state.missed or state.absent)
    text = f"alert rule {state.rule.name} cannot fire: no value of {names}"
    return Verdict(outcome=Outcome.NOT_KNOWN, reason=RuleReason.ABSENT_METRIC, summary=text)


def _measured(state: RuleState) -> Verdict:
    text = f"alert rule {state.rule.name} has data"
    return Verdict(outcome=Outcome.GOOD, reason=RuleReason.MEASURED, summary=text)


def _gone(condition: str, at: datetime, settings: AlertRuleSettings) -> Observation:
    """The verdict on a rule that is looked at no more, by the key of its condition."""
    area, _, kind = condition.removeprefix(TARGETS).partition(":")
    name = kind.rpartition("/")[2]
    text = f"alert rule {name} is gone or unused"
    verdict = Verdict(outcome=Outcome.GOOD, reason=RuleReason.NO_RULE, summary=text)
    return _observation(area, name, verdict, at, settings)
