"""What the local stack does by itself, told as runs of pipelines: on the topic `pipeline-runs`, like any other runner.

    with run_of(bus, "replay") as run:
        with run.stage("model"):
            ...

tells when the run and each stage begins and ends, and how; what fails is told as failed and raised.
"""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from core.errors import AiaError
from core.events import PipelineRun, RunStatus
from functions.adapters.ports import Bus, Clock, Warehouse

TOPIC = "pipeline-runs"
log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Reporter:
    """A run that is being told of.

    Attributes:
        bus: where.
        event: its beginning.
        clock: now, in UTC.
    """

    bus: Bus
    event: PipelineRun
    clock: Clock = field(default=_now)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Tell of a stage: that it began, and how it ended."""
        with self._told(replace(self.event, stage=name, observed_at=self.clock())):
            yield

    @contextmanager
    def whole(self) -> Iterator["Reporter"]:
        """Tell of the run as a whole: that it began, and how it ended."""
        with self._told(self.event):
            yield self

    @contextmanager
    def _told(self, begun: PipelineRun) -> Iterator[None]:
        self._tell(begun)
        try:
            yield
        except Exception as error:
            self._tell(self._end(begun, RunStatus.FAILED, f"{type(error).__name__}: {error}"))
            raise
        except BaseException:  # somebody stops the stack
            self._tell(self._end(begun, RunStatus.CANCELLED))
            raise
        self._tell(self._end(begun, RunStatus.SUCCEEDED))

    def _end(self, begun: PipelineRun, status: RunStatus, error: str = "") -> PipelineRun:
        at = max(self.clock(), begun.observed_at)
        return replace(begun, status=status, observed_at=at, started_at=begun.observed_at, ended_at=at, error=error)

    def _tell(self, event: PipelineRun) -> None:
        """Publish; the work goes on where the bus does not answer."""
        try:
            self.bus.publish(TOPIC, event)
        except AiaError as error:
            log.warning("not told: %s: %s", event.id, error)


@contextmanager
def run_of(bus: Bus, pipeline: str, clock: Clock = _now) -> Iterator[Reporter]:
    """Tell of a run that begins now and ends with the block; its id is the instant."""
    now = clock()
    begun = PipelineRun(
        pipeline=pipeline, run_id=f"{pipeline}-{now:%Y%m%dT%H%M%S.%fZ}", status=RunStatus.RUNNING, observed_at=now
    )
    with Reporter(bus, begun, clock).whole() as run:
        yield run


def await_written(warehouse: Warehouse, run_ids: Sequence[str], seconds: float = 20.0) -> bool:
    """Whether the history has all these runs; waits for it a little, since it is written as they are told of."""
    sql = "SELECT COUNT(DISTINCT run_id) AS n FROM ops.pipeline_runs WHERE stage = '' AND run_id IN UNNEST(@runs)"
    deadline = time.monotonic() + seconds
    while warehouse.query(sql, runs=list(run_ids))[0]["n"] < len(run_ids) if run_ids else False:
        if time.monotonic() > deadline:
            log.warning("the history does not have all of %d runs after %g s", len(run_ids), seconds)
            return False
        time.sleep(0.1)
    return True
