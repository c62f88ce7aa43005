"""Stakeholder satisfaction, from the indicators that are measured here."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import fields as fields_of
from datetime import datetime, timedelta
from functools import partial

from core.business.indicators import Indicators
from core.business.satisfaction import satisfaction
from core.experience import MIN_COUNT
from core.incidents.impact import total_at_risk
from core.incidents.model import Incident, State
from core.incidents.response_times import ResponseRecord, response_times
from core.pipelines.health import health
from core.settings import Model, Settings
from functions.adapters import pipelines
from functions.adapters.logs import fields
from functions.adapters.ports import Store
from functions.bi_rollup.queries import Query, Tables
from functions.bi_rollup.result import MetricValue, RollupResult, load
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR

WINDOW = 7 * DAY
_MAX_CHECK_AGE = 15 * timedelta(minutes=1)
_RECORD_FIELDS = tuple(field.name for field in fields_of(ResponseRecord))
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseCounts:
    """Escalations to a person, automated actions that were applied, and those that failed."""

    escalations: int
    applied: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelState:
    """The newest window of a model: its end, whether a feature had drifted, and the accuracy."""

    model: str
    window_end: datetime
    drifted: bool | None
    accuracy: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperienceTotals:
    """Browser reports of all services; the 75th percentile of page load times in seconds."""

    requests: int
    failures: int
    loads: int
    load_seconds: float | None


RESPONSE_COUNTS = Query("response_counts", ResponseCounts)
MODEL_STATES = Query("model_states", ModelState)
EXPERIENCE_TOTALS = Query("experience_totals", ExperienceTotals)


def job(measures: Sequence[RollupJob]) -> RollupJob:
    """The rollup of satisfaction, from the indicators of other rollups and from the stores."""
    return RollupJob(
        name="satisfaction", every=HOUR, max_age=3 * HOUR, enabled=lambda _: True, run=partial(run, measures)
    )


def run(measures: Sequence[RollupJob], outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Collect the indicators, and score them for each stakeholder group.

    Args:
        measures: the rollups with indicators; those that the settings no longer enable are skipped.
        outside: the ports.
        due: the instant.
    """
    every = {job.name: job.every for job in measures if job.enabled(outside.settings)}
    results = {name: result for name in every if (result := load(outside.store, name)) is not None}
    indicators = {
        **_of_rollups(results, every, due),
        **_of_incidents(outside.incidents(due - WINDOW, due), outside.settings, due),
        **_of_responses(outside.tables, due),
        **_of_models(outside.tables, list(outside.models().values()), due),
        **_of_probes(outside.store, due),
        **_of_pipelines(outside.store, due),
        **_of_experience(outside.tables, due),
    }
    groups = satisfaction(Indicators(**indicators))
    log.info("satisfaction", extra=fields(**{group: result.reason for group, result in groups.items()}))
    metrics = [
        MetricValue("aia_stakeholder_satisfaction_ratio", result.score, {"stakeholder": group})
        for group, result in groups.items()
        if result.score is not None
    ]
    return RollupResult(due=due, metrics=tuple(metrics))


def _of_rollups(results: Mapping[str, RollupResult], every: Mapping[str, timedelta], due: datetime) -> dict[str, float]:
    """Indicators of other rollups that are recent, and the delay of the table that is most behind."""
    recent = [result for name, result in results.items() if due - result.due <= 2 * every[name] + HOUR]
    indicators = {name: value for result in recent for name, value in result.indicators.items()}
    delays = [due - at - every[name] for name, result in results.items() for at in result.complete_until.values()]
    return indicators | ({"rollup_age_seconds": max(timedelta(0), *delays).total_seconds()} if delays else {})


def _of_incidents(incidents: Sequence[Incident] | None, settings: Settings, due: datetime) -> dict[str, float]:
    if incidents is None:
        return {}
    active = [incident for incident in incidents if incident.state is not State.RESOLVED]
    records = [ResponseRecord(**{name: getattr(incident, name) for name in _RECORD_FIELDS}) for incident in incidents]
    times = response_times(records, due - WINDOW, due)
    revenue = sum(target.dollars_per_hour for target in settings.revenue.values())
    at_risk = total_at_risk(incident.impact for incident in active if incident.impact)
    open_ratio = sum(incident.state is State.OPEN for incident in active) / len(active) if active else 0.0
    indicators = {
        "mtta_seconds": times.mtta.total_seconds() if times.mtta is not None else None,
        "mttr_seconds": times.mttr.total_seconds() if times.mttr is not None else None,
        "unacknowledged_ratio": open_ratio,
        "risk_ratio": at_risk / revenue if revenue else None,
    }
    return {name: value for name, value in indicators.items() if value is not None}


def _of_responses(tables: Tables, due: datetime) -> dict[str, float]:
    """Escalations and failed actions; nothing where responses are not stored."""
    indicators = {}
    for counts in tables.read(RESPONSE_COUNTS, since=due - WINDOW, until=due):
        indicators["pages_per_week"] = float(counts.escalations)
        if counts.applied:
            indicators["actions_failed_ratio"] = counts.failed / counts.applied
    return indicators


def _of_models(tables: Tables, models: Iterable[Model], due: datetime) -> dict[str, float]:
    """Indicators of the models of the settings; a model without a recent score counts with the age of the window."""
    rows = {row.model: row for row in tables.read(MODEL_STATES, since=due - WINDOW, until=due)}
    known = [(model, rows[model.name]) for model in models if model.name in rows]
    if not known:
        return {}
    ages = [due - rows[model.name].window_end if model.name in rows else WINDOW for model in models]
    margins = [
        row.accuracy - model.accuracy_floor
        for model, row in known
        if model.accuracy_floor is not None and row.accuracy is not None
    ]
    indicators = {
        "drift_scored_age_seconds": max(ages).total_seconds(),
        "models_drifted_ratio": sum(bool(row.drifted) for _, row in known) / len(known),
    }
    return indicators | ({"accuracy_margin": min(margins)} if margins else {})


def _of_probes(store: Store, due: datetime) -> dict[str, float]:
    """The share of recent checks that passed, over the probes with a recent check."""
    checked = [probe.data for probe in store.find("probes") if probe.data["checked_at"] > due - _MAX_CHECK_AGE]
    shares = [float(probe["availability"]) for probe in checked]
    return {"availability_ratio": sum(shares) / len(shares)} if shares else {}


def _of_pipelines(store: Store, due: datetime) -> dict[str, float]:
    """The health of the worst pipeline with a known health."""
    lines = pipelines.readable(store)
    scores = [score for line in lines if (score := health(line, due).score) is not None]
    return {"pipeline_health_ratio": min(scores)} if scores else {}


def _of_experience(tables: Tables, due: datetime) -> dict[str, float]:
    """Errors and load times in browsers, where there are enough reports."""
    indicators = {}
    for totals in tables.read(EXPERIENCE_TOTALS, since=due - WINDOW, until=due):
        if totals.requests >= MIN_COUNT["aia_experience_error_ratio"]:
            indicators["experience_error_ratio"] = totals.failures / totals.requests
        if totals.loads >= MIN_COUNT["aia_experience_load_seconds"] and totals.load_seconds is not None:
            indicators["experience_load_seconds"] = totals.load_seconds
    return indicators
