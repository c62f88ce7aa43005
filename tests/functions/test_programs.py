"""Starting programs: how long is waited for them, and what happens when they end while they start."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infra.local import ports, programs, progress, watchdog
from infra.local.orphan_processes import Mark
from infra.local.programs import Program, Programs, StartError, StoppedError
from infra.local.progress import Progress

SLEEP = "import time; time.sleep(600)"
BUSY = "while True: pass"
CHATTY = "import time\nwhile True: print('still loading', flush=True); time.sleep(.2)"
KILLED = "import os; print('up', flush=True); os.kill(os.getpid(), 9)"
SERVER = """
import socket, sys
socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=False).accept()
"""


def program(
    name: str, code: str, *arguments: str, ready: Callable[[], bool] = lambda: True, once: bool = False
) -> Program:
    return Program(name=name, command=[sys.executable, "-c", code, *arguments], ready=ready, once=once)


def never() -> bool:
    return False


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Programs]:
    started = Programs(tmp_path)
    yield started
    started.stop()


def log_of(folder: Path, name: str) -> str:
    path = folder / "logs" / f"{name}.log"
    return path.read_text() if path.exists() else ""


@pytest.mark.parametrize("code", [BUSY, CHATTY])
def test_a_program_that_uses_the_processor_or_writes_gets_on(
    stack: Programs, tmp_path: Path, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LOOK_SECONDS", 0.0)
    stack.start(program("slow", code))
    seen = Progress(tmp_path / "logs" / "slow.log")
    signs: set[float] = set()

    def gets_on() -> bool:
        seen.idle(stack.process_ids()["slow"])
        signs.add(seen._at)
        return len(signs) > 5

    until(gets_on)


def test_a_program_that_sleeps_does_not_get_on(
    stack: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_LOOK_SECONDS", 0.0)
    stack.start(program("asleep", SLEEP))
    seen = Progress(tmp_path / "logs" / "asleep.log")
    until(lambda: seen.idle(stack.process_ids()["asleep"]) > 1.0)
    assert seen.idle(os.getpgid(0)) == 0.0  # another group: it was started again


def test_a_program_is_waited_for_as_long_as_it_gets_on(stack: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    idle = iter([0.0, 59.0, 0.0, 59.0, 0.0])
    monkeypatch.setattr(Progress, "idle", lambda *_: next(idle))
    answers = iter([False] * 5 + [True])
    stack.start(program("slow", SLEEP, ready=lambda: next(answers)))
    assert list(stack.process_ids()) == ["slow"]


def test_a_program_that_does_nothing_has_stalled_and_is_named_with_its_log(
    stack: Programs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "STALLED_SECONDS", 1.0)
    with pytest.raises(StartError) as error:
        stack.start(
            program("fine", SLEEP), program("stuck", f"print('waits for a lock', flush=True); {SLEEP}", ready=never)
        )
    first, last = str(error.value).splitlines()
    assert first.startswith("stuck does not answer after ")
    assert first.endswith(f" s; see {tmp_path / 'logs' / 'stuck.log'}")
    assert last == "waits for a lock"


def test_a_program_that_gets_on_forever_is_given_up(stack: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "LONGEST_START_SECONDS", 1.0)
    with pytest.raises(StartError, match=r"endless does not answer after \d+ s; see"):
        stack.start(program("endless", CHATTY, ready=never))


def test_a_program_that_fails_is_named_at_once_though_another_one_is_waited_for(
    stack: Programs, tmp_path: Path
) -> None:
    (tmp_path / "logs" / "wrong.log").write_text("of an earlier start\n")
    with pytest.raises(StartError) as error:
        stack.start(
            program("slow", BUSY, ready=never), program("wrong", "print('no such option'); exit(3)", ready=never)
        )
    assert str(error.value) == f"wrong ended with status 3; see {tmp_path / 'logs' / 'wrong.log'}\nno such option"


def test_a_program_that_ends_well_but_should_not_end_is_an_error(stack: Programs) -> None:
    with pytest.raises(StartError, match="short ended with status 0"):
        stack.start(program("short", "", ready=never))


def test_a_program_killed_while_it_starts_is_started_again(stack: Programs, tmp_path: Path) -> None:
    code = f"import pathlib, sys\nmark = pathlib.Path(sys.argv[1])\nif not mark.exists():\n mark.touch(); {KILLED}\n{SLEEP}"
    mark = tmp_path / "was killed"
    stack.start(program("pubsub", code, str(mark), ready=lambda: mark.exists() and "pubsub" in stack.process_ids()))
    until(lambda: Mark.of(stack.process_ids()["pubsub"]).runs())
    assert log_of(tmp_path, "pubsub").count("up") == 1


def test_a_program_killed_after_it_answered_while_another_one_is_waited_for_is_started_again(
    stack: Programs, tmp_path: Path
) -> None:
    first: list[int] = []

    def killed_and_back() -> bool:
        if not first:
            first.append(stack.process_ids()["quick"])
            os.kill(first[0], signal.SIGKILL)
        return stack.process_ids()["quick"] != first[0]

    stack.start(program("quick", SLEEP), program("slow", SLEEP, ready=killed_and_back))
    assert Mark.of(stack.process_ids()["quick"]).runs()


def test_a_program_that_is_killed_again_and_again_is_given_up(stack: Programs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "KILLS", 1)
    with pytest.raises(StartError, match="warehouse was killed 2 times while it started, by SIGKILL at last; see"):
        stack.start(program("warehouse", KILLED, ready=never))


def test_what_is_done_once_is_not_started_again(stack: Programs, tmp_path: Path) -> None:
    stack.start(program("history", "print('done')", ready=never, once=True), program("page", SLEEP))
    assert log_of(tmp_path, "history") == "done\n"
    until(lambda: list(stack.process_ids()) == ["page"])


def test_what_is_done_once_is_started_again_until_it_is_done(stack: Programs, tmp_path: Path) -> None:
    code = "import os, sys\ndid = os.path.getsize(sys.argv[1]) // 5\nprint('tried', end='', flush=True)\n"
    code += "did or os.kill(os.getpid(), 9)\nexit(did == 1)"
    stack.start(program("history", code, str(tmp_path / "logs" / "history.log"), once=True))
    until(lambda: not stack.process_ids())
    assert log_of(tmp_path, "history") == "tried" * 3


def test_programs_are_started_from_several_threads(stack: Programs) -> None:
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda name: stack.start(program(name, SLEEP)), "abcd"))
    assert sorted(stack.process_ids()) == ["a", "b", "c", "d"]


def test_a_start_ends_when_the_stack_is_stopped_meanwhile(stack: Programs) -> None:
    with ThreadPoolExecutor(1) as threads:
        start = threads.submit(stack.start, program("endless", BUSY, ready=never))
        until(stack.process_ids)
        pid = stack.process_ids()["endless"]
        stack.stop()
        with pytest.raises(StoppedError):
            start.result()
    assert not Mark.of(pid).runs()
    with pytest.raises(StoppedError):
        stack.start(program("late", SLEEP))


def test_a_stop_ends_the_watchdog_as_well(tmp_path: Path) -> None:
    stack = Programs(tmp_path)
    stack.start(program("page", SLEEP))
    process = stack._watchdog._process
    assert process
    assert process.poll() is None
    stack.stop()
    assert process.returncode == 0


def test_a_command_that_is_not_there_names_itself(stack: Programs) -> None:
    with pytest.raises(FileNotFoundError) as error:
        stack.start(Program(name="gone", command=["/nowhere/prometheus"], ready=never))
    assert error.value.filename == "/nowhere/prometheus"


def test_what_a_program_that_died_had_started_dies_before_it_starts_again(stack: Programs, tmp_path: Path) -> None:
    child = f"import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]); print(child.pid, flush=True)"
    stack.start(program("parent", f"{child}; child.wait()"))
    until(lambda: log_of(tmp_path, "parent").endswith("\n"))
    left = Mark.of(int(log_of(tmp_path, "parent")))
    assert left.runs()
    os.kill(stack.process_ids()["parent"], signal.SIGKILL)
    until(lambda: not left.runs())
    until(lambda: len(log_of(tmp_path, "parent").splitlines()) == 2)


# ports


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A public port of the stack, that its variable names."""
    reserved: list[socket.socket] = []
    monkeypatch.setattr(ports, "_reserved", reserved)
    monkeypatch.setattr(ports, "_chosen", {})
    with socket.create_server(("127.0.0.1", 0)) as free:
        number = int(free.getsockname()[1])
    monkeypatch.setattr(ports, "PUBLIC", {"pubsub": ("AIA_PUBSUB_PORT", number)})
    assert ports.assign(["store"], fixed=True)["pubsub"] == number
    yield number
    for sock in reserved:
        sock.close()


