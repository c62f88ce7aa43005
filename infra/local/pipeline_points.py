"""What the runs of pipelines would have written as metrics, from the history: for the charts of the past."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from core.events import PipelineRun, RunStatus
from core.pipelines.health import health
from core.pipelines.line import Line, advance
from functions.adapters.ports import Warehouse
from infra.local.prometheus import HistoryPoint

_RUNS = """
    SELECT pipeline, run_id, stage, status, started_at, ended_at, seconds FROM ops.pipeline_runs
    WHERE ended_at IS NOT NULL AND started_at IS NOT NULL ORDER BY ended_at, stage DESC
"""


def pipeline_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    """What the runs of the past would have written, at the end of each stage and of each run."""
    lines: dict[str, Line] = {}
    counts: Counter[tuple[str, str]] = Counter()
    rows = warehouse.query(_RUNS)
    for row in rows:
        name = row["pipeline"]
        line = lines.setdefault(name, Line(name=name))
        if row["stage"]:
            labels = {"pipeline": name, "stage": row["stage"]}
            yield _point("aia_pipeline_stage_seconds", labels, row["ended_at"], row["seconds"])
            continue
        if not line.runs:
            yield from (_total(name, status, row["started_at"], 0) for status in RunStatus if status.is_over)
        lines[name] = line = advance(line, _event(row)).line
        counts[name, row["status"]] += 1
        yield from _of_run(line, row, rows, counts)


def _of_run(
    line: Line, row: dict[str, Any], rows: list[dict[str, Any]], counts: Counter[tuple[str, str]]
) -> Iterator[HistoryPoint]:
    labels, at = {"pipeline": line.name}, row["ended_at"]
    others = (one for one in rows if one["pipeline"] == line.name and not one["stage"])
    running = sum(one["started_at"] <= at < one["ended_at"] for one in others)
    yield _total(line.name, row["status"], at, counts[line.name, row["status"]])
    yield _point("aia_pipeline_running", labels, at, running)
    yield _point("aia_pipeline_run_seconds", labels, at, row["seconds"])
    if row["status"] == RunStatus.SUCCEEDED:
        yield _point("aia_pipeline_success_timestamp_seconds", labels, at, at.timestamp())
    score = health(line, at).score
    if score is not None:
        yield _point("aia_pipeline_health_ratio", labels, at, score)


def _event(row: dict[str, Any]) -> PipelineRun:
    return PipelineRun(
        pipeline=row["pipeline"],
        run_id=row["run_id"],
        status=RunStatus(row["status"]),
        observed_at=row["ended_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
    )


def _total(pipeline: str, outcome: str, at: datetime, count: int) -> HistoryPoint:
    return _point("aia_pipeline_runs_total", {"pipeline": pipeline, "outcome": str(outcome)}, at, count)


def _point(name: str, labels: dict[str, str], at: datetime, value: float) -> HistoryPoint:
    return HistoryPoint(name=name, labels=labels, at=at, value=value)
