"""The local scheduler: publishes ticks as Cloud Scheduler would, from the cron expressions of `monitoring.yaml`.

Cloud Scheduler sends the same bytes every time, so the ticks carry no instant; the functions derive it from the time
the message was published.
"""

import heapq
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from croniter import croniter
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.cloud import pubsub_v1

from core.events import Tick
from functions.adapters.ports import Clock

log = logging.getLogger(__name__)


_LOOK_SECONDS = 5.0
"""After which the clock is looked at again."""


@dataclass(frozen=True, slots=True, order=True)
class _Due:
    """The next tick of a job, and whether it is one of its schedule."""

    at: datetime
    job: str
    scheduled: bool


def next_instant(cron: str, after: datetime) -> datetime:
    """The next instant of a cron expression."""
    instant: datetime = croniter(cron, after, ret_type=datetime).get_next()
    return instant


def payload(job: str) -> bytes:
    """The message of a job."""
    return json.dumps({"type": Tick.TYPE, "version": Tick.VERSION, "job": job}).encode()


class Scheduler:
    """Publishes the ticks of the jobs on their schedules until it is stopped.

    Args:
        jobs: the cron expression of each.
        topic: where ticks are published.
        soon: how long until a further tick of some jobs, wherever the next one of their schedule is.
        clock: now, in UTC.
    """

    def __init__(
        self,
        jobs: Mapping[str, str],
        topic: str,
        soon: Mapping[str, timedelta] | None = None,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = jobs
        self._topic = topic
        self._soon = dict(soon or {})
        self._clock = clock
        self._publisher = pubsub_v1.PublisherClient()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scheduler", daemon=True)

    def start(self) -> None:
        """Publish each job now and at its next instants."""
        self._thread.start()

    def stop(self) -> None:
        """Stop publishing; returns when the last message is sent."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        for job in self._jobs:
            self.publish(job)
        now = self._clock()
        due = [self._scheduled(job, now) for job in self._jobs]
        due += [_Due(now + after, job, scheduled=False) for job, after in self._soon.items()]
        heapq.heapify(due)
        while due:
            before, now = now, self._clock()
            if now < before:  # the clock was set back: no schedule rests until it is there again
                due = [self._set_back(job, before, now) for job in due]
                heapq.heapify(due)
            if due[0].at > now:
                if self._stop.wait(min((due[0].at - now).total_seconds(), _LOOK_SECONDS)):
                    return
                continue
            one = heapq.heappop(due)
            self.publish(one.job)
            if one.scheduled:
                heapq.heappush(due, self._scheduled(one.job, max(one.at, self._clock())))

    def _set_back(self, due: _Due, before: datetime, now: datetime) -> _Due:
        return self._scheduled(due.job, now) if due.scheduled else replace(due, at=due.at - (before - now))

    def _scheduled(self, job: str, after: datetime) -> _Due:
        return _Due(self._next(self._jobs[job], after), job, scheduled=True)

    def publish(self, job: str) -> None:
        """Publish one tick now; a bus that does not answer costs this tick and is logged, as Cloud Scheduler does."""
        try:
            self._publisher.publish(self._topic, payload(job), job=job).result(timeout=30)
        except (GoogleAPICallError, RetryError, TimeoutError) as error:
            log.warning("scheduler: the tick of %s was not published: %s", job, error)

    @staticmethod
    def _next(cron: str, after: datetime) -> datetime:
        return next_instant(cron, after)
