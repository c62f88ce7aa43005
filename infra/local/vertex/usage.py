"""What the processes of a task use of a machine, as shares of the one that Vertex AI gives a task by default.

They are sampled from `/proc` (Linux) while the task runs: the processes that descend from this one, and their memory and processor time.
"""

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from core.business.prices import MACHINE_TYPES
from core.pipelines.usage import LEAST_SAMPLES
from functions.adapters.vertex_tasks import DEFAULT_MACHINE

_SECONDS = 0.5
_PPID, _USER, _SYSTEM, _RSS = 1, 11, 12, 21
"""Places in `/proc/PID/stat` after the name of the program."""
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Process:
    """A process at an instant: its parent, the seconds of a processor that it took so far, and its memory in bytes."""

    parent: int
    seconds: float
    memory: int


def processes() -> dict[int, Process]:
    """The processes of this machine; none where there is no `/proc`."""
    return dict(_read())


def _read() -> Iterator[tuple[int, Process]]:
    tick, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    for path in _PROC.glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        seconds = (int(fields[_USER]) + int(fields[_SYSTEM])) / tick
        yield int(path.parent.name), Process(int(fields[_PPID]), seconds, int(fields[_RSS]) * page)


def descendants(known: dict[int, Process], root: int) -> dict[int, Process]:
    """The processes that descend from one, which is not among them."""
    found: dict[int, Process] = {}
    waiting = [root]
    while waiting:
        parent = waiting.pop()
        children = {pid: one for pid, one in known.items() if one.parent == parent and pid not in found}
        found |= children
        waiting += children
    return found


class Sampler:
    """Samples the descendants of this process until its block ends; afterwards it has the peaks.

    Args:
        every: seconds between two samples.

    """

    def __init__(self, every: float = _SECONDS) -> None:
        self._every = every
        machine = MACHINE_TYPES[DEFAULT_MACHINE]
        self._vcpus, self._bytes = machine.vcpus, machine.memory_gib * 2**30
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="usage", daemon=True)
        self._shares: list[tuple[float, float]] = []

    @property
    def cpu(self) -> float | None:
        """The largest share of the machine's vCPUs between two samples, 0 to 1; None where there are too few."""
        return self._peak(0)

    @property
    def memory(self) -> float | None:
        """The largest share of its memory, 0 to 1; None where there are too few samples."""
        return self._peak(1)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _peak(self, place: int) -> float | None:
        shares = [share[place] for share in self._shares]
        return min(max(shares), 1.0) if len(shares) >= LEAST_SAMPLES else None

    def _sample(self) -> None:
        before, at = descendants(processes(), os.getpid()), time.monotonic()
        while not self._stop.wait(self._every):
            now, then = descendants(processes(), os.getpid()), at
            at = time.monotonic()
            used = sum(one.seconds - before[pid].seconds if pid in before else one.seconds for pid, one in now.items())
            memory = sum(one.memory for one in now.values())
            if now:
                self._shares.append((max(used, 0.0) / (at - then) / self._vcpus, memory / self._bytes))
            before = now
