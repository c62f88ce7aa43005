"""Runs one compiled pipeline with KFP's local runner, and says on standard output what becomes of its tasks.

    python -m infra.local.vertex.run --template FILE --parameters FILE --root DIR --job NAME

The tasks' own output goes to standard error. Each line of standard output is a `TaskChange` as JSON. The exit status is that of the
pipeline.
"""

import argparse
import contextlib
import importlib
import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

import msgspec

from infra.local.vertex.change import TaskChange
from infra.local.vertex.prepared import prepared
from infra.local.vertex.usage import Sampler

_LONGEST_ERROR = 500
_TAIL = 50


class _Tail:
    """Standard output of this process, of which the last lines are kept: a task prints why it fails."""

    def __init__(self, goal: TextIO) -> None:
        self._goal = goal
        self._lines: deque[str] = deque(maxlen=_TAIL)

    def write(self, text: str) -> int:
        self._lines.extend(line.strip() for line in text.splitlines() if line.strip())
        return self._goal.write(text)

    def flush(self) -> None:
        self._goal.flush()

    def isatty(self) -> bool:
        return False

    @property
    def error(self) -> str:
        """The last line that names an error, or the last line."""
        errors = [line for line in self._lines if _is_error(line)]
        return (errors or [*self._lines] or ["no output"])[-1][:_LONGEST_ERROR]

    def clear(self) -> None:
        self._lines.clear()


def _is_error(line: str) -> bool:
    head, colon, _ = line.partition(": ")
    return bool(colon) and head.rpartition(".")[2].isidentifier() and head.endswith(("Error", "Exception", "Interrupt"))


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.vertex.run", description=__doc__)
    parser.add_argument("--template", type=Path, required=True)
    parser.add_argument("--parameters", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--job", required=True, help="projects/P/locations/L/pipelineJobs/ID")
    options = parser.parse_args(arguments)
    changes = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(change: TaskChange) -> None:
        changes.write(msgspec.json.encode(change).decode() + "\n")

    tail = _Tail(sys.stdout)
    with contextlib.redirect_stdout(tail):
        _name_runs(options.job.rpartition("/")[2])
        _watch_tasks(tell, tail)
        template = prepared(options.template.read_text(), options.job)
        return 0 if _succeeds(template, json.loads(options.parameters.read_text()), options.root) else 1


def _succeeds(template: str, parameters: Mapping[str, Any], root: Path) -> bool:
    """Run a pipeline; whether it succeeded."""
    from kfp import components, local  # noqa: PLC0415 - takes a second

    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(root))
    try:
        components.load_component_from_text(template)(**parameters)
    except Exception as error:  # noqa: BLE001 - whatever a pipeline fails with is its end
        print(f"{type(error).__name__}: {error}")
        return False
    return True


def _name_runs(job: str) -> None:
    """Name the run as Vertex AI does, by the id of its job: components are given it, and artifacts lie in a folder of it."""
    module = importlib.import_module("kfp.local.executor_input_utils")
    _require(module, "get_local_pipeline_resource_name")
    module.get_local_pipeline_resource_name = lambda _: job  # type: ignore[attr-defined] # it has no types


def _watch_tasks(tell: Callable[[TaskChange], None], tail: _Tail) -> None:
    """Tell of each task when it begins and when it ends."""
    module: Any = importlib.import_module("kfp.local.orchestrator.task_executor")
    _require(module, "execute_single_task")
    inner = module.execute_single_task

    def execute(*, task_name: str, **more: Any) -> Any:  # noqa: ANN401 - of the runner
        tail.clear()
        tell(TaskChange(task=task_name, state="RUNNING", at=datetime.now(UTC)))
        with Sampler() as used:
            outputs, status = inner(task_name=task_name, **more)
        good = status.name == "SUCCESS"
        state, error = ("SUCCEEDED", "") if good else ("FAILED", tail.error)
        artifacts = {name: one.uri for name, one in outputs.items() if hasattr(one, "uri")}
        peaks = {"cpu_peak": used.cpu, "memory_peak": used.memory}
        tell(TaskChange(task=task_name, state=state, at=datetime.now(UTC), error=error, artifacts=artifacts, **peaks))
        return outputs, status

    module.execute_single_task = execute


def _require(module: object, name: str) -> None:
    if not hasattr(module, name):
        raise RuntimeError(f"kfp: {name} must be there to be replaced, in {module}")


if __name__ == "__main__":
    sys.exit(main())
