"""Programs of the local system: started, supervised, restarted when they die, and stopped without a trace."""

import logging
import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from infra.local import orphan_processes, ports
from infra.local.program import Program, Run, StartError, StoppedError
from infra.local.progress import Progress
from infra.local.watchdog import Watchdog

__all__ = ["Program", "Programs", "StartError", "StoppedError"]

log = logging.getLogger(__name__)
STALLED_SECONDS = 60.0
"""A program that does not answer counts as stalled after this time without CPU usage and log output."""
LONGEST_START_SECONDS = 600.0
"""How long a program may take to answer, however much it does."""
KILLS = 5
"""How often a program may be killed while it starts before that is given up."""
_POLL_SECONDS = 0.05
_WATCH_SECONDS = 0.2
_STOP_SECONDS = 10.0


class Programs:
    """The running programs, in the order they were started; safe to use from several threads.

    Args:
        folder: of the stack's data; the logs are in `logs/`, and which programs run is written down in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._logs = folder / "logs"
        self._logs.mkdir(parents=True, exist_ok=True)
        self._runs: dict[str, Run] = {}
        self._marks: dict[str, orphan_processes.Mark] = {}
        self._written: dict[str, orphan_processes.Mark] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._watchdog = Watchdog(folder)
        self._watch: threading.Thread | None = None

    def start(self, *programs: Program) -> None:
        """Start programs side by side and return when all are ready.

        One that is killed meanwhile is started again, as it is later; one that ends by itself is an error.

        Raises:
            StartError: one of them ended, was killed again and again, or does not get on; or one of their ports is
                taken.
            StoppedError: the stack is being stopped.
            OSError: one of them cannot be started; the error names the file.
        """
        for program in programs:
            _refuse_taken(program)
        # In a separate thread, because a Ctrl-C in the middle would leave an unrecorded program running.
        with ThreadPoolExecutor(1, "spawn") as spawner:
            runs = [spawner.submit(self._add, program).result() for program in programs]
        began = time.monotonic()
        for run in runs:
            self._await(run, runs, began)
        with self._lock:
            self._bury_dead()
            _refuse_failed(runs)
            for run in runs:
                run.starting = False

    def stop(self) -> None:
        """Stop everything in reverse order of start; a program that does not terminate is killed."""
        self._stopping.set()
        with self._lock:
            running = [run.process for run in self._runs.values() if not run.down][::-1]
            self._runs.clear()
        for process in running:
            _signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("killing %s", process.args)
            _signal(process, signal.SIGKILL)
            process.wait()
            self._watchdog.remove(process.pid)
        self._watchdog.close()
        orphan_processes.forget(self._folder)

    def is_stopping(self) -> bool:
        """Whether everything is being stopped."""
        return self._stopping.is_set()

    def kill(self, name: str) -> None:
        """Kill a program as a crash would; it is started again."""
        with self._lock:
            if not self._runs[name].down:
                _signal(self._runs[name].process, signal.SIGKILL)

    def process_ids(self) -> dict[str, int]:
        """The process of each running program."""
        with self._lock:
            return {name: run.process.pid for name, run in self._runs.items()}

    def _add(self, program: Program) -> Run:
        with self._lock:
            if self._stopping.is_set():
                raise StoppedError(f"{program.name}: not started, the stack is being stopped")
            if program.name in self._runs:
                raise ValueError(f"program: must not run yet, got {program.name!r}")
            self._watchdog.ready()
            path = self._logs / f"{program.name}.log"
            begin = path.stat().st_size if path.exists() else 0
            run = self._runs[program.name] = Run(program, self._spawn(program), path, begin)
            self._write_down()
            if self._watch is None:
                self._watch = threading.Thread(target=self._keep_alive, name="watch", daemon=True)
                self._watch.start()
        return run

    def _spawn(self, program: Program) -> "subprocess.Popen[bytes]":
        with (self._logs / f"{program.name}.log").open("ab") as out:
            process = subprocess.Popen(
                program.command,
                cwd=program.folder,
                env={**os.environ, **program.env},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._watchdog.add(process.pid)
        self._marks[program.name] = orphan_processes.Mark.of(process.pid)
        return process

    def _await(self, run: Run, all_runs: list[Run], began: float) -> None:
        """Return when one is ready; meanwhile none of the others may fail either."""
        progress = Progress(run.log)
        while not run.ready():
            _refuse_failed(all_runs)
            if self._stopping.is_set():
                raise StoppedError(f"{run.program.name}: the stack is being stopped")
            waited = time.monotonic() - began
            if progress.idle(run.process.pid) > STALLED_SECONDS or waited > LONGEST_START_SECONDS:
                raise StartError(run.text(f"does not answer after {waited:.0f} s"))
            time.sleep(_POLL_SECONDS)

    def _keep_alive(self) -> None:
        trouble = ""
        while not self._stopping.wait(_WATCH_SECONDS):
            with self._lock:
                if self._stopping.is_set():
                    return
                try:
                    self._watchdog.ready()
                    self._bury_dead()
                    self._start_due()
                    self._write_down()
                    trouble = ""
                except OSError as error:  # a full disk, say: the next look does what this one could not
                    if str(error) != trouble:
                        log.warning("programs are not supervised: %s", error)
                    trouble = str(error)

    def _bury_dead(self) -> None:
        """Detect programs that have ended, and end their remaining child processes."""
        for name, run in list(self._runs.items()):
            if run.down or run.process.poll() is None:
                continue
            _signal(run.process, signal.SIGKILL)
            self._marks.pop(name, None)
            self._watchdog.remove(run.process.pid)
            if run.end(time.monotonic(), KILLS):
                del self._runs[name]

    def _start_due(self) -> None:
        for run in self._runs.values():
            if run.due(time.monotonic()):
                run.begin(time.monotonic(), partial(self._spawn, run.program))

    def _write_down(self) -> None:
        """Write down which programs run, if that has changed since it was written."""
        if self._marks != self._written:
            orphan_processes.write_down(self._folder, self._marks)
            self._written = dict(self._marks)


def _refuse_failed(runs: list[Run]) -> None:
    for run in runs:
        if run.failed:
            raise StartError(run.failed)


def _refuse_taken(program: Program) -> None:
    """Refuse a port on which another program answers already: it would be taken for the one that is started."""
    if (taken := ports.taken([*program.command, *program.env.values()])) and not program.once and program.ready():
        raise StartError(f"{program.name}: {taken}")


def _signal(process: "subprocess.Popen[bytes]", number: int) -> None:
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # of a group that has ended, macOS says the latter
        return
