"""Ends what tests have started when the process that runs them is gone, however it ended: a pipe to it closes then.

A program is known by a variable in its environment, which whatever it starts inherits, also in a session of its own. It runs as a file,
by the standard library alone.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

VARIABLE = "TESTS_RUN"
PATIENCE_SECONDS = 5.0


class Reaper:
    """The reaper of this process, and of all that it starts from now on."""

    def __init__(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        os.environ[VARIABLE] = uuid4().hex
        command = [sys.executable, "-I", "-S", __file__, os.environ[VARIABLE]]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, env=environment, start_new_session=True)

    def close(self) -> None:
        """End what is left, and return when it has ended."""
        self._process.communicate()


def main(run: str) -> None:
    """Wait for the end of the pipe, then end what is left."""
    sys.stdin.read()
    deadline = time.monotonic() + PATIENCE_SECONDS
    tell(run, signal.SIGTERM)
    while left(run) and time.monotonic() < deadline:
        time.sleep(0.1)
    tell(run, signal.SIGKILL)


def left(run: str) -> list[int]:
    """The processes of a run."""
    mark = f"{VARIABLE}={run}\0".encode()
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if mark in _environment(path)]


def tell(run: str, number: signal.Signals) -> None:
    """Send them all a signal."""
    for process in left(run):
        try:
            os.kill(process, number)
        except ProcessLookupError:
            continue


def _environment(path: Path) -> bytes:
    try:
        return (path / "environ").read_bytes()
    except OSError:  # it has ended, or is not ours
        return b""


if __name__ == "__main__":
    main(sys.argv[1])
