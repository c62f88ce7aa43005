"""Runs the jobs that wait, one after the other, each in a process of its own."""

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import msgspec
from google.cloud.aiplatform_v1.types import PipelineJob, PipelineState

from infra.local.vertex import steps
from infra.local.vertex.change import TaskChange
from infra.local.vertex.jobs import Jobs
from infra.local.vertex.refusal import RefusalError
from infra.local.vertex.templates import Templates
from infra.stage import ROOT

log = logging.getLogger(__name__)
STOPPED = "the server was stopped while it ran"
_changes = msgspec.json.Decoder(TaskChange)


class Runner:
    """Runs jobs until it is stopped.

    Args:
        jobs: which wait, and take what becomes of them.
        templates: of the jobs.
        folder: of the artifacts and logs, one folder a job.
    """

    def __init__(self, jobs: Jobs, templates: Templates, folder: Path) -> None:
        self._jobs = jobs
        self._templates = templates
        self._folder = folder
        self._stop = threading.Event()
        self._due = threading.Event()
        self._process: subprocess.Popen[str] | None = None
        self._running = ""
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="runner", daemon=True)

    def start(self) -> None:
        """End the jobs that ran when an earlier server was stopped, and run those that wait."""
        for job in self._jobs.every():
            if job.state == steps.RUNNING:
                self._jobs.change(job.name, lambda job: steps.end(job, PipelineState.PIPELINE_STATE_FAILED, STOPPED))
            elif job.state == steps.CANCELLING:
                self._jobs.change(job.name, lambda job: steps.end(job, steps.CANCELLED_STATE))
        self._thread.start()

    def wake(self) -> None:
        """There is a job to run."""
        self._due.set()

    def stop(self) -> None:
        """Stop; what runs is killed, and is ended by the next start."""
        self._stop.set()
        self._due.set()
        self._kill()
        self._thread.join(timeout=5)

    def cancel(self, name: str) -> None:
        """Kill the process of a job, if it is the one that runs."""
        with self._lock:
            if self._running == name:
                self._kill()

    def _work(self) -> None:
        while not self._stop.is_set():
            self._due.wait(timeout=1.0)
            self._due.clear()
            while not self._stop.is_set() and (waiting := self._next()) is not None:
                self._run(waiting)

    def _next(self) -> PipelineJob | None:
        return next((job for job in self._jobs.every() if job.state == steps.PENDING), None)

    def _run(self, job: PipelineJob) -> None:
        try:
            status, error = self._execute(self._jobs.change(job.name, steps.begin))
        except (OSError, RefusalError, subprocess.CalledProcessError) as fault:
            log.exception("%s", job.name)
            status, error = 1, str(fault)
        if self._stop.is_set():
            return
        ended = self._jobs.change(job.name, lambda job: _end(job, status, error))
        log.info("%s: %s", job.name, PipelineState(ended.state).name)

    def _execute(self, job: PipelineJob) -> tuple[int, str]:
        """Run the pipeline of a job; the exit status of its process, and the error of the first task that failed."""
        job_id = job.name.rpartition("/")[2]
        folder = self._folder / job_id
        folder.mkdir(parents=True, exist_ok=True)
        template = self._templates.find(job.template_uri)
        values: dict[str, Any] = PipelineJob.to_dict(job)["runtime_config"].get("parameter_values", {})
        (folder / "parameters.json").write_text(json.dumps(template.typed(values)))
        command = [sys.executable, "-m", "infra.local.vertex.run", "--template", str(template.file)]
        command += ["--parameters", str(folder / "parameters.json"), "--root", str(self._folder), "--job", job.name]
        with (folder / "output.log").open("ab") as out, _temporary(folder) as temporary:
            return self._follow(self._start(command, out, job.name, temporary), job, folder)

    def _follow(self, process: "subprocess.Popen[str]", job: PipelineJob, folder: Path) -> tuple[int, str]:
        """Read what becomes of its tasks until it ends; its exit status, and the error of the first task that failed."""
        error = ""
        with process:
            for line in process.stdout or ():
                change = _changes.decode(line)
                error = error or (change.error and f"{change.task}: {change.error}")
                self._jobs.change(job.name, partial(steps.apply, change=change))
        status = process.returncode
        with self._lock:
            self._process, self._running = None, ""
        return status, error or f"the process ended with status {status}; see {folder / 'output.log'}"

    def _start(self, command: list[str], out: IO[bytes], name: str, temporary: str) -> "subprocess.Popen[str]":
        """Start the process of a job; components leave temporary folders behind, in one that goes with it."""
        with self._lock:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**os.environ, "TMPDIR": temporary},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=out,
                text=True,
                start_new_session=True,
            )
            self._process, self._running = process, name
        if self._stop.is_set():
            self._kill()
        return process

    def _kill(self) -> None:
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _temporary(folder: Path) -> "TemporaryDirectory[str]":
    """A folder for what components leave behind; a process that was killed may still write there."""
    return TemporaryDirectory(dir=folder, prefix="tmp-", ignore_cleanup_errors=True)


def _end(job: PipelineJob, status: int, error: str) -> None:
    if job.state == steps.CANCELLING:
        steps.end(job, steps.CANCELLED_STATE)
    elif status == 0:
        steps.end(job, PipelineState.PIPELINE_STATE_SUCCEEDED)
    else:
        steps.end(job, PipelineState.PIPELINE_STATE_FAILED, error)
