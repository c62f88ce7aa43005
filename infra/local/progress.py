"""Whether a program that does not answer yet makes progress: it uses CPU time, or its log grows."""

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

_LOOK_SECONDS = 1.0
"""The polling interval: each poll reads every process of the machine."""
# The fields of /proc/PID/stat after the command's name: the process group, the ticks in user and in kernel mode.
_GROUP, _USER, _KERNEL = 2, 11, 12


@dataclass(slots=True)
class Progress:
    """Follows one program.

    Attributes:
        log: the file of its output.
    """

    log: Path
    _seen: object = None
    _at: float = field(default_factory=time.monotonic)
    _looked: float = 0.0

    def idle(self, group: int) -> float:
        """Seconds for which nothing was seen of the program, whose process group this is now."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_SECONDS:
            self._looked = now
            seen = (group, used(group), self.log.stat().st_size)
            if seen != self._seen:
                self._seen, self._at = seen, now
        return now - self._at


def used(group: int) -> object:
    """The processor time of each process of a group, to be compared with an earlier one."""
    if not Path("/proc/self").exists():
        return _query(group)
    stats = map(_fields, Path("/proc").iterdir())
    return sorted(
        (fields[0], fields[_USER + 1], fields[_KERNEL + 1])
        for fields in stats
        if fields and fields[_GROUP + 1] == str(group)
    )


def _fields(process: Path) -> list[str]:
    """The number of a process and its fields; nothing when it is none, or has ended."""
    if not process.name.isdigit():
        return []
    try:
        return [process.name, *(process / "stat").read_text().rpartition(")")[2].split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _query(group: int) -> object:
    """As `used`, where the system has no /proc."""
    done = subprocess.run(["ps", "-A", "-o", "pgid=,pid=,time="], check=False, capture_output=True, text=True)
    return sorted(line for line in done.stdout.splitlines() if line.split()[:1] == [str(group)])
