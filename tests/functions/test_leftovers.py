"""What a stack that was killed leaves behind is ended at the next start; nothing else is."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local import leftovers
from infra.local.leftovers import Leftovers, Mark
from infra.local.programs import Program, Programs
from infra.local.run import locked

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
PARENT = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {SLEEP!r}])
print(child.pid, flush=True)
child.wait()
"""
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
OWNER = f"""
import sys, time
from pathlib import Path
from infra.local.programs import Program, Programs
programs = Programs(Path(sys.argv[1]))
programs.start(*(Program(name=name, command=[sys.executable, "-c", {SLEEP!r}], ready=lambda: True) for name in "ab"))
print("started", flush=True)
time.sleep(600)
"""


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def running(code: str, *arguments: str) -> Iterator[tuple[Mark, str]]:
    """A program in a group of its own, and the first line it says."""
    line = [sys.executable, "-c", code, *arguments]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        assert process.stdout
        said = process.stdout.readline().strip()
        mark = Mark.of(process.pid)
        try:
            yield mark, said
        finally:
            mark.signal(signal.SIGKILL)


def test_the_programs_of_a_stack_that_was_killed_are_ended_when_the_folder_is_taken_again(tmp_path: Path) -> None:
    with running(OWNER, str(tmp_path)) as (owner, _):
        marks = list(leftovers._read(tmp_path).values())
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not owner.runs())
        assert [mark.runs() for mark in marks] == [True, True]
        with locked(tmp_path):
            assert [mark.runs() for mark in marks] == [False, False]
    assert leftovers.end(tmp_path) == Leftovers(unclean=True)


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    with running(PARENT) as (parent, child):
        child_mark = Mark.of(int(child))
        leftovers.write_down(tmp_path, {"parent": parent})
        assert child_mark.runs()
        assert leftovers.end(tmp_path).ended == ("parent",)
        until(lambda: not child_mark.runs())


def test_a_program_that_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "PATIENCE_SECONDS", 0.2)
    with running(STUBBORN) as (stubborn, _):
        leftovers.write_down(tmp_path, {"stubborn": stubborn})
        assert leftovers.end(tmp_path).ended == ("stubborn",)
        until(lambda: not stubborn.runs())


def test_another_process_that_has_the_number_of_one_that_ended_is_left_alone(tmp_path: Path) -> None:
    with running(SLEEP) as (other, _):
        leftovers.write_down(tmp_path, {"ended": Mark(pid=other.pid, started="before the flood")})
        assert leftovers.end(tmp_path) == Leftovers(unclean=True)
        assert other.runs()


def test_one_that_had_ended_before_it_was_written_down_is_none(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has looked yet
        assert not Mark.of(process.pid).runs()
        leftovers.write_down(tmp_path, {"ended": Mark.of(process.pid)})
        assert leftovers.end(tmp_path) == Leftovers(unclean=True)
    assert not Mark.of(process.pid).runs()


def test_a_folder_that_never_had_a_stack_has_no_leftovers(tmp_path: Path) -> None:
    assert leftovers.end(tmp_path) == Leftovers(unclean=True)


def test_programs_are_written_down_while_they_run_also_when_they_are_started_again(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    command = [sys.executable, "-c", SLEEP]
    try:
        programs.start(*(Program(name=name, command=command, ready=lambda: True) for name in ("a", "b")))
        first = programs.process_ids()
        assert {name: mark.pid for name, mark in leftovers._read(tmp_path).items()} == first
        programs.kill("b")
        until(lambda: programs.process_ids()["b"] != first["b"])
        until(lambda: leftovers._read(tmp_path)["b"].pid == programs.process_ids()["b"])
    finally:
        programs.stop()
    assert leftovers._read(tmp_path) == {}
