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

from infra.local import orphan_processes
from infra.local.orphan_processes import Mark, OrphanProcesses
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
codes = {{"a": {PARENT!r}, "b": sys.argv[2]}}
programs.start(*(Program(name=name, command=[sys.executable, "-c", code], ready=lambda: True) for name, code in codes.items()))
print(programs._watchdog._process.pid, flush=True)
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


def recorded(folder: Path) -> dict[str, int]:
    return {name: mark.pid for name, mark in (orphan_processes._read_mark(folder) or {}).items()}


def children(pid: int) -> list[int]:
    files = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for file in files for child in file.read_text().split()]


def log_of(folder: Path, name: str) -> str:
    return (folder / "logs" / f"{name}.log").read_text()


def numbers(text: str) -> list[int]:
    return [int(line) for line in text.splitlines() if line.isdigit()]


@contextmanager
def owner_of_two(folder: Path, second: str = SLEEP) -> Iterator[tuple[Mark, Mark, list[Mark]]]:
    """A process that keeps two programs running, its watchdog, and all that was started: one has a child."""
    with running(OWNER, str(folder), second) as (owner, watchdog):
        until(lambda: numbers(log_of(folder, "a")) and "up" in log_of(folder, "b"))
        started = [*(orphan_processes._read_mark(folder) or {}).values(), *map(Mark.of, numbers(log_of(folder, "a")))]
        assert [mark.runs() for mark in started] == [True, True, True]
        yield owner, Mark.of(int(watchdog)), started


def test_nothing_runs_when_a_stack_was_killed_and_the_next_one_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with owner_of_two(tmp_path, STUBBORN) as (owner, watchdog, started):
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not any(mark.runs() for mark in [*started, watchdog]))
    with locked(tmp_path):
        assert capsys.readouterr().out == "the last stack on this data was killed; nothing of it still ran\n"
    with locked(tmp_path):
        assert capsys.readouterr().out == ""


def test_what_is_left_when_the_watchdog_was_killed_as_well_is_ended_by_the_next_stack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with owner_of_two(tmp_path) as (owner, watchdog, started):
        os.kill(owner.pid, signal.SIGSTOP)  # else it would start another watchdog
        os.kill(watchdog.pid, signal.SIGKILL)
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not owner.runs())
        assert [mark.runs() for mark in started] == [True, True, True]
        with locked(tmp_path):
            until(lambda: not any(mark.runs() for mark in started))
            assert capsys.readouterr().out == "cleaned up after a stack that was killed: a, b\n"


def test_a_watchdog_that_was_killed_is_replaced(tmp_path: Path) -> None:
    with owner_of_two(tmp_path) as (owner, watchdog, started):
        os.kill(watchdog.pid, signal.SIGKILL)
        until(lambda: len(children(owner.pid)) == 3 and watchdog.pid not in children(owner.pid))
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not any(mark.runs() for mark in started))


def test_an_interrupt_of_the_watchdog_does_not_end_it(tmp_path: Path) -> None:
    with owner_of_two(tmp_path) as (owner, watchdog, started):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(watchdog.pid, number)
        os.kill(owner.pid, signal.SIGKILL)
        until(lambda: not any(mark.runs() for mark in started))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": {"pid": "x", "started": "y"}}', b"\xff\xfe"]
)
def test_a_record_that_cannot_be_read_is_named_and_nothing_is_known(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "programs.json").write_bytes(content)
    assert orphan_processes.end(tmp_path) == OrphanProcesses(unclean=False)
    assert f"{tmp_path / 'programs.json'}: is ignored, it holds no record of programs" in caplog.text
    assert not (tmp_path / "programs.json").exists()


def test_what_a_program_started_ends_with_it(tmp_path: Path) -> None:
    with running(PARENT) as (parent, child):
        child_mark = Mark.of(int(child))
        orphan_processes.write_down(tmp_path, {"parent": parent})
        assert child_mark.runs()
        assert orphan_processes.end(tmp_path).ended == ("parent",)
        until(lambda: not child_mark.runs())


def test_a_program_that_does_not_end_when_asked_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphan_processes, "PATIENCE_SECONDS", 0.2)
    with running(STUBBORN) as (stubborn, _):
        orphan_processes.write_down(tmp_path, {"stubborn": stubborn})
        assert orphan_processes.end(tmp_path).ended == ("stubborn",)
        until(lambda: not stubborn.runs())


def test_another_process_that_has_the_number_of_one_that_ended_is_left_alone(tmp_path: Path) -> None:
    with running(SLEEP) as (other, _):
        orphan_processes.write_down(tmp_path, {"ended": Mark(pid=other.pid, started="before the flood")})
        assert orphan_processes.end(tmp_path) == OrphanProcesses(unclean=True)
        assert other.runs()


def test_one_that_had_ended_before_it_was_written_down_is_none(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has looked yet
        assert not Mark.of(process.pid).runs()
        orphan_processes.write_down(tmp_path, {"ended": Mark.of(process.pid)})
        assert orphan_processes.end(tmp_path) == OrphanProcesses(unclean=True)
    assert not Mark.of(process.pid).runs()


def test_a_folder_that_never_had_a_stack_has_no_leftovers(tmp_path: Path) -> None:
    assert orphan_processes.end(tmp_path) == OrphanProcesses(unclean=False)


def test_programs_are_written_down_while_they_run_also_when_they_are_started_again(tmp_path: Path) -> None:
    programs = Programs(tmp_path)
    command = [sys.executable, "-c", SLEEP]
    try:
        programs.start(*(Program(name=name, command=command, ready=lambda: True) for name in ("a", "b")))
        first = programs.process_ids()
        assert recorded(tmp_path) == first
        programs.kill("b")
        until(lambda: programs.process_ids()["b"] != first["b"])
        until(lambda: recorded(tmp_path) == programs.process_ids())
    finally:
        programs.stop()
    assert recorded(tmp_path) == {}
