"""What the custom jobs of Vertex AI used of their machines, by the metrics of Cloud Monitoring.

The metrics of custom training are those of its predecessor: `ml.googleapis.com/training/cpu/utilization` and `.../memory/utilization`,
gauges of 0 to 1 sampled each minute, on the resource `cloudml_job`, whose label `job_id` is the number of the custom job.

References:
    Vertex AI, Cloud Monitoring metrics: "for custom training metrics, see metric types that start with `training` in the `ml` section".
    Cloud Monitoring, Google Cloud metrics, section `ml`; PromQL, Mapping Cloud Monitoring metrics to PromQL.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from core.pipelines.usage import Usage
from functions.adapters.prometheus import Prometheus

CPU, MEMORY = "ml_googleapis_com:training_cpu_utilization", "ml_googleapis_com:training_memory_utilization"
_JOB = re.compile(r"[\w-]{1,63}")
_LATE = timedelta(minutes=5)
"""After the end of a job; a sample is dated when it is taken, which is at most a minute after."""


class JobUsage(Protocol):
    """Tells what jobs used."""

    def __call__(self, jobs: Collection[str], start: datetime, end: datetime) -> Mapping[str, Usage]:
        """What jobs used that ran between two instants, by their ids; none of those that were not measured.

        Raises:
            QueryError: the query is refused.
            UnavailableError: no valid answer in time.
        """
        ...


class MonitoredJobUsage:
    """Asks Cloud Monitoring, by three queries for any number of jobs; see `JobUsage`.

    Args:
        open_prometheus: opens it at the first query.
    """

    def __init__(self, open_prometheus: Callable[[], Prometheus]) -> None:
        self._open = open_prometheus

    def __call__(self, jobs: Collection[str], start: datetime, end: datetime) -> Mapping[str, Usage]:
        """The peaks of all replicas of each job, and the fewest samples that one of them has."""
        known = sorted(job for job in jobs if _JOB.fullmatch(job))
        if not known:
            return {}
        labels = f'{{monitored_resource="cloudml_job", job_id=~"{"|".join(known)}"}}'
        until = end + _LATE
        window = f"[{int((until - start).total_seconds())}s]"
        cpu, memory, samples = (
            self._by_job(f"{outer} by (job_id) ({over}({name}{labels}{window}))", until)
            for outer, over, name in (
                ("max", "max_over_time", CPU),
                ("max", "max_over_time", MEMORY),
                ("min", "count_over_time", CPU),
            )
        )
        return {
            job: Usage(cpu=min(cpu[job], 1.0), memory=min(memory[job], 1.0), samples=int(samples[job]))
            for job in cpu.keys() & memory.keys() & samples.keys()
        }

    def _by_job(self, query: str, at: datetime) -> dict[str, float]:
        series = self._open().instant(query, at=int(at.timestamp()))
        found = ((one.labels.get("job_id", ""), one.values[0]) for one in series)
        return {job: value for job, value in found if value is not None and value >= 0}
