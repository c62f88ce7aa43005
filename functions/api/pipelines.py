"""Pipelines as the page shows them: the newest runs with their stages, the bottleneck, and the health score."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import UnreadableError
from core.pipelines.baseline import bottleneck, rhythm, usual_of_run
from core.pipelines.health import health
from core.pipelines.judge import counted_runs
from core.pipelines.run import Run, Span
from core.pipelines.state import PipelineState
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.ports import Clock, Data, Document, Store
from functions.adapters.store import every
from functions.api.cache import Cache

RUNS = 10
"""Runs that are shown of a pipeline, the newest."""
_FRESH_SECONDS = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipelines:
    """Reads the documents of pipeline_monitor."""

    store: Store
    expected: Sequence[str]
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def all(self) -> list[Data]:
        """Every pipeline, by its name; also those that are expected and of which no run was reported."""
        return self._cache(("pipelines",), self._all, seconds=_FRESH_SECONDS)

    def _all(self) -> list[Data]:
        now = self.clock()
        documents = {document.key: document for document in every(self.store, COLLECTION)}
        names = sorted({*documents, *self.expected})
        views = {name: _document_view(document, now) for name, document in documents.items()}
        return [views.get(name) or shown(PipelineState(name=name), now) for name in names]


def _document_view(document: Document, now: datetime) -> Data:
    """A pipeline for the page; an unreadable document does not hide the others."""
    try:
        return shown(read_pipeline(document.data), now)
    except UnreadableError as error:
        log.error("%s: %s", document.key, error)  # noqa: TRY400 - the message says what is wrong
        nothing = shown(PipelineState(name=document.key), now)
        return nothing | {"running": None, "fault": str(error)}


def shown(pipeline: PipelineState, now: datetime) -> Data:
    """A pipeline for the page at an instant."""
    succeeded, beat = pipeline.succeeded, rhythm(pipeline.starts, pipeline.past)
    return {
        "name": pipeline.name,
        "fault": None,
        "known": bool(counted_runs(pipeline)),
        "running": len(pipeline.running(now)),
        "health": health(pipeline, now),
        "usual_seconds": usual_of_run(succeeded),
        "interval_seconds": beat.interval.total_seconds() if beat and beat.is_regular else None,
        "last_success_at": succeeded[-1].span.end if succeeded else None,
        "bottleneck": _bottleneck(succeeded),
        "runs": [_run(run) for run in sorted(pipeline.runs, key=_began, reverse=True)[:RUNS]],
    }


def _began(run: Run) -> tuple[datetime, str]:
    return run.span.start or run.first, run.run_id


def _bottleneck(succeeded: Sequence[Run]) -> Data | None:
    longest = bottleneck(succeeded[-1], succeeded[:-1]) if succeeded else None
    if longest is None:
        return None
    grown = longest.grown and {
        "stage": longest.grown.stage,
        "seconds": longest.grown.seconds,
        "usual": longest.grown.usual,
    }
    return {"stage": longest.stage, "seconds": longest.seconds, "share": longest.share, "grown": grown}


def _run(run: Run) -> Data:
    stages = [{"name": stage.name, **_span(stage.span)} for stage in run.in_order]
    return {"run_id": run.run_id, **_span(run.span), "stages": stages}


def _span(span: Span) -> Data:
    return {
        "status": span.status,
        "started_at": span.start,
        "ended_at": span.end,
        "seconds": span.seconds,
        "error": span.error,
    }
