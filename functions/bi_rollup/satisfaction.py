"""How well each group of people is served, from what is measured for it; what is not measured here is not counted."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields as fields_of
from datetime import datetime, timedelta

from core.business.facts import Facts
from core.business.satisfaction import satisfaction
from core.experience import LEAST
from core.incidents.model import Incident, State
from core.incidents.timing import Closed, mean_times
from core.pipelines.health import health
from core.settings import Model, Settings
from functions.adapters import pipelines
from functions.adapters.logs import fields
from functions.adapters.ports import Store
from functions.bi_rollup.figures import Figure, Made, load
from functions.bi_rollup.ports import BusinessTables
from functions.bi_rollup.rollup import Outside, Part
from functions.bi_rollup.spans import DAY, HOUR

NAME = "satisfaction"
SPAN = 7 * DAY
_SEEN = 15 * timedelta(minutes=1)
"""How old the newest check of a probe may be."""
_CLOSED = tuple(one.name for one in fields_of(Closed))
log = logging.getLogger(__name__)


def make(measured: Sequence[Part], outside: Outside, due: datetime, _: Made | None) -> Made:
    """Gather the facts, and score them for each group.

    Args:
        measured: the parts whose facts are taken, as far as the settings still ask for them.
        outside: what is read.
        due: the instant.
    """
    every = {part.name: part.every for part in measured if part.wanted(outside.settings)}
    parts = {name: made for name in every if (made := load(outside.store, name)) is not None}
    facts = {
        **_of_parts(parts, every, due),
        **_of_incidents(outside.incidents(due - SPAN, due), outside.settings, due),
        **_of_answers(outside.tables, due),
        **_of_models(outside.tables, outside.settings.models, due),
        **_of_probes(outside.store, due),
        **_of_pipelines(outside.store, due),
        **_of_people(outside.tables, due),
    }
    found = satisfaction(Facts(**facts))
    log.info("satisfaction", extra=fields(**{group: one.reason for group, one in found.items()}))
    figures = [
        Figure("aia_stakeholder_satisfaction_ratio", one.score, {"stakeholder": group})
        for group, one in found.items()
        if one.score is not None
    ]
    return Made(due=due, figures=tuple(figures))


def _of_parts(parts: Mapping[str, Made], every: Mapping[str, timedelta], due: datetime) -> dict[str, float]:
    """What other parts know, while it is not too old; and how much older than it should be the oldest table is."""
    fresh = [made for name, made in parts.items() if due - made.due <= 2 * every[name] + HOUR]
    facts = {name: value for made in fresh for name, value in made.facts.items()}
    late = [due - until - every[name] for name, made in parts.items() for until in made.rollups.values()]
    return facts | ({"rollup_age_seconds": max(timedelta(0), *late).total_seconds()} if late else {})


def _of_incidents(found: Sequence[Incident] | None, settings: Settings, due: datetime) -> dict[str, float]:
    if found is None:
        return {}
    live = [one for one in found if one.state is not State.RESOLVED]
    closed = [Closed(**{name: getattr(one, name) for name in _CLOSED}) for one in found]
    times = mean_times(closed, due - SPAN, due)
    earned = sum(one.dollars_per_hour for one in settings.revenue.values())
    at_risk = sum(one.impact.dollars_per_hour for one in live if one.impact)
    facts = {
        "mtta_seconds": times.mtta.total_seconds() if times.mtta is not None else None,
        "mttr_seconds": times.mttr.total_seconds() if times.mttr is not None else None,
        "unacknowledged_ratio": sum(one.state is State.OPEN for one in live) / len(live) if live else 0.0,
        "risk_ratio": at_risk / earned if earned else None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _of_answers(tables: BusinessTables, due: datetime) -> dict[str, float]:
    done = tables.answers(due - SPAN, due)
    if done is None:
        return {}
    facts = {"pages_per_week": float(done.called)}
    return facts | ({"actions_failed_ratio": done.failed / done.applied} if done.applied else {})


def _of_models(tables: BusinessTables, models: Iterable[Model], due: datetime) -> dict[str, float]:
    """Of the models of the settings; one that was not scored for so long counts as scored just before that."""
    rows = {row.model: row for row in tables.models(due - SPAN, due)}
    known = [(model, rows[model.name]) for model in models if model.name in rows]
    if not known:
        return {}
    ages = [due - rows[model.name].window_end if model.name in rows else SPAN for model in models]
    margins = [
        row.accuracy - model.accuracy_floor
        for model, row in known
        if model.accuracy_floor is not None and row.accuracy is not None
    ]
    facts = {
        "drift_scored_age_seconds": max(ages).total_seconds(),
        "models_drifted_ratio": sum(bool(row.drifted) for _, row in known) / len(known),
    }
    return facts | ({"accuracy_margin": min(margins)} if margins else {})


def _of_probes(store: Store, due: datetime) -> dict[str, float]:
    """The share of the newest checks that passed, over the probes that are being checked."""
    checked = [one.data for one in store.find("probes") if one.data["checked_at"] > due - _SEEN]
    shares = [float(one["availability"]) for one in checked]
    return {"availability_ratio": sum(shares) / len(shares)} if shares else {}


def _of_pipelines(store: Store, due: datetime) -> dict[str, float]:
    """The health of the worst pipeline, of those of which anything is known."""
    lines = pipelines.readable(store)
    scores = [score for line in lines if (score := health(line, due).score) is not None]
    return {"pipeline_health_ratio": min(scores)} if scores else {}


def _of_people(tables: BusinessTables, due: datetime) -> dict[str, float]:
    """What people saw in their browsers, as far as there are enough reports to tell."""
    saw = tables.people(due - SPAN, due)
    found = {}
    if saw.requests >= LEAST["aia_experience_error_ratio"]:
        found["experience_error_ratio"] = saw.failures / saw.requests
    if saw.loads >= LEAST["aia_experience_load_seconds"] and saw.load_seconds is not None:
        found["experience_load_seconds"] = saw.load_seconds
    return found
