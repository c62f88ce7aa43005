"""Ends the programs of a stack when the process that started them is gone, however it ended: `kill -9` included.

The watchdog is a process that reads a pipe whose only writing end is in the process that starts the programs. The
kernel closes that end with its process, on every system. Over the pipe it is told each process group that is started
(`+123`) and each that has ended (`-123`); when the pipe closes, it ends those that are left, and itself.

It runs as a file, by the standard library alone: it must be there before the first program is.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

PATIENCE_SECONDS = 5.0
"""How long a program may take to terminate before it is killed."""
_DEAF = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Watchdog:
    """The watchdog of one stack, as its owner sees it. One thread at a time may use it.

    Args:
        folder: of the stack's data; part of the watchdog's command line, so that process listings show it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._groups: set[int] = set()
        self._process: subprocess.Popen[bytes] | None = None
        self._pipe: int | None = None

    def ready(self) -> None:
        """Start it, or start it again when it was killed."""
        if self._process is None or self._process.poll() is not None:
            self._start()

    def add(self, group: int) -> None:
        """End this group when the owner is gone."""
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """The group has ended: its number may be another one's soon."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End it, and the groups that were not removed."""
        self._hang_up()
        if self._process is None:
            return
        try:
            self._process.wait(2 * PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _start(self) -> None:
        self._hang_up()
        reader, self._pipe = os.pipe()  # Python has no other program inherit them
        for group in self._groups:  # before it starts: whenever its owner is killed, it reads them
            self._tell(f"+{group}\n")
        try:
            self._process = _spawn([sys.executable, "-I", "-S", __file__, str(self._folder)], reader)
        finally:
            os.close(reader)

    def _tell(self, line: str) -> None:
        # A killed watchdog reads nothing; the next `ready` sends everything to a new one.
        if self._pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                os.write(self._pipe, line.encode())

    def _hang_up(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None


def _spawn(command: list[str], reader: int) -> "subprocess.Popen[bytes]":
    """Start the watchdog. It ignores termination signals from its first moment on: it waits for the end of its owner."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _DEAF)
    try:
        return subprocess.Popen(
            command, stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def main() -> None:
    """Note the groups until the pipe closes, then end them."""
    groups: set[int] = set()
    for line in sys.stdin:
        change = groups.add if line.startswith("+") else groups.discard
        change(int(line[1:]))
    end(groups)


def end(groups: Iterable[int]) -> None:
    """Ask process groups to end, and kill those that have not after some seconds."""
    left = [group for group in groups if _signal(group, signal.SIGTERM)]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = [group for group in left if _signal(group, 0)]
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Whether the group was there to get the signal; 0 only asks."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # of a group that has ended, macOS says the latter
        return False
    return True


if __name__ == "__main__":
    main()
