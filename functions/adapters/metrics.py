"""Metrics for Cloud Monitoring, under their Prometheus names.

A point is `prometheus.googleapis.com/NAME/gauge` or `/counter` on the resource `prometheus_target`, so that one PromQL
expression means the same there and in Prometheus. The limits of the API are respected: at most 200 series a call, one
point a series, points of a series in order and at least 5 s apart, nothing older than 24 h or in the future, label
values of at most 1,024 characters.

An instance is throttled between requests, so nothing runs in the background: `flush` is called at the end of a request. It sends
everything where the last such flush is 10 s ago, and else only series that have not been sent for 10 s: what a request measures
is not left until the next one, which may be a quarter of an hour away, and no series has more than a point in 10 s. The last values are
sent when the process ends. A failure to send is logged, never raised: gauges keep their newest value and counters keep counting, and
nothing is tried again for 10 s.

A flush has a deadline, which grows with what there is to send. Heartbeats and the metrics of requests go first, so that no
number of models delays them; of the others those that were tried longest ago, so that none starves where deadlines end flushes.
"""

import atexit
import logging
import math
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.errors import DeadlineError, Fault, SettingsError
from core.metrics import Metric, MetricKind, check, system
from functions.adapters import logs, request_deadline
from functions.adapters.metrics_wire import Point, Series, Wire
from functions.adapters.ports import Clock

SERIES_A_CALL = 200
LABEL_CHARACTERS = 1024
PERIOD = timedelta(seconds=5)
EVERY = timedelta(seconds=10)
OLDEST = timedelta(hours=24)
AHEAD = timedelta(minutes=5)
TIMEOUT_SECONDS = 5.0
SECONDS_A_CALL = 1.0  # more for each call after the first, which takes a tenth of it
LONGEST_SECONDS = 30.0
"""Of a flush of 5,200 series or more. A shard of models has 100 s left when it flushes, and no other function has as many series."""
KEPT = 20_000
"""Series that a process remembers; of more, gauges that were sent are forgotten."""
LAST_TIMEOUT_SECONDS = 3.0  # with the wait before it, within the 10 s that Cloud Run gives after SIGTERM

_TICK = timedelta(milliseconds=1)
_FIRST = frozenset(metric.name for metric in system.METRICS)

log = logging.getLogger(__name__)
_connected: list["CloudMetrics"] = []
"""The clients that send their last values when the process ends."""


class Fate(StrEnum):
    """What becomes of a value at a flush."""

    SENT = "sent"
    HELD = "held"
    LATE = "late"
    OUT_OF_ORDER = "out of order"
    IN_THE_FUTURE = "in the future"
    NOT_A_NUMBER = "not a number"


def _now() -> datetime:
    return datetime.now(UTC)


