"""One program of the local system: how it is started, how often it is restarted, and what its exit means."""

import logging
import re
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import Popen

from infra.local import ports

log = logging.getLogger(__name__)
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_HEALTHY_SECONDS = 60.0
"""A program that ran for this time had started: if it ends later, it is restarted at once."""
_TAIL = 8
_OUTPUT_BYTES = 2**16
_IN_USE = re.compile(r"address (is )?already in use|failed to add port|errno (98|48)\b", re.IGNORECASE)
_FULL = re.compile(r"no space left on device|disk is full|errno 28\b", re.IGNORECASE)


class StartError(Exception):
    """A program did not come up; the message names it and where its log is."""


class StoppedError(StartError):
    """The stack is stopped while it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a program is started.

    Attributes:
        name: what people call it; its log is `<name>.log`.
        command: the program and its arguments.
        ready: whether it answers by now.
        env: added to the environment.
        folder: where it runs.
        once: whether it has done its work when it ends with status 0, and is not started again then.
    """

    name: str
    command: list[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    once: bool = False


@dataclass(slots=True)
class Run:
    """A program and its newest process.

    Attributes:
        program: how it is started.
        process: the newest one.
        log: the file of its output.
        log_start: how long that was before.
        starting: whether it is waited for: then it must not end by itself.
        down: whether the newest process has ended.
        failed: why it is not started again; empty while it may be.
    """

    program: Program
    process: Popen[bytes]
    log: Path
    log_start: int
    starting: bool = True
    down: bool = False
    failed: str = ""
    _kills: int = 0
    _pause: float = 0.0
    _begun: float = float("-inf")
    _due: float = 0.0

    def ready(self) -> bool:
        """Whether it answers by now, or has done its work."""
        if self.program.once and self.down and self.process.returncode == 0:
            return True
        return not self.down and self.process.poll() is None and self.program.ready()

    def end(self, now: float, kills: int) -> bool:
        """Note that its process has ended, and when it is started again; returns whether it has done its work.

        Args:
            now: the present, by the monotonic clock.
            kills: how often it may be killed while it starts.
        """
        self.down = True
        status = self.process.returncode
        if self.program.once and status == 0:
            return True
        if self.starting and not self.program.once and status >= 0:
            self.failed = self.text(f"ended with status {status}")
        elif self.starting and status < 0 and self._kills >= kills:
            self.failed = self.text(f"was killed {kills + 1} times while it started, by {_name(-status)} at last")
        else:
            self._kills += 1
            self._put_off(now)
            log.warning("%s ended; restarted in %.1f s", self.program.name, self._pause)
        return False

    def due(self, now: float) -> bool:
        """Whether it is to be started again now."""
        return self.down and not self.failed and now >= self._due

    def begin(self, now: float, spawn: Callable[[], Popen[bytes]]) -> None:
        """Start it again; when that fails it is due again later."""
        self._begun = now
        self._due = now + _LONGEST_PAUSE
        self.process = spawn()
        self.down = False

    def text(self, what: str) -> str:
        """The message about a failed start: the reason if the log shows a known one, else the path of the log and its end."""
        output = self._output()
        if _IN_USE.search(output):
            words = [*output.splitlines()[-_TAIL:], *self.program.command, *self.program.env.values()]
            return (
                f"{self.program.name}: {ports.taken(words) or 'its port is taken by another program'}; see {self.log}"
            )
        if _FULL.search(output):
            return f"{self.program.name}: no space left on the device of {self.log.parent.parent}; see {self.log}"
        tail = "\n".join(output.splitlines()[-_TAIL:])
        return f"{self.program.name} {what}; see {self.log}\n{tail}".rstrip()

    def _put_off(self, now: float) -> None:
        quick = now - self._begun < _HEALTHY_SECONDS
        self._pause = min(_LONGEST_PAUSE, max(_FIRST_PAUSE, self._pause * 2)) if quick else _FIRST_PAUSE
        self._due = now + self._pause

    def _output(self) -> str:
        """The newest output since its first start."""
        with self.log.open("rb") as file:
            file.seek(max(self.log_start, self.log.stat().st_size - _OUTPUT_BYTES))
            return file.read().decode(errors="replace")


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
