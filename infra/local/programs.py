"""Programs of the local stack: started, watched, started again when they die, and stopped without a trace."""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from infra.local import leftovers

log = logging.getLogger(__name__)
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_HEALTHY_SECONDS = 60.0
"""A program that ran so long had come up: when it ends then, it is started again at once."""


class StartError(Exception):
    """A program did not come up; the message names it and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """How a program is started.

    Attributes:
        name: what people call it; its log is `<name>.log`.
        command: the program and its arguments.
        ready: whether it answers by now.
        env: added to the environment.
        folder: where it runs.
        once: whether it ends by itself, with status 0, and is not started again then.
    """

    name: str
    command: list[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    once: bool = False


class Programs:
    """The running programs, in the order they were started.

    Args:
        folder: of the stack's data; the logs are in `logs/`, and which programs run is written down in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._marks: dict[str, leftovers.Mark] = {}
        self._running: dict[str, tuple[Program, subprocess.Popen[bytes]]] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._watch = threading.Thread(target=self._keep_alive, name="watch", daemon=True)

    def start(self, *programs: Program, within: float = 60.0) -> None:
        """Start programs side by side and return when all are ready.

        Raises:
            StartError: one of them ended, or was not ready in time (seconds).
        """
        # In a thread of its own, since a Ctrl-C in the midst would leave a program behind that nobody knows of.
        with ThreadPoolExecutor(1, "spawn") as spawner:
            for program in programs:
                spawner.submit(self._spawn, program).result()
        deadline = time.monotonic() + within
        for program in programs:
            self._await(program, deadline)
        if not self._watch.is_alive():
            self._watch.start()

    def stop(self) -> None:
        """Stop everything, last started first; what does not end when asked is killed."""
        self._stopping.set()
        with self._lock:
            running = list(self._running.values())[::-1]
            self._running.clear()
        for _, process in running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + 10
        for _, process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("killing %s", process.args)
            _signal(process, signal.SIGKILL)
            process.wait()
        leftovers.forget(self._folder)

    def kill(self, name: str) -> None:
        """Kill a program as a crash would; it is started again."""
        with self._lock:
            _signal(self._running[name][1], signal.SIGKILL)

    def process_ids(self) -> dict[str, int]:
        """The process of each running program."""
        with self._lock:
            return {name: process.pid for name, (_, process) in self._running.items()}

    def _spawn(self, program: Program) -> None:
        with self._lock, (self._logs / f"{program.name}.log").open("ab") as out:
            if self._stopping.is_set():
                return
            process = subprocess.Popen(
                program.command,
                cwd=program.folder,
                env={**os.environ, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self._running[program.name] = (program, process)
            self._marks[program.name] = leftovers.Mark.of(process.pid)
            leftovers.write_down(self._folder, self._marks)

    def _await(self, program: Program, deadline: float) -> None:
        process = self._running[program.name][1]
        where = self._logs / f"{program.name}.log"
        while not program.ready():
            if process.poll() is not None:
                raise StartError(f"{program.name} ended with status {process.returncode}; see {where}\n{_tail(where)}")
            if time.monotonic() > deadline:
                raise StartError(f"{program.name} does not answer; see {where}\n{_tail(where)}")
            time.sleep(0.05)

    def _keep_alive(self) -> None:
        pauses: dict[str, float] = {}
        started: dict[str, float] = {}
        due: dict[str, float] = {}
        while not self._stopping.wait(0.2):
            with self._lock:
                dead = [
                    program
                    for program, process in self._running.values()
                    if process.poll() is not None and not (program.once and process.returncode == 0)
                ]
                for program in dead:
                    if program.name not in due:
                        now = time.monotonic()
                        quick = now - started.get(program.name, -_HEALTHY_SECONDS) < _HEALTHY_SECONDS
                        pause = pauses.get(program.name, 0.0) * 2 if quick else _FIRST_PAUSE
                        pauses[program.name] = min(_LONGEST_PAUSE, pause)
                        due[program.name] = now + pauses[program.name]
                        log.warning("%s ended; it is started again in %.1f s", program.name, pauses[program.name])
                    elif time.monotonic() >= due[program.name]:
                        del due[program.name]
                        started[program.name] = time.monotonic()
                        self._spawn(program)


def _signal(process: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except ProcessLookupError:
        return


def _tail(path: Path, lines: int = 8) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