class CloudMetrics:
    """The port `Metrics` over Cloud Monitoring; safe to use from several threads.

    Args:
        function: the function that writes, as the label `job`.
        project: that the metrics belong to.
        location: the region the function runs in.
        endpoint: `host:port` of a server without TLS in Google's place.
        clock: now, in UTC.
    """

    def __init__(self, *, function: str, project: str, location: str, endpoint: str = "", clock: Clock = _now) -> None:
        self._function = function
        self._project = project
        self._location = location
        self._endpoint = endpoint
        self._clock = clock
        self._lock = threading.Lock()  # guards the series; never held while sending
        self._sending = threading.Lock()  # one flush at a time, so that points arrive in order
        self._wanted = threading.Event()  # a flush was called for while another was sending
        self._series: dict[tuple[str, ...], Series] = {}
        self._dropped: Counter[Fate] = Counter()
        self._whole: datetime | None = None  # the last flush of everything
        self._failed: datetime | None = None  # the last flush, where it failed
        self._flushes = 0
        self._wire: Wire | None = None

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        """Set a gauge; `at` is the instant the value is about (that of the flush when absent)."""
        metric = check(name, MetricKind.GAUGE, labels)
        now = self._clock()
        with self._lock:
            series = self._get(metric, labels, now)
            if (fate := _unfit(series, value, at, now)) is not None:
                self._dropped[fate] += 1
            else:
                series.value, series.at, series.fresh = value, at, True

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        metric = check(name, MetricKind.COUNTER, labels)
        if not (by >= 0 and math.isfinite(by)):
            raise ValueError(f"{name}: a counter grows by a number of at least 0, got {by!r}")
        now = self._clock()
        with self._lock:
            series = self._get(metric, labels, now)
            series.value, series.fresh = series.value + by, True

    def flush(self) -> None:
        """Send what may be sent; never raises. While another flush is sending, that one sends it afterwards."""
        self._wanted.set()
        while self._wanted.is_set() and self._sending.acquire(blocking=False):
            self._wanted.clear()
            try:
                self._flush(self._clock())
            except Exception:
                log.exception("metrics: flush failed")
            finally:
                self._sending.release()

    def _flush(self, now: datetime) -> None:
        if _is_recent(self._failed, now):
            return
        whole = not _is_recent(self._whole, now)
        if points := self._take(now, standing=whole, gap=PERIOD if whole else EVERY):
            with request_deadline.closing():
                self._failed = None if self._send(points, _patience(len(points))) else now
        if whole:
            self._whole = now
            self._forget()

    def close(self) -> None:
        """Send the last values, also within 10 s of the last flush; never raises.

        Waits, 5 s at most, until the API takes another point of every series that has a value to send.
        """
        if not self._sending.acquire(timeout=TIMEOUT_SECONDS):
            log.warning("metrics: the last values are not sent: another flush is still running")
            return
        try:
            time.sleep(self._wait(self._clock()))
            self._send(self._take(self._clock(), standing=False, gap=PERIOD), LAST_TIMEOUT_SECONDS)
        except Exception:
            log.exception("metrics: the last flush failed")
        finally:
            self._sending.release()

    def _get(self, metric: Metric, labels: Mapping[str, str], now: datetime) -> Series:
        short = {label: labels[label][:LABEL_CHARACTERS] for label in metric.labels}
        key = (metric.name, *short.values())
        return self._series.setdefault(key, Series(metric, short, start=now - _TICK))

    def _take(self, now: datetime, *, standing: bool, gap: timedelta) -> list[Point]:
        """The points to send, in that order.

        Args:
            now: when they are sent.
            standing: whether counters that stood still are sent as well, as a scrape would read them.
            gap: how long ago the last point of a series must be, where its points are about the time they are sent.
        """
        points = []
        with self._lock:
            for series in self._series.values():
                if not (series.fresh or (standing and series.metric.kind is MetricKind.COUNTER)):
                    continue
                fate = _fate(series, now, gap)
                if fate is Fate.SENT:
                    points.append(Point(series, series.value, series.at or now, shared=series.at is not None))
                elif fate is not Fate.HELD:
                    self._dropped[fate] += 1
                series.fresh = series.fresh and fate is Fate.HELD
            dropped, self._dropped = self._dropped, Counter()
        _report(dropped)
        return sorted(points, key=lambda point: (point.series.metric.name not in _FIRST, point.series.turn))

    def _send(self, points: Sequence[Point], seconds: float) -> bool:
        """Whether all were written or refused; the others stay."""
        try:
            deadline = time.monotonic() + request_deadline.within(seconds)
        except DeadlineError:
            self._keep(points)
            return False
        self._flushes += 1
        for first in range(0, len(points), SERIES_A_CALL):
            chunk = points[first : first + SERIES_A_CALL]
            for point in chunk:
                point.series.turn = 2 * self._flushes
            if not self._write(chunk, deadline - time.monotonic()):
                self._keep(points[first:])
                return False
            for point in chunk:
                point.series.sent, point.series.turn = point.end, 2 * self._flushes + 1
        return True

    def _keep(self, points: Sequence[Point]) -> None:
        with self._lock:
            for point in points:
                point.series.fresh = True

    def _forget(self) -> None:
        """Forget gauges that were sent, where there are too many: an instance sees other models at each tick."""
        with self._lock:
            if len(self._series) > KEPT:
                kept = {k: one for k, one in self._series.items() if one.fresh or one.metric.kind is MetricKind.COUNTER}
                self._series = kept

    def _write(self, points: Sequence[Point], seconds: float) -> bool:
        """Whether the points are done with: written, or refused in a way that sending them again cannot mend."""
        from google.api_core.exceptions import InvalidArgument  # noqa: PLC0415 - paid at the first flush

        try:
            self._wire = self._wire or Wire(self._function, self._project, self._location, self._endpoint)
            self._wire.write(points, max(seconds, 0.001))
        except InvalidArgument as error:
            log.warning("metrics: refused: %s", error, extra=logs.fields(series=len(points)))
        except Exception as error:  # noqa: BLE001 - whatever the network or the credentials raise, the request goes on
            log.warning("metrics: not written: %s", error, extra=logs.fields(series=len(points)))
            return False
        return True

    def _wait(self, now: datetime) -> float:
        with self._lock:
            fresh = [series for series in self._series.values() if series.fresh and series.at is None]
            waiting = [series.sent + PERIOD - now for series in fresh if series.sent]
        return min(max([timedelta(0), *waiting]), PERIOD).total_seconds()