def test_a_port_taken_before_its_program_starts_is_named_with_its_variable(stack: Programs, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StartError) as error:
        stack.start(program("pubsub", SERVER, str(port), ready=lambda: ports.listens(port)))
    assert (
        str(error.value) == f"pubsub: port {port} is taken (Address already in use); set AIA_PUBSUB_PORT to another one"
    )
    assert stack.process_ids() == {}


def test_a_port_taken_before_its_program_listens_is_named_in_one_line(
    stack: Programs, port: int, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", port)), pytest.raises(StartError) as error:
        stack.start(program("pubsub", SERVER, f"{port}", ready=never))
    assert str(error.value) == (
        f"pubsub: port {port} is taken (Address already in use); set AIA_PUBSUB_PORT to another one; "
        f"see {tmp_path / 'logs' / 'pubsub.log'}"
    )


def test_a_port_nobody_sees_is_named_too(port: int) -> None:
    [private] = [number for number in ports._chosen if number != port]
    with socket.create_server(("127.0.0.1", private)):
        said = ports.taken([f"--listen=127.0.0.1:{private}"])
    assert said == f"port {private} is taken (Address already in use); start again, which chooses another one"
    assert ports.taken([f"--listen=127.0.0.1:{private}", f"127.0.0.1:1{private}"]) == ""


def test_a_full_disk_is_named(stack: Programs, tmp_path: Path) -> None:
    code = "raise OSError(28, 'No space left on device')"
    with pytest.raises(StartError) as error:
        stack.start(program("inbox", code, ready=never))
    assert (
        str(error.value) == f"inbox: no space left on the device of {tmp_path}; see {tmp_path / 'logs' / 'inbox.log'}"
    )


# the watchdog's own part


def test_the_watchdog_kills_what_does_not_end_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "PATIENCE_SECONDS", 0.2)
    code = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); {SLEEP}"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout
        process.stdout.readline()
        reaper = threading.Thread(target=process.wait)
        reaper.start()
        watchdog.end([process.pid])
        reaper.join()
    assert process.returncode == -signal.SIGKILL


def test_the_watchdog_leaves_alone_what_has_ended(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) as kept:
        guard = watchdog.Watchdog(tmp_path)
        guard.ready()
        guard.add(kept.pid)
        guard.remove(kept.pid)
        guard.close()
        assert kept.poll() is None
        kept.kill()
