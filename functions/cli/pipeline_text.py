"""Pipelines as the terminal shows them: a table, and a line for each change."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime

from rich.table import Table

from core.text import clean, number
from functions.cli.api import Answer
from functions.cli.screen import NOT_KNOWN, age, at, cell, table_of

_STYLES = {"running": "cyan", "failed": "red", "succeeded": "green"}


def pipelines_table(pipelines: Iterable[Answer]) -> Table:
    """A table of pipelines, each with its newest run; those that run come first, where a small terminal shows them."""
    now = datetime.now(UTC)
    table = table_of("pipeline", "health", "newest run", "status", "for", "usual", "stage", "last success")
    for one in sorted(pipelines, key=lambda one: not one["running"]):
        run = one["runs"][0] if one["runs"] else None
        status = run["status"] if run else ""
        table.add_row(
            cell(one["name"]),
            cell(_health(one)),
            cell(run["run_id"] if run else ""),
            cell(status, _STYLES.get(status, "")),
            cell(_length(run, now) if run else ""),
            cell(number(one["usual_seconds"], "seconds") if one["usual_seconds"] is not None else NOT_KNOWN),
            cell(one["fault"] or (_stage(run) if run else "")),
            cell(f"{age(one['last_success_at'], now)} ago" if one["last_success_at"] else NOT_KNOWN),
        )
    return table


def changes(before: Mapping[str, Answer], after: Mapping[str, Answer]) -> Iterator[str]:
    """A line for each run and stage whose status is another one than before; of all runs, the newest where there is no before.

    >>> def at(status, stage): return {"p": {"name": "p", "runs": [{"run_id": "r1", "status": status, "error": "", "seconds": 9,
    ...     "started_at": None, "ended_at": None, "stages": [{"name": "train", "status": stage, "error": "", "seconds": 7,
    ...     "started_at": None, "ended_at": "2026-01-02T09:00:00Z"}]}]}}
    >>> list(changes(at("running", "running"), at("running", "succeeded")))
    ['2026-01-02 09:00 UTC  p r1 train: succeeded after 7 s']
    """
    for name, pipeline in after.items():
        runs = pipeline["runs"] if name in before else pipeline["runs"][:1]
        known = {run["run_id"]: run for run in before[name]["runs"]} if name in before else {}
        for run in reversed(runs):
            yield from _changes_of(name, known.get(run["run_id"]), run)


def _changes_of(name: str, before: Answer | None, run: Answer) -> Iterator[str]:
    """The lines of a run: it begins before its stages, and ends after them."""
    stages = {stage["name"]: stage["status"] for stage in before["stages"]} if before else {}
    own = [] if before and before["status"] == run["status"] else [_line(f"{name} {run['run_id']}", run)]
    yield from own if run["status"] == "running" else ()
    for stage in run["stages"]:
        if stages.get(stage["name"]) != stage["status"]:
            yield _line(f"{name} {run['run_id']} {stage['name']}", stage)
    yield from own if run["status"] != "running" else ()


def _line(what: str, span: Answer) -> str:
    last = span["ended_at"] or span["started_at"]
    took = f" after {number(span['seconds'], 'seconds')}" if span["seconds"] is not None else ""
    error = f": {span['error']}" if span["error"] else ""
    when = at(last) if last else NOT_KNOWN
    said = clean(f"{what}: {span['status']}{took}{error}")
    return f"{when}  {said}"


def _health(pipeline: Answer) -> str:
    health = pipeline["health"]
    score = "" if health["score"] is None else f" {health['score']:.2f}"
    return f"{health['reason'].replace('_', ' ')}{score}"


def _length(run: Answer, now: datetime) -> str:
    if run["seconds"] is not None:
        return number(run["seconds"], "seconds")
    return age(run["started_at"], now) or NOT_KNOWN


def _stage(run: Answer) -> str:
    """What runs now, or why the run failed."""
    if run["status"] == "running":
        return ", ".join(stage["name"] for stage in run["stages"] if stage["status"] == "running")
    return str(run["error"])
