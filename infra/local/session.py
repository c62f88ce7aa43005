"""One life of the local stack: started, brought up to now, and kept up to now."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from core.errors import AiaError
from functions.adapters.bus import open_bus
from functions.adapters.ports import Warehouse
from functions.adapters.warehouse import open_warehouse
from infra.local import prometheus
from infra.local.catch_up import WINDOW, CatchUp, points
from infra.local.ports import Ports
from infra.local.replay import FLIGHTS, Replay
from infra.local.replay.weblog import BEFORE, Feed, Weblog
from infra.local.runs import await_written, run_of
from infra.local.stack import PROJECT, Stack

log = logging.getLogger(__name__)
_FEED_SECONDS = 5.0
REPLAY = "replay"
"""The pipeline that bringing the stack up to now is a run of."""


@dataclass(slots=True)
class Session:
    """The stack with its history; a context manager that leaves no process behind.

    Attributes:
        folder: where all data is kept.
        ports: where the programs listen.
        days: how much history is replayed at the first start.
        process_per_function: whether each function is a process by itself.
    """

    folder: Path
    ports: Ports
    days: int
    process_per_function: bool = False
    _stack: Stack = field(init=False)
    _stop: threading.Event = field(init=False, default_factory=threading.Event)
    _feed: threading.Thread | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self._stack = Stack(self.folder, self.ports, process_per_function=self.process_per_function)

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

    def start(self, say: Callable[[str], None], progress: Callable[[float], None]) -> tuple[datetime, ...]:
        """Start everything and bring it up to now.

        Args:
            say: told what is being done.
            progress: told which share of the history is in, 0 to 1.

        Returns:
            The instants that were scored, oldest first.
        """
        now = datetime.now(UTC)
        self._stack.start(say)
        with run_of(open_bus(PROJECT, patience=5.0), REPLAY) as run:
            say("the model, trained on January and February")
            with run.stage("model"):
                replay = Replay.resume(FLIGHTS, self.folder, now, days=self.days + WINDOW.days)
            begin = replay.published_until
            catch_up = CatchUp(
                replay=replay,
                project=PROJECT,
                warehouse=self.warehouse,
                days=self.days,
                visitors=Feed(Weblog.read(), now - BEFORE),
            )
            with run.stage("reference"):
                catch_up.load_reference()
            say("history")
            whole = max(timedelta(seconds=1), now - begin)
            with run.stage("history"):
                scored = catch_up.run(now, lambda at: progress((at - begin) / whole))
            say("charts of the past")
            with run.stage("charts"):
                await_written(self.warehouse, catch_up.batches)
                self._start_prometheus()
        self._stack.start_scheduler(
            at_once=("health_check", "pipeline_monitor", "telemetry_rollup"), soon=("bi_rollup",)
        )
        catch_up.measure(datetime.now(UTC))
        self._feed = threading.Thread(target=self._keep_feeding, args=(catch_up,), name="feed", daemon=True)
        self._feed.start()
        return scored

    def _start_prometheus(self) -> None:
        """History is written before Prometheus first starts; later it has what it scraped."""
        if not (self._stack.prometheus_data / "wal").exists():
            prometheus.backfill(points(self.warehouse), self._stack.prometheus_data, until=datetime.now(UTC))
        self._stack.start_prometheus()

    def _keep_feeding(self, catch_up: CatchUp) -> None:
        """Flights and orders go on being logged as their time comes."""
        while not self._stop.wait(_FEED_SECONDS):
            try:
                catch_up.follow(datetime.now(UTC))
            except AiaError as error:
                log.warning("the newest flights and orders were not published, they are tried again: %s", error)
