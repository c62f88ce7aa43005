"""Metrics of each day, written to a table for charts of the past and for reports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from functions.bi_rollup.result import RollupResult, load
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, floor

TABLE = "marts.daily_metrics"
_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyMetric:
    """The value of a series on a day, a row of the table; the labels as a JSON object, ordered by name."""

    measured_at: datetime
    name: str
    labels: str
    value: float


def job(recorded: Sequence[RollupJob]) -> RollupJob:
    """The rollup that records the metrics of others."""
    return RollupJob(
        name="daily_metrics", every=_EVERY, max_age=_EVERY, enabled=lambda _: True, run=partial(run, recorded)
    )


def run(jobs: Sequence[RollupJob], outside: Outside, due: datetime, previous: RollupResult | None) -> RollupResult:
    """Write the first result of each rollup on a day, mostly at the first tick of the day.

    Args:
        jobs: the rollups to record.
        outside: the ports.
        due: the instant.
        previous: the newest result: it says which rollups are recorded.
    """
    day = floor(due, DAY)
    recorded = {name: at for name, at in previous.recorded.items() if at == day} if previous else {}
    new = {
        job.name: result
        for job in jobs
        if job.name not in recorded and (result := load(outside.store, job.name)) and _is_of_today(result, job, due)
    }
    if rows := [row for result in new.values() for row in _rows(result)]:
        outside.tables.write("write_daily_metrics", day=day, metrics=rows)
    return RollupResult(due=due, recorded=recorded | dict.fromkeys(new, day))


def _is_of_today(result: RollupResult, job: RollupJob, due: datetime) -> bool:
    """Whether a rollup is up to date, with a result of the same day."""
    return result.due >= job.due(due) and floor(result.due, DAY) == floor(due, DAY)


def _rows(result: RollupResult) -> list[DailyMetric]:
    return [
        DailyMetric(measured_at=result.due, name=metric.name, labels=metric.labels_json, value=float(metric.value))
        for metric in (*result.metrics, *result.freshness)
    ]