def _patience(series: int) -> float:
    """Seconds that a flush of so many series may take."""
    calls = math.ceil(series / SERIES_A_CALL)
    return min(TIMEOUT_SECONDS + SECONDS_A_CALL * max(calls - 1, 0), LONGEST_SECONDS)


def _unfit(series: Series, value: float, at: datetime | None, now: datetime) -> Fate | None:
    """Why a value must not take the place of the one that waits, if there is a reason."""
    if not math.isfinite(value):
        return Fate.NOT_A_NUMBER
    if at is None:
        return None
    if at.tzinfo is None:
        raise ValueError(f"{series.metric.name}: at must carry a time zone, got {at.isoformat()}")
    if at > now + AHEAD:
        return Fate.IN_THE_FUTURE
    older = series.fresh and series.at is not None and at < series.at
    return Fate.OUT_OF_ORDER if older else None


def _is_recent(flush: datetime | None, now: datetime) -> bool:
    """Whether a flush was within the last 10 s; not where the clock was set back behind it."""
    return flush is not None and timedelta(0) <= now - flush < EVERY


def _fate(series: Series, now: datetime, gap: timedelta) -> Fate:
    """What becomes of a series' value at a flush."""
    end = series.at or now
    if now - end > OLDEST:
        return Fate.LATE
    if end > now or (series.metric.kind is MetricKind.COUNTER and end <= series.start):
        return Fate.HELD
    if series.sent is None or end >= series.sent + (PERIOD if series.at else gap):
        return Fate.SENT
    return Fate.OUT_OF_ORDER if series.at else Fate.HELD


def _report(dropped: Counter[Fate]) -> None:
    if dropped:
        reasons = ", ".join(f"{count} {fate}" for fate, count in sorted(dropped.items()))
        log.warning("metrics: points dropped: %s", reasons, extra=logs.fields(dropped=dropped.total()))


def connect(function: str) -> CloudMetrics:
    """The metrics of a function, by its environment; the last values are sent when the process ends.

    Raises:
        SettingsError: GOOGLE_CLOUD_PROJECT or AIA_LOCATION is not set.
    """
    metrics = CloudMetrics(
        function=function,
        project=_setting("GOOGLE_CLOUD_PROJECT"),
        location=_setting("AIA_LOCATION"),
        endpoint=os.environ.get("AIA_MONITORING_ENDPOINT", ""),
    )
    _connected.append(metrics)
    atexit.register(metrics.close)
    _exit_on_sigterm()
    return metrics


def close_all() -> None:
    """Send the last values of all functions of this process in parallel; never raises.

    One after the other, they might take longer than a process is given to end.
    """
    with ThreadPoolExecutor(max(1, len(_connected))) as pool:
        list(pool.map(CloudMetrics.close, _connected))
    for metrics in _connected:
        atexit.unregister(metrics.close)
    _connected.clear()


def _setting(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise SettingsError((Fault(f"environment.{name}", "must be set", value),))
    return value


def _exit_on_sigterm() -> None:
    """End as `sys.exit` does, where nothing else answers SIGTERM; gunicorn's workers do so by themselves."""
    main = threading.current_thread() is threading.main_thread()
    if main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
