"""Runs all probes of a tick in parallel: one that hangs does not delay the others."""

import collections
import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from typing import cast

from core.health import ProbeReason, ProbeResult
from core.settings import Probe
from core.settings.probes import ConnectingProbe
from functions.adapters.logs import fields
from functions.adapters.net import Deadline
from functions.adapters.probes.sources import Sources

log = logging.getLogger(__name__)
THREADS = 32
GRACE = 1.0
LONGEST = 35.0
"""Seconds for all the probes of a tick: the subscription waits 60 for the answer, and the bus may take 15."""
FIRST_PAUSE = 0.1
"""Seconds before the first further attempt of a check that failed; each pause is twice the one before."""
SHORTEST = timedelta(milliseconds=1)
NOT_STARTED = ProbeResult(ok=False, reason=ProbeReason.NOT_STARTED, latency=0.0, detail="it was not started in time")
Check = Callable[[Probe], ProbeResult]


def check(probe: Probe, sources: Sources | None = None) -> ProbeResult:
    """The result of a probe now: of its last attempt, while its timeout lasts.

    A fault of the probe itself is a failed result as well: no target loses its monitoring silently.
    """
    deadline = Deadline(probe.timeout.total_seconds())
    result = _attempt(probe, sources)
    for number in range(probe.retries):
        pause = FIRST_PAUSE * 2**number
        if result.ok or not result.is_known or deadline.spent() + pause >= probe.timeout.total_seconds():
            break
        time.sleep(pause)
        left = probe.timeout - timedelta(seconds=deadline.spent())
        result = _attempt(replace(probe, timeout=max(left, SHORTEST)), sources)
    return result


def _attempt(probe: Probe, sources: Sources | None) -> ProbeResult:
    try:
        # One module a kind, imported when there is a probe of that kind: dnspython alone takes 120 ms.
        checks = import_module(f"functions.adapters.probes.{probe.kind}").check
        return cast("ProbeResult", checks(probe) if isinstance(probe, ConnectingProbe) else checks(probe, sources))
    except Exception as error:  # noqa: BLE001 - whatever it is, the result says so
        # Not the message: it may hold the URL, and the URL a secret.
        kind, stack = type(error).__name__, "".join(traceback.format_tb(error.__traceback__))
        log.error("probe failed unexpectedly: %s", kind, extra=fields(probe=probe.name, stack_trace=stack))  # noqa: TRY400 - as above
        detail = f"the probe itself failed: {kind}"
        return ProbeResult(ok=False, reason=ProbeReason.PROBE_BROKEN, latency=0.0, detail=detail)


def run(probes: Sequence[Probe], check: Check = check, threads: int = THREADS) -> dict[str, ProbeResult]:
    """Check all the probes at once.

    Args:
        probes: with different names.
        check: how one probe is checked.
        threads: how many are checked at the same time.

    Returns:
        The results by the probe's name. A probe that was started and did not come back in time has the result timeout;
        one that could not even be started has `not_started`, which says nothing about its target.
    """
    if not probes:
        return {}
    work, results = _Work(probes, check, _allowed(probes, threads)), dict[str, ProbeResult]()
    for _ in range(min(threads, len(probes))):
        # Daemons, because the look-up of a name cannot be interrupted and must not hold up the end of the instance.
        threading.Thread(target=work.some, name="probe", daemon=True).start()
    while len(results) < len(probes) and (result := work.next()):
        results[result[0]] = result[1]
    results = work.late() | results
    missing = [probe.name for probe in probes if probe.name not in results]
    if missing:
        log.error("probes not started in time: %d", len(missing), extra=fields(probes=missing))
    return results | dict.fromkeys(missing, NOT_STARTED)


def _allowed(probes: Sequence[Probe], threads: int) -> float:
    rounds = -(-len(probes) // threads)
    return min(LONGEST, rounds * max(probe.timeout.total_seconds() for probe in probes) + GRACE)


class _Work:
    """State that the threads share; it is over when every probe has a result or had its time."""

    def __init__(self, probes: Sequence[Probe], check: Check, allowed: float) -> None:
        self._check = check
        self._waiting = collections.deque(probes)
        self._done: queue.SimpleQueue[tuple[str, ProbeResult]] = queue.SimpleQueue()
        self._ends: dict[str, float] = {}
        """When the time of each probe is over that was started and has no result, in seconds since the start."""
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._allowed = allowed
        self._clock = Deadline(allowed)

    def some(self) -> None:
        """Check one probe after the other, until none waits or time is over."""
        while not self._over.is_set() and (probe := self._take()):
            self._done.put((probe.name, self._check(probe)))

    def _take(self) -> Probe | None:
        with self._lock:
            if not self._waiting:
                return None
            probe = self._waiting.popleft()
            self._ends[probe.name] = self._clock.spent() + probe.timeout.total_seconds() + GRACE
            return probe

    def next(self) -> tuple[str, ProbeResult] | None:
        """The next result, or None when time is over."""
        while (left := self._end() - self._clock.spent()) > 0:
            try:
                name, result = self._done.get(timeout=left)
            except queue.Empty:
                continue  # others were started meanwhile, and have their time
            with self._lock:
                del self._ends[name]
            return name, result
        return None

    def _end(self) -> float:
        """When no further result is waited for: a thread that hangs is waited for no longer than others need it."""
        with self._lock:
            return self._allowed if self._waiting else min(self._allowed, max(self._ends.values(), default=0.0))

    def late(self) -> dict[str, ProbeResult]:
        """A timeout for every probe that was started and has no result; nothing more is started."""
        self._over.set()
        detail = "timeout: no result by the end of the tick"
        late = ProbeResult(ok=False, reason=ProbeReason.TIMEOUT, latency=self._clock.spent(), detail=detail)
        with self._lock:
            self._waiting.clear()
            return dict.fromkeys(self._ends, late)
