"""The local scheduler: publishes ticks as Cloud Scheduler would, from the cron expressions of `monitoring.yaml`.

Cloud Scheduler sends the same bytes every time, so the ticks carry no instant; the functions derive it from the time the
message was published.
"""

import heapq
import json
import logging
import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from croniter import croniter
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import pubsub_v1

from core.events import Tick

log = logging.getLogger(__name__)


def payload(job: str) -> bytes:
    """What the scheduler sends for a job, every time."""
    return json.dumps({"type": Tick.TYPE, "version": Tick.VERSION, "job": job}).encode()


class Scheduler:
    """Publishes the ticks of the jobs on their schedules until it is stopped.

    Args:
        jobs: the cron expression of each.
        topic: where ticks are published.
        soon: how long until a further tick of some jobs, wherever the next one of their schedule is.
    """

    def __init__(self, jobs: Mapping[str, str], topic: str, soon: Mapping[str, timedelta] | None = None) -> None:
        self._jobs = jobs
        self._topic = topic
        self._soon = dict(soon or {})
        self._publisher = pubsub_v1.PublisherClient()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Publish each job now and at its next instants."""
        self._thread.start()

    def stop(self) -> None:
        """Publish no more; returns when the last one is out."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        for job in self._jobs:
            self.publish(job)
        now = datetime.now(UTC)
        due = [(self._next(cron, now), job, True) for job, cron in self._jobs.items()]
        due += [(now + after, job, False) for job, after in self._soon.items()]
        heapq.heapify(due)
        while due:
            at, job, scheduled = heapq.heappop(due)
            if self._stop.wait(max(0.0, (at - datetime.now(UTC)).total_seconds())):
                return
            self.publish(job)
            if scheduled:
                heapq.heappush(due, (self._next(self._jobs[job], max(at, datetime.now(UTC))), job, True))

    def publish(self, job: str) -> None:
        """Publish one tick now; a bus that does not answer costs this tick and is logged, as Cloud Scheduler does."""
        try:
            self._publisher.publish(self._topic, payload(job), job=job).result(timeout=30)
        except (GoogleAPICallError, RetryError, TimeoutError) as error:
            log.warning("scheduler: the tick of %s was not published: %s", job, error)

    @staticmethod
    def _next(cron: str, after: datetime) -> datetime:
        instant: datetime = croniter(cron, after, ret_type=datetime).get_next()
        return instant
