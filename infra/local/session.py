"""One session of the local system: started, given its history, and kept up to date."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from google.api_core.exceptions import GoogleAPICallError
from google.cloud.pubsub_v1 import PublisherClient

from core.errors import AiaError
from core.events import Tick
from functions.adapters.bus import open_bus
from functions.adapters.ports import Data, PubsubMessage, Warehouse
from functions.adapters.store import update
from functions.adapters.stores import open_store
from functions.adapters.warehouse import open_warehouse
from functions.api.freshness import COLLECTION, KEY
from infra.local.past import plan as planning
from infra.local.past.plan import TRACKS, Plan
from infra.local.past.program import progress_data
from infra.local.ports import Ports
from infra.local.replay import billing
from infra.local.replay.flights import FLIGHTS
from infra.local.replay.publish import publish
from infra.local.replay.replay import Replay
from infra.local.replay.weblog import BEFORE, Feed, Weblog
from infra.local.stack import PROJECT, Stack

log = logging.getLogger(__name__)
WINDOW = timedelta(days=7)
"""The longest window in the settings: the history starts this long before the first tick, so that its window is complete."""
_FEED_SECONDS = 5.0
_POLL_SECONDS = 0.1
_FIRST_PART_SECONDS = 600.0
_MEASURED_EVERY = timedelta(minutes=5)
_NEED_ROWS = {"model": ("drift_score", "telemetry_rollup"), "business": ("bi_rollup",)}
"""The jobs that read logged data, by the track of the history that loads it: they start when its newest weeks are loaded."""
_SOON = ("incident_sweep", "pipeline_monitor", "bi_rollup")
"""The jobs that tick again some seconds after the start, to measure the effect of the first ticks."""


class StalledError(Exception):
    """Something did not happen in time; the message says what."""


@dataclass(slots=True)
class Session:
    """The stack with its history; a context manager that leaves no process behind.

    Attributes:
        folder: stores all data.
        ports: where the programs listen.
        days: how much history there is after the first start.
        separate: the functions that are processes by themselves.
        with_mlflow: whether versions of models are registered in an MLflow server as well, where it is installed.
        with_training: whether trainings run; else their requests are only stored.
        store: the address of the store, or None for a file in the folder.
    """

    folder: Path
    ports: Ports
    days: int
    separate: Collection[str] = ()
    with_mlflow: bool = False
    with_training: bool = False
    store: str | None = None
    _stack: Stack = field(init=False)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _feed: threading.Thread | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._stack = Stack(
            self.folder,
            self.ports,
            separate=self.separate,
            with_mlflow=self.with_mlflow,
            with_training=self.with_training,
            store=self.store,
        )

    def __enter__(self) -> Self:
        self._stack.__enter__()
        return self

    def __exit__(self, *reason: object) -> None:
        try:
            self._stop.set()
            if self._feed:
                self._feed.join()
        finally:
            self._stack.__exit__(*reason)

    @property
    def warehouse(self) -> Warehouse:
        """The running stack's warehouse."""
        return open_warehouse(PROJECT)

    @property
    def plan(self) -> Plan:
        """The history that is computed."""
        return planning.read_plan(self.folder)

    def backfill(self) -> Data:
        """How far the history is, as the pages read it; empty before the first part."""
        with closing(open_store(self._stack.store, PROJECT)) as store:
            document = store.get(COLLECTION, KEY)
        return document.data if document else {}

    def start(self, say: Callable[[str], None]) -> None:
        """Start everything; returns when the pages show the newest weeks, and the rest of the history comes behind.

        Args:
            say: called with each status message.

        Raises:
            StartError: a program did not come up.
            StalledError: the first part of the history did not come.
        """
        now = datetime.now(UTC)
        self.folder.mkdir(parents=True, exist_ok=True)
        replay = self._replay(now)
        self._say_progress()
        begun = planning.has_begun(self.plan)
        self._stack.start(say, tracks=[track for track in TRACKS if not self._finished(track)], charts=begun)
        self._feed = threading.Thread(target=self._keep_feeding, args=(replay, now), name="feed", daemon=True)
        self._feed.start()
        waiting = {job for jobs in _NEED_ROWS.values() for job in jobs}
        self._stack.start_scheduler(lambda job: job not in waiting)
        say("the newest weeks of history")
        charts = self._stack.prometheus()
        for track, jobs in _NEED_ROWS.items():
            self._await(track, lambda track=track: all(span.is_loaded(track) for span in self.plan.spans))  # type: ignore[misc] # mypy cannot infer defaults of a lambda
            self._stack.start_scheduler(jobs.__contains__)
            if track == "model":
                self._stack.start_mlflow()  # beside the training that drift asks for now, the last step of which registers a version
        if not begun:
            self._await("*", lambda: planning.has_begun(self.plan))
            self._stack.programs.start(charts)
        self._stack.publish_soon(_SOON)

    def measure(self) -> None:
        """Have the mean times of incidents measured now: the next sweep that measures them may be five minutes away."""
        now = datetime.now(UTC)
        tick = Tick(job="incident_sweep", scheduled_at=now - (now - datetime.min.replace(tzinfo=UTC)) % _MEASURED_EVERY)
        open_bus(PROJECT).publish("ticks", tick, job=tick.job)

    def _replay(self, now: datetime) -> Replay:
        """The start of live publishing; older data is planned as history."""
        replay = Replay.resume(FLIGHTS, self.folder, now, days=self.days + WINDOW.days)
        begin = replay.published_until
        if now - begin > planning.SHORT:
            planning.write_plan(self.folder, planning.extended(self.plan, begin, now, window=WINDOW))
            replay.skip_to(now)
        return replay

    def _say_progress(self) -> None:
        """Store the progress of the history before the pages query it."""
        if self.plan.spans:
            with closing(open_store(self._stack.store, PROJECT)) as store:
                update(store, COLLECTION, KEY, lambda _: progress_data(self.plan))

    def _await(self, track: str, is_in: Callable[[], bool]) -> None:
        """Wait for the newest part of the history, as far as it is needed, but not for older parts."""
        deadline = time.monotonic() + _FIRST_PART_SECONDS
        while not is_in():
            if time.monotonic() > deadline:
                log_file = self.folder / "logs" / f"history-{track}.log"
                raise StalledError(f"history: no part was in after {_FIRST_PART_SECONDS:.0f} s; see {log_file}")
            time.sleep(_POLL_SECONDS)

    def _finished(self, track: str) -> bool:
        return all(span.reached_by(track) <= span.start for span in self.plan.spans)

    def _keep_feeding(self, replay: Replay, now: datetime) -> None:
        """Flights, orders and visits go on being logged as their time comes."""
        visitors = Feed(Weblog.read(), now - BEFORE)
        publisher, topic = PublisherClient(), f"projects/{PROJECT}/topics/telemetry"

        def send(messages: Iterable[PubsubMessage]) -> int:
            return publish(messages, publisher, topic)

        billed = replay.published_until
        while True:
            try:
                visitors.advance(datetime.now(UTC), send)
                replay.advance(datetime.now(UTC), send)
                billed = self._bill(billed)
            except (AiaError, GoogleAPICallError, OSError) as error:
                log.warning("the newest flights and orders were not published, retried: %s", error)
            if self._stop.wait(_FEED_SECONDS):
                return

    def _bill(self, since: datetime) -> datetime:
        """Append the rows of the billing export that are due, as Google Cloud does; the instant up to which they are there."""
        until = datetime.now(UTC)
        if rows := billing.rows(since, until):
            open_warehouse(PROJECT).append(billing.TABLE, rows)
        return until
