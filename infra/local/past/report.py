"""Reports a loaded part of the history as a pipeline run, on the topic `pipeline-runs` like any other runner.

Only once it has succeeded: how long a first start takes depends on what else the machine does, and is no fault of
anybody's.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from core.errors import AiaError
from core.events import PipelineRun, RunStatus
from functions.adapters.ports import Bus

TOPIC = "pipeline-runs"
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Stages:
    """The stages of a run, with their times."""

    times: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage."""
        start = datetime.now(UTC)
        yield
        self.times[name] = start, datetime.now(UTC)

    def __str__(self) -> str:
        """As in `compute 3.1 s, load 0.4 s`."""
        return ", ".join(f"{name} {(end - start).total_seconds():.1f} s" for name, (start, end) in self.times.items())


def report(bus: Bus, pipeline: str, stages: Stages) -> None:
    """Publish that a run succeeded, with its stages; a bus that does not answer costs the report."""
    start, end = min(start for start, _ in stages.times.values()), max(end for _, end in stages.times.values())
    run_id = f"{pipeline}-{start:%Y%m%dT%H%M%S.%fZ}"
    spans = {**stages.times, "": (start, end)}
    try:
        for stage, (begun, ended) in spans.items():
            bus.publish(
                TOPIC,
                PipelineRun(
                    pipeline=pipeline,
                    run_id=run_id,
                    stage=stage,
                    status=RunStatus.SUCCEEDED,
                    observed_at=ended,
                    started_at=begun,
                    ended_at=ended,
                ),
            )
    except AiaError as error:
        log.warning("not reported: %s: %s", run_id, error)
