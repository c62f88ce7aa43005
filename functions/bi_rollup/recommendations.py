"""Recommendations that lower costs, what became of them, and what they have saved: once a day."""

import json
import logging
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TypeVar

from core.business.recommendations import (
    BASE_DAYS,
    IDLE_DAYS,
    SERVING,
    Confidence,
    CostScope,
    MachineUse,
    Recommendation,
    RecommendationKind,
    ServingDay,
    commitment,
    idle_endpoint,
    largest_first,
    oversized_machine,
    unpartitioned_scan,
)
from core.business.savings import (
    BEFORE,
    RecommendationDecision,
    RecommendationState,
    TrackedRecommendation,
    track,
    with_saving,
)
from core.errors import QueryError, UnavailableError
from functions.bi_rollup import table_scans
from functions.bi_rollup.costs import COST_SPAN, billing_of, complete_day, has_billing
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.predictions import PredictionCount
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HISTORY, HOUR

SHOWN = 20
"""Open recommendations with a metric of their own, those that save most."""
MART = "marts.recommendations"
Key = TypeVar("Key")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecommendationRow:
    """A recommendation that is known; see the table."""

    key: str
    kind: str
    target: str
    dollars_per_month: float | None
    evidence: str
    confidence: str
    scope: str
    state: str
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRecommendation(RecommendationRow):
    """A row of the table."""

    decided_by: str | None
    note: str | None
    decided_at: datetime | None
    saved_dollars: float | None
    saved_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRow:
    """What a person decided; see the table."""

    key: str
    state: str
    decided_by: str
    note: str
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingCost:
    """Costs of a service on a day, by region and model; None without a label."""

    day: datetime
    service: str
    region: str
    model: str | None
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeDay:
    """Costs within the scope of a recommendation on a day."""

    key: str
    day: datetime
    dollars: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScopeParameter:
    """The scope of a recommendation, as a parameter."""

    key: str
    model: str
    service: str
    region: str
    resource: str


RECOMMENDATION_ROWS = Query("recommendation_rows", RecommendationRow)
RECOMMENDATION_DECISIONS = Query("recommendation_decisions", DecisionRow)
SERVING_COSTS = Query("serving_costs", ServingCost)
COST_SCOPES = Query("cost_scopes", ScopeDay)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Conclude recommendations from the costs of the last weeks, keep what became of them, and measure what was saved."""
    tables, until = outside.tables, complete_day(billing_of(outside.settings), due)
    [span] = tables.read(COST_SPAN, since=until - HISTORY, until=until)
    oldest, until = span.oldest or until, span.newest + DAY if span.newest else until
    found, failed = _found(outside, due, until)
    known = [_known(row) for row in tables.read(RECOMMENDATION_ROWS)]
    decisions = [_decision(row) for row in tables.read(RECOMMENDATION_DECISIONS, until=due)]
    not_asked = (RecommendationKind.GOOGLE,) if failed else ()
    tracked = _measured(tables, track(known, found, decisions, due, not_asked=not_asked), oldest, until)
    if tracked:  # a table that had rows keeps them, withdrawn
        tables.write("write_recommendations", recommendations=[_row(one) for one in tracked])
    asked = {"unavailable": failed} if billing_of(outside.settings).recommender else {}
    metrics = (*_metrics(tracked), *data_issues("recommender", asked))
    return RollupResult(due=due, metrics=metrics, complete_until={MART: due})


JOB = RollupJob(name="recommendations", every=DAY, max_age=DAY + HOUR, enabled=has_billing, run=run)


def _found(outside: Outside, due: datetime, until: datetime) -> tuple[list[Recommendation], int]:
    """The recommendations that are made now, and how many projects Google's Recommender did not answer for."""
    costs = outside.tables.read(SERVING_COSTS, since=until - BASE_DAYS * DAY, until=until, services=list(SERVING))
    counts = outside.predictions(until - IDLE_DAYS * DAY, until)
    google, failed = _from_google(outside)
    own = (
        *_idle(costs, counts or [], until),
        *_oversized(costs, outside.utilisation(due), until),
        *map(unpartitioned_scan, table_scans.scans(outside, due)),
        *_commitments(costs, until),
    )
    return list(largest_first((*own, *google))), failed


def _from_google(outside: Outside) -> tuple[list[Recommendation], int]:
    recommender = billing_of(outside.settings).recommender
    found: list[Recommendation] = []
    failed = 0
    for project in recommender.projects if recommender else ():
        try:
            found += outside.recommender(project, recommender.locations if recommender else ())
        except (QueryError, UnavailableError) as error:
            log.warning("recommendations of %s are not known: %s", project, error)
            failed += 1
    return found, failed


def _idle(
    costs: Sequence[ServingCost], counts: Sequence[PredictionCount], until: datetime
) -> Iterator[Recommendation | None]:
    dollars = _by_day(costs, lambda row: row.model)
    predictions = {(count.model, count.day): count.predictions for count in counts}
    days = [until - ago * DAY for ago in range(IDLE_DAYS, 0, -1)]
    for model, by_day in dollars.items():
        if model is not None:
            yield idle_endpoint(
                model,
                [ServingDay(dollars=by_day.get(day, 0.0), predictions=predictions.get((model, day))) for day in days],
            )


