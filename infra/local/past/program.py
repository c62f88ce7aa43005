"""The program `history`: computes the past of a stack and loads it, while everything else runs.

    python -m infra.local.past --data .aia --project aia-local

It works through the plan of the stack's folder and ends when everything is in. Killed at any moment it goes on where it was:
a part counts as in when its charts, rows and documents are, and each of these may be written again.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from functions.adapters.ports import Bus, Data, Store
from functions.adapters.store import update
from infra.local import prometheus
from infra.local.past import plan as planning
from infra.local.past.plan import Part, Plan
from infra.local.past.report import Stages, report
from infra.local.past.track import Computed, Track
from infra.local.warehouse.definitions import read_definitions

if TYPE_CHECKING:
    from google.cloud import bigquery

log = logging.getLogger(__name__)
COLLECTION, KEY = "backfills", "history"
"""The document of the store that says how far the history is."""
TRACKS = ("model", "business")
"""The names of the tracks."""
_HEAD_PATIENCE = timedelta(minutes=10)
_PAUSE_SECONDS = 2.0


@dataclass(slots=True, kw_only=True)
class Backfill:
    """Works through the plan.

    Attributes:
        folder: of the stack.
        tracks: what is computed.
        client: opens the warehouse: its client is slow to import, and needed once the first part is computed.
        store: of the functions.
        bus: opens the bus, which takes the runs.
        prometheus_url: of Prometheus' API.
    """

    folder: Path
    tracks: Sequence[Track]
    client: Callable[[], "bigquery.Client"]
    store: Store
    bus: Callable[[], Bus]
    prometheus_url: str

    def run(self) -> None:
        """Compute and load until everything is in."""
        self._say_progress()
        while work := list(self._next()):
            # All that is first in the plan is computed before any of it is loaded: the warehouse starts meanwhile.
            done = [(track, part, *self._computed(track, part)) for track, part in work]
            for track, part, computed, stages in done:
                self._load(track, part, computed, stages)

    def _next(self) -> Iterator[tuple[Track, Part]]:
        """The first part of every track whose newest span has not begun; else the next part of the first track with one."""
        plan = planning.read_plan(self.folder)
        parts = [
            (track, part)
            for track in self.tracks
            if (part := planning.next_part(plan, track.name, first=track.first, size=track.size))
        ]
        begun = [(track, part) for track, part in parts if part.end == plan.spans[part.index].end]
        yield from begun or parts[:1]

    def _computed(self, track: Track, part: Part) -> tuple[Computed, Stages]:
        stages = Stages()
        with stages.stage("compute"):
            computed = track.compute(part)
        with stages.stage("charts"):
            self._await_head(part)
            prometheus.write_blocks(
                computed.points, self.folder / "prometheus", part=f"{track.name} {part.start:%Y-%m-%d}", until=part.end
            )
        return computed, stages

    def _load(self, track: Track, part: Part, computed: Computed, stages: Stages) -> None:
        from infra.local.past.load import keep_documents, load_rows  # noqa: PLC0415 - see `client`
        from infra.local.patience import patiently  # noqa: PLC0415 - see `client`

        with stages.stage("load"):
            load = partial(load_rows, self.client())
            for name, rows in computed.tables.items():
                patiently(name, partial(load, name, _instants()[name], rows))
            keep_documents(self.store, computed.documents)
        plan = planning.with_part(planning.read_plan(self.folder), track.name, part)
        planning.write_plan(self.folder, plan)
        self._say_progress()
        log.info("%s from %s to %s is in", track.name, part.start.isoformat(), part.end.isoformat())
        if part.index == 0:
            report(self.bus(), f"history-{track.name}", stages)

    def _say_progress(self) -> None:
        plan = planning.read_plan(self.folder)
        update(self.store, COLLECTION, KEY, lambda _: progress_data(plan, [track.name for track in self.tracks]))

    def _await_head(self, part: Part) -> None:
        """Return when what Prometheus scraped before a stop is in blocks, see `prometheus`; a chart is not worth more than some minutes."""
        if part.index == 0:
            return
        deadline = time.monotonic() + _HEAD_PATIENCE.total_seconds()
        while time.monotonic() < deadline:
            start = prometheus.head_start(self.prometheus_url)
            if start is not None and start >= part.end:
                return
            time.sleep(_PAUSE_SECONDS)


def progress_data(plan: Plan, tracks: Sequence[str]) -> Data:
    """The document that says how far the history is."""
    days, whole = planning.progress(plan, tracks)
    since = max((plan.spans[-1].reached_by(track) for track in tracks), default=None) if plan.spans else None
    return {
        "days": days,
        "of": whole,
        "since": since,
        "updated_at": datetime.now(UTC),
        "done": not any(span.reached_by(track) > span.start for span in plan.spans for track in tracks),
    }


def _instants() -> dict[str, str]:
    """By table, the column by whose values the rows of a part are told: mostly the one that it is partitioned by."""
    partitioned = {definition.id: definition.partition["field"] for definition in read_definitions()}
    return partitioned | {"ops.revenue_forecasts": "made_at"}  # days of two parts' forecasts overlap
