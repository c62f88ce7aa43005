"""The programs `history-model` and `history-business`: compute and load the history while everything else runs.

    python -m infra.local.past model --data .aia --project aia-local

Each works through the plan of the stack's folder and ends when everything of its track is in. Killed at any moment it
continues: a part counts as loaded when its charts, rows and documents are, and each of these may be written
again.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from functions.adapters.ports import Bus, Data, Store
from functions.adapters.store import update
from functions.api.freshness import COLLECTION, KEY
from infra.local import prometheus
from infra.local.past import plan as planning
from infra.local.past.plan import Part, Plan
from infra.local.past.report import Stages, report
from infra.local.past.track import Computed, Track
from infra.local.warehouse.definitions import read_definitions

if TYPE_CHECKING:
    from google.cloud import bigquery

log = logging.getLogger(__name__)
_HEAD_PATIENCE = timedelta(minutes=10)
_PAUSE_SECONDS = 2.0


@dataclass(slots=True, kw_only=True)
class Backfill:
    """Works through the plan.

    Attributes:
        folder: of the stack.
        track: the track to compute.
        client: opens the warehouse: its client is slow to import, and needed once the first part is computed.
        store: of the functions.
        bus: opens the bus, which takes the runs.
        prometheus_url: of Prometheus' API.
        on_newest: called when the newest part of a span is in.
    """

    folder: Path
    track: Track
    client: Callable[[], "bigquery.Client"]
    store: Store
    bus: Callable[[], Bus]
    prometheus_url: str
    on_newest: Callable[[], object] = lambda: None

    def run(self) -> None:
        """Compute and load until everything is in."""
        self._say_progress()
        while part := self._next():
            stages = Stages()
            with stages.stage("compute"):
                computed = self.track.compute(part)
            with stages.stage("load"):
                self._load(computed)
            self._mark(part, charts=False)
            with stages.stage("charts"):
                self._await_head(part)
                name = f"{self.track.name}-{part.start:%Y-%m-%dT%H%M%S}"
                prometheus.write_blocks(computed.points, self.folder / "prometheus", part=name, until=part.charts_end)
            self._mark(part, charts=True)
            self._say_progress()
            log.info("history loaded from %s to %s: %s", part.start.isoformat(), part.end.isoformat(), stages)
            if part.is_newest:
                self.on_newest()
            if part.index == 0:
                report(self.bus(), f"history-{self.track.name}", stages)

    def _mark(self, part: Part, *, charts: bool) -> None:
        plan = planning.with_part(planning.read_plan(self.folder), self.track.name, part, charts=charts)
        planning.write_reached(self.folder, self.track.name, plan)

    def _next(self) -> Part | None:
        plan = planning.read_plan(self.folder)
        return planning.next_part(plan, self.track.name, first=self.track.first, size=self.track.size)

    def _load(self, computed: Computed) -> None:
        from infra.local.past.load import keep_documents, load_rows  # noqa: PLC0415 - see `client`
        from infra.local.patience import patiently  # noqa: PLC0415 - see `client`

        load = partial(load_rows, self.client())
        for name, rows in computed.tables.items():
            patiently(name, partial(load, name, _instants()[name], rows))
        keep_documents(self.store, computed.documents)

    def _say_progress(self) -> None:
        update(self.store, COLLECTION, KEY, lambda _: progress_data(planning.read_plan(self.folder)))

    def _await_head(self, part: Part) -> None:
        """Wait until the samples scraped before a stop are in blocks (see `prometheus`), at most some minutes."""
        if part.index == 0 or not planning.has_begun(planning.read_plan(self.folder)):
            return  # Prometheus has not run since, so it has nothing in its log only
        deadline = time.monotonic() + _HEAD_PATIENCE.total_seconds()
        while time.monotonic() < deadline:
            start = prometheus.head_start(self.prometheus_url)
            if start is not None and start >= part.charts_end:
                return
            time.sleep(_PAUSE_SECONDS)


def progress_data(plan: Plan) -> Data:
    """The document that says how far the history is."""
    days, whole = planning.progress(plan)
    since = None
    for span in reversed(plan.spans):
        since = max(span.reached_by(track) for track in planning.TRACKS)
        if since > span.start:
            break
    return {
        "days": days,
        "of": whole,
        "since": since,
        "updated_at": datetime.now(UTC),
        "done": not any(span.reached_by(track) > span.start for span in plan.spans for track in planning.TRACKS),
    }


def _instants() -> dict[str, str]:
    """By table, the column that identifies the rows of a part: mostly its partition column."""
    partitioned = {definition.id: definition.partition["field"] for definition in read_definitions()}
    # Days of two parts' forecasts overlap, and so do changes of an incident that began in an older part.
    return partitioned | {"ops.revenue_forecasts": "made_at", "ops.incident_changes": "id"}
