"""Programs that a killed stack left running: recorded while they run, and ended before the next start.

A process is distinguished from a later one with the same id by its start time.
"""

import logging
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from infra.local import files

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 10.0
"""How long a program may take to terminate."""
_RECORD = "programs.json"
# The fields of /proc/PID/stat behind the command's name: the state, and when it started in ticks since boot.
_STATE, _TICKS = 0, 19


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A process, identified uniquely over time; it leads its own process group.

    Attributes:
        pid: its number.
        started: when it started; empty when it had ended by then.
    """

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self:
        """The process that has this number now."""
        return cls(pid=pid, started=_started(pid))

    def runs(self) -> bool:
        """Whether it has not ended."""
        return bool(self.started) and _started(self.pid) == self.started

    def signal(self, number: int) -> None:
        """Tell the process, and all it started."""
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):  # of a process that has ended, macOS says the latter
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class OrphanProcesses:
    """The programs that a stack left running.

    Attributes:
        unclean: whether it did not stop in order: it was killed, or the machine went down.
        ended: the programs that still ran, and were ended.
    """

    unclean: bool
    ended: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.ended:
            return f"cleaned up after a stack that was killed: {', '.join(self.ended)}"
        return "the last stack on this data was killed; nothing of it still ran" if self.unclean else ""


def write_down(folder: Path, programs: Mapping[str, Mark]) -> None:
    """Write into the folder of a stack's data which programs run, by their names."""
    files.write(folder / _RECORD, msgspec.json.encode(dict(programs)))


def forget(folder: Path) -> None:
    """No program runs any more."""
    (folder / _RECORD).unlink(missing_ok=True)


def end(folder: Path) -> OrphanProcesses:
    """End what still runs of the programs that were written down, and all they started."""
    record = _read_mark(folder)
    left = {name: mark for name, mark in (record or {}).items() if mark.runs()}
    for mark in left.values():
        mark.signal(signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and any(mark.runs() for mark in left.values()):
        time.sleep(0.05)
    for mark in left.values():
        mark.signal(signal.SIGKILL)
    forget(folder)
    return OrphanProcesses(unclean=record is not None, ended=tuple(left))


def _read_mark(folder: Path) -> dict[str, Mark] | None:
    """The recorded programs; None if there is no readable record."""
    path = folder / _RECORD
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Mark])
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        log.warning("%s: is ignored, it holds no record of programs (%s); end by hand what still runs", path, error)
        return None


def _started(pid: int) -> str:
    """When a process started, in words that only it has; empty when there is none, or it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return "" if Path("/proc/self").exists() else _command_line(pid)
    return "" if fields[_STATE] == "Z" else f"{boot} {fields[_TICKS]}"


def _command_line(pid: int) -> str:
    """As `_started`, where the system has no /proc."""
    line = ["ps", "-o", "lstart=", "-p", str(pid)]
    return subprocess.run(line, check=False, capture_output=True, text=True).stdout.strip()
