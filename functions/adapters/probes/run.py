"""Runs all probes of a tick in parallel: one that hangs does not delay the others."""

import logging
import queue
import threading
import traceback
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from core.health import ProbeReason, ProbeResult
from core.settings import Probe
from functions.adapters.logs import fields
from functions.adapters.net import Deadline

log = logging.getLogger(__name__)
THREADS = 32
GRACE = 1.0
LONGEST = 35.0
"""Seconds for all the probes of a tick: the subscription waits 60 for the answer, and the bus may take 15."""

Check = Callable[[Probe], ProbeResult]


def check(probe: Probe) -> ProbeResult:
    """The result of a probe now.

    A fault of the probe itself is a failed result as well: no target loses its monitoring silently.
    """
    try:
        # One module a kind, imported when there is a probe of that kind: dnspython alone takes 120 ms.
        return cast("Check", import_module(f"functions.adapters.probes.{probe.kind}").check)(probe)
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
        one that could not even be started has none: that says nothing about its target.
    """
    if not probes:
        return {}
    work, results = _Work(probes, check), dict[str, ProbeResult]()
    deadline = Deadline(_allowed(probes, threads))
    for _ in range(min(threads, len(probes))):
        # Daemons, because the look-up of a name cannot be interrupted and must not hold up the end of the instance.
        threading.Thread(target=work.some, name="probe", daemon=True).start()
    while len(results) < len(probes) and (result := work.next(deadline)):
        results[result[0]] = result[1]
    results = work.late(deadline) | results
    if missing := [probe.name for probe in probes if probe.name not in results]:
        log.error("probes not started in time: %d", len(missing), extra=fields(probes=missing))
    return results


def _allowed(probes: Sequence[Probe], threads: int) -> float:
    rounds = -(-len(probes) // threads)
    return min(LONGEST, rounds * max(probe.timeout.total_seconds() for probe in probes) + GRACE)


class _Work:
    """State that the threads share."""

    def __init__(self, probes: Sequence[Probe], check: Check) -> None:
        self._check = check
        self._waiting: queue.SimpleQueue[Probe] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[str, ProbeResult]] = queue.SimpleQueue()
        self._started: list[str] = []
        self._over = threading.Event()
        for probe in probes:
            self._waiting.put(probe)

    def some(self) -> None:
        """Check one probe after the other, until none waits or time is over."""
        while not self._over.is_set():
            try:
                probe = self._waiting.get_nowait()
            except queue.Empty:
                return
            self._started.append(probe.name)
            self._done.put((probe.name, self._check(probe)))

    def next(self, deadline: Deadline) -> tuple[str, ProbeResult] | None:
        """The next result, or None when time is over."""
        try:
            return self._done.get(timeout=deadline.left())
        except (queue.Empty, TimeoutError):
            return None

    def late(self, deadline: Deadline) -> dict[str, ProbeResult]:
        """A timeout for every probe that was started; nothing more is started."""
        self._over.set()
        detail = "timeout: no result by the end of the tick"
        late = ProbeResult(ok=False, reason=ProbeReason.TIMEOUT, latency=deadline.spent(), detail=detail)
        return dict.fromkeys(self._started, late)
