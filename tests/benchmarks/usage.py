"""What the processes of one stack use: memory as the sum of their Pss, CPU, disk."""

import os
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.servers.stack import LocalStack, parent, processes

_TICK = os.sysconf("SC_CLK_TCK")
_CPU_FIELDS = slice(11, 15)
"""utime, stime, and those of children that have ended and were waited for, counted from behind the command of `stat`."""


def family(stack: LocalStack) -> set[int]:
    """`aia local`, all that descend from it, and what else names its folder."""
    children: dict[int, list[int]] = {}
    for pid in processes():
        children.setdefault(parent(pid), []).append(pid)
    found, waiting = set(stack.left_behind()), [stack.process.pid]
    while waiting:
        pid = waiting.pop()
        found.add(pid)
        waiting += children.get(pid, [])
    return found


def pss(pids: Iterable[int]) -> int:
    """Bytes, with what several share counted once."""
    return sum(1024 * _pss_kib(_text(pid, "smaps_rollup")) for pid in pids)


def cpu(pids: Iterable[int]) -> float:
    """Seconds of one core, with those of children that have ended."""
    stats = (_text(pid, "stat").rpartition(")")[2].split() for pid in pids)
    return sum(sum(map(int, fields[_CPU_FIELDS])) for fields in stats if fields) / _TICK


def disk(folder: Path) -> int:
    """Bytes that the files of a folder take on the disk."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(Path(root) / name).st_blocks * 512
            except FileNotFoundError:
                continue  # it was removed meanwhile
    return total


class Sampler:
    """Looks at the memory of a stack every second; a context manager.

    Attributes:
        peak: bytes.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.peak = 0
        self._stack = stack
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(1.0):
            self.peak = max(self.peak, pss(family(self._stack)))


def _pss_kib(rollup: str) -> int:
    return next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)


def _text(pid: int, name: str) -> str:
    """Empty where the process has ended."""
    try:
        return Path(f"/proc/{pid}/{name}").read_text(errors="replace")
    except OSError:
        return ""
