"""Pipelines as the page shows them: the newest runs with their stages, the critical path, what a change saves, and the health score.

All pipelines are read seldom. Those with a run that has not ended are asked for every second by an open page: only their documents
are read then, and one of a pipeline whose run has ended since.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from core.errors import UnreadableError
from core.pipelines.baseline import bottleneck, rhythm, usual_of_run
from core.pipelines.bottlenecks import Saving, SavingVerdict, path_of, review
from core.pipelines.health import health
from core.pipelines.judge import counted_runs
from core.pipelines.run import Run, Span, Stage
from core.pipelines.state import PipelineState
from functions.adapters.pipelines import COLLECTION, read_pipeline
from functions.adapters.ports import Clock, Data, Document, Store
from functions.adapters.store import every, is_key
from functions.api.cache import Cache

RUNS = 10
"""Runs that are shown of a pipeline, the newest."""
_FRESH_SECONDS = 10.0
_LIVE_SECONDS = 0.25
"""How long an answer about live runs is kept, so that many viewers cost one query."""
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

    def live(self) -> list[Data]:
        """The pipelines with a run that has not ended, by name."""
        return self._cache(("live",), self._live, seconds=_LIVE_SECONDS)

    def one(self, name: str) -> Data:
        """A pipeline as it is now.

        Raises:
            LookupError: no run of it was reported, and it is not expected.
        """
        document = self.store.get(COLLECTION, name) if is_key(name) else None
        if document is None and name not in self.expected:
            raise LookupError(f"name: no pipeline is called {name[:80]!r}")
        now = self.clock()
        return _document_view(document, now) if document else shown(PipelineState(name=name), now)

    def _live(self) -> list[Data]:
        now = self.clock()
        views = (_document_view(document, now) for document in every(self.store, COLLECTION, where={"running": True}))
        return [view for view in views if view["running"]]

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
    runs = sorted(pipeline.runs, key=_began, reverse=True)[:RUNS]
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
        "critical_path": path_of(runs[0], now) if runs else (),
        "runs": [_run(run) for run in runs],
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
    found = {"stage": longest.stage, "seconds": longest.seconds, "share": longest.share, "grown": grown}
    return found | _review(succeeded[-1], succeeded[:-1])


def _review(run: Run, earlier: Sequence[Run]) -> Data:
    """The stage that bounds a run, with the verdict on each change of it, and what else would save something."""
    found = review(run, earlier)
    if found is None:
        return {"run_id": run.run_id, "bound_by": None, "critical_path": (), "savings": []}
    shown = [one for one in found.savings if one.stage == found.bound_by or one.verdict is SavingVerdict.POSSIBLE]
    return {
        "run_id": run.run_id,
        "bound_by": found.bound_by,
        "critical_path": found.critical_path,
        "savings": sorted(shown, key=_most),
    }


def _most(saving: Saving) -> tuple[float, float]:
    return -(saving.seconds or 0.0), -(saving.dollars or 0.0)


def _run(run: Run) -> Data:
    return {"run_id": run.run_id, **_span(run.span), "stages": [_stage(stage) for stage in run.in_order]}


def _stage(stage: Stage) -> Data:
    return {"name": stage.name, **_span(stage.span), "cached": stage.cached}


def _span(span: Span) -> Data:
    return {
        "status": span.status,
        "started_at": span.start,
        "ended_at": span.end,
        "seconds": span.seconds,
        "error": span.error,
    }