def _oversized(
    costs: Sequence[ServingCost], utilisation: Mapping[str, float], until: datetime
) -> Iterator[Recommendation | None]:
    dollars = _by_day([row for row in costs if row.day >= until - IDLE_DAYS * DAY], lambda row: row.model)
    for target, cpu in utilisation.items():
        model = target.removeprefix("model/")
        daily = math.fsum(dollars.get(model, {}).values()) / IDLE_DAYS
        yield oversized_machine(MachineUse(target=target, model=model, cpu=cpu, memory=None, dollars_per_day=daily))


def _commitments(costs: Sequence[ServingCost], until: datetime) -> Iterator[Recommendation | None]:
    days = [until - ago * DAY for ago in range(BASE_DAYS, 0, -1)]
    for (service, region), by_day in _by_day(costs, lambda row: (row.service, row.region)).items():
        if region:
            yield commitment(service, region, [by_day.get(day, 0.0) for day in days])


def _by_day(costs: Sequence[ServingCost], key: Callable[[ServingCost], Key]) -> dict[Key, dict[datetime, float]]:
    parts: dict[Key, dict[datetime, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in costs:
        parts[key(row)][row.day].append(row.dollars)
    return {name: {day: math.fsum(each) for day, each in by_day.items()} for name, by_day in parts.items()}


def _measured(
    tables: Tables, tracked: Sequence[TrackedRecommendation], oldest: datetime, until: datetime
) -> list[TrackedRecommendation]:
    """Each with what it has saved, where it is done."""
    done = {
        one.recommendation.key: one.decision.decided_at
        for one in tracked
        if one.state is RecommendationState.DONE and one.decision and one.recommendation.scope.is_known
    }
    if not done:
        return list(tracked)
    since = max(until - HISTORY, min(done.values()) - BEFORE - DAY)
    scopes = [_scope(one.recommendation) for one in tracked if one.recommendation.key in done]
    daily: dict[str, dict[datetime, float]] = defaultdict(dict)
    for row in tables.read(COST_SCOPES, since=since, until=until, scopes=[asdict(scope) for scope in scopes]):
        daily[row.key][row.day] = row.dollars
    return [with_saving(one, daily[one.recommendation.key], oldest, until) for one in tracked]


def _scope(one: Recommendation) -> ScopeParameter:
    return ScopeParameter(key=one.key, **asdict(one.scope))


def _known(row: RecommendationRow) -> TrackedRecommendation:
    recommendation = Recommendation(
        kind=RecommendationKind(row.kind),
        target=row.target,
        dollars_per_month=row.dollars_per_month,
        evidence=row.evidence,
        confidence=Confidence(row.confidence),
        scope=CostScope(**json.loads(row.scope)),
    )
    state = RecommendationState(row.state)
    return TrackedRecommendation(
        recommendation=recommendation, state=state, first_seen=row.first_seen, last_seen=row.last_seen
    )


def _decision(row: DecisionRow) -> RecommendationDecision:
    state = RecommendationState(row.state)
    return RecommendationDecision(key=row.key, state=state, by=row.decided_by, note=row.note, decided_at=row.decided_at)


def _row(one: TrackedRecommendation) -> StoredRecommendation:
    made, decision = one.recommendation, one.decision
    return StoredRecommendation(
        key=made.key,
        kind=made.kind.value,
        target=made.target,
        dollars_per_month=made.dollars_per_month,
        evidence=made.evidence,
        confidence=made.confidence.value,
        scope=json.dumps(asdict(made.scope), sort_keys=True),
        state=one.state.value,
        decided_by=decision.by if decision else None,
        note=decision.note if decision else None,
        decided_at=decision.decided_at if decision else None,
        first_seen=one.first_seen,
        last_seen=one.last_seen,
        saved_dollars=one.saved_dollars,
        saved_until=one.saved_until,
    )


def _metrics(tracked: Sequence[TrackedRecommendation]) -> Iterator[MetricValue]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    saved: dict[str, list[float]] = defaultdict(list)
    for one in tracked:
        kind = one.recommendation.kind.value
        if one.state is not RecommendationState.WITHDRAWN:
            counts[kind, one.state.value] += 1
        if one.saved_dollars is not None:
            saved[kind].append(one.saved_dollars)
    for (kind, state), count in counts.items():
        yield MetricValue("aia_recommendations", float(count), {"kind": kind, "state": state})
    for kind, dollars in saved.items():
        yield MetricValue("aia_recommendation_saved_dollars", math.fsum(dollars), {"kind": kind})
    yield from _open_metrics([one.recommendation for one in tracked if one.state is RecommendationState.OPEN])


def _open_metrics(found: Sequence[Recommendation]) -> Iterator[MetricValue]:
    for one in list(largest_first(found))[:SHOWN]:
        if one.dollars_per_month is not None:
            labels = {"kind": one.kind.value, "target": one.target, "confidence": one.confidence.value}
            yield MetricValue("aia_recommendation_monthly_dollars", one.dollars_per_month, labels)
