"""All functions in one process: each is its own, whatever the others do."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import textwrap
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra import stage
from infra.local import functions_host
from infra.local.functions_host import THREADS, ArchivesDifferError, Limits, Place, require_same
from infra.local.monitoring.server import serve
from infra.local.ports import answers
from tests.support.servers.stack import eventually, free_ports

RULES = 'NAME = "{name}"\n'
MAIN = """
    import logging
    import os
    import time
    from pathlib import Path

    import flask
    import functions_framework

    from functions.adapters import logs, metrics
    from functions.runtime import incoming
    from functions.runtime.ports import once
    from functions.{name}.rules import NAME

    requests = []
    incoming.READ_SECONDS = 1.0

    @once
    def deps():
        logs.setup()
        return metrics.connect(NAME)

    @functions_framework.http
    def main(request: flask.Request):
        if refused := incoming.receive(request):
            return refused
        requests.append(request.path)
        if request.path == "/raise":
            raise ValueError("of " + NAME)
        if request.path == "/log":
            deps()
            logging.getLogger("any").info("a line")
        if request.path == "/count":
            deps().count("aia_notifications_total", channel="log", outcome="sent")
        if request.path == "/wait":
            (Path(os.environ["GATE"]) / str(time.monotonic_ns())).touch()
            while not Path(os.environ["GATE"], "open").exists():
                time.sleep(0.01)
        return f"{{NAME}} {{len(requests)}} {{os.getpid()}}", 200
"""


ASGI = """
    import os

    async def answer(scope, receive, send):
        body = await receive()
        while body.get("more_body"):
            body = await receive()
        await send({{"type": "http.response.start", "status": 200, "headers": []}})
        await send({{"type": "http.response.body", "body": f"{name} 0 {{os.getpid()}}".encode()}})

    def main():
        return answer
"""


@dataclass(frozen=True)
class Host:
    """A running process of functions."""

    ports: Mapping[str, int]
    output: Path
    process: "subprocess.Popen[bytes]"

    def get(self, function: str, path: str = "/") -> list[str]:
        """What a function answers: its name, how many requests it had, and its process."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[function]}{path}", timeout=30) as response:
            body: bytes = response.read()
        return body.decode().split()

    def lines(self) -> list[dict[str, Any]]:
        """What it logged."""
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.startswith("{")]


def archives(folder: Path, *names: str, asgi: str = "") -> Path:
    """Staged functions that are made up, over the real adapters; one may be an ASGI application."""
    for name in (*names, *filter(None, [asgi])):
        shutil.copytree(stage.ROOT / "core", folder / name / "core")
        for shared in ("adapters", "runtime"):
            shutil.copytree(stage.ROOT / "functions" / shared, folder / name / "functions" / shared)
        (folder / name / "functions" / name).mkdir()
        for path in ("functions/__init__.py", f"functions/{name}/__init__.py", "monitoring.yaml"):
            (folder / name / path).touch()
        (folder / name / "functions" / name / "rules.py").write_text(RULES.format(name=name))
        (folder / name / "main.py").write_text(textwrap.dedent(ASGI if name == asgi else MAIN).format(name=name))
    if asgi:
        shutil.copy(stage.ROOT / "functions" / "api" / "server.py", folder / asgi / "functions" / asgi)
    return folder


@contextmanager
def running(
    folder: Path, *names: str, asgi: tuple[str, ...] = (), place: Place | None = None, **environment: str
) -> Iterator[Host]:
    """The functions in one process."""
    ports = free_ports(names)
    own = {"GOOGLE_CLOUD_PROJECT": "p1", "AIA_LOCATION": "local", **environment}
    with ExitStack() as closing:
        out = closing.enter_context((folder / "out").open("wb"))
        process = closing.enter_context(
            subprocess.Popen(
                functions_host.command(folder, ports, asgi=asgi, place=place),
                cwd=folder,
                env=os.environ | own,
                stdout=out,
                stderr=out,
            )
        )
        closing.callback(process.terminate)
        for port in ports.values():
            eventually(lambda p=port: answers(f"http://127.0.0.1:{p}/") or process.poll() is not None, "answer")  # type: ignore[misc] # mypy cannot infer defaults of a lambda
        assert process.poll() is None, (folder / "out").read_text()
        yield Host(ports, folder / "out", process)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that requests to wait note themselves in; they go on when a file `open` is in it."""
    return tmp_path_factory.mktemp("gate")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, gate: Path) -> Iterator[Host]:
    folder = archives(tmp_path_factory.mktemp("archives"), "one", "two", asgi="three")
    own = {"GATE": str(gate), "AIA_MONITORING_ENDPOINT": "127.0.0.1:9"}
    with running(folder, "one", "two", "three", asgi=("three",), **own) as host:
        yield host


def test_functions_whose_modules_have_the_same_names_do_not_mix(host: Host) -> None:
    name, before, process = host.get("one")
    assert host.get("two")[0] == "two"
    assert host.get("one") == [name, str(int(before) + 1), process]
    assert name == "one"
    assert host.get("two")[2] == process


def test_one_that_raises_answers_with_500_and_goes_on_in_the_same_process(host: Host) -> None:
    process = host.get("one")[2]
    with pytest.raises(urllib.error.HTTPError) as refused:
        host.get("one", "/raise")
    with refused.value:
        assert refused.value.code == 500
    assert [host.get(name)[2] for name in ("one", "two")] == [process, process]
    assert "ValueError: of one" in host.output.read_text()


def test_one_that_is_slow_holds_up_no_other(host: Host, gate: Path) -> None:
    with ThreadPoolExecutor(2 * THREADS) as pool:
        slow = [pool.submit(host.get, "one", "/wait") for _ in range(2 * THREADS)]
        eventually(lambda: len(list(gate.iterdir())) == THREADS, "requests that wait, as many as are let in")
        assert host.get("two")[0] == "two"
        assert not any(one.done() for one in slow)
        (gate / "open").touch()
        assert {one.result()[0] for one in slow} == {"one"}


def test_one_that_is_an_asgi_application_is_in_the_same_process_and_has_no_thread_a_slow_body_could_hold(
    host: Host,
) -> None:
    with ExitStack() as closing:
        for _ in range(4 * THREADS):
            slow = closing.enter_context(socket.create_connection(("127.0.0.1", host.ports["three"]), timeout=30))
            slow.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{")
        assert host.get("three") == ["three", "0", host.get("one")[2]]


def test_bodies_that_do_not_arrive_hold_up_no_thread(host: Host) -> None:
    start = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{"
    with ExitStack() as closing:
        slow = [
            closing.enter_context(socket.create_connection(("127.0.0.1", host.ports["one"]), timeout=30))
            for _ in range(2 * THREADS)
        ]
        for connection in slow:
            connection.sendall(start)
        assert host.get("one")[0] == "one"
        answered = [connection.recv(1000) for connection in slow]
    assert {answer.split()[1] for answer in answered} == {b"408"}


def test_a_line_of_the_log_says_which_function_it_is_from(host: Host) -> None:
    for name in ("two", "one", "two"):
        host.get(name, "/log")
    found = [line["function"] for line in host.lines() if line["message"] == "a line"]
    assert found == ["two", "one", "two"]


def test_when_it_is_told_to_stop_the_last_values_of_every_function_go_out(tmp_path: Path) -> None:
    with serve() as ports:
        with running(archives(tmp_path, "one", "two"), "one", "two", AIA_MONITORING_ENDPOINT=ports.endpoint) as host:
            for name in ("one", "two", "two"):
                host.get(name, "/count")
            host.process.send_signal(signal.SIGTERM)
            assert host.process.wait(60) == 0
        eventually(lambda: counted(ports.http) == {"one": 1, "two": 2}, "counts of both")


def test_one_that_is_busy_is_healthy_and_finishes_after_sigterm_what_it_has_begun(tmp_path: Path) -> None:
    own = {"GATE": str(tmp_path), "AIA_MONITORING_ENDPOINT": "127.0.0.1:9"}
    health = free_ports(["health"])["health"]
    place = Place(health=health, drain=30, limits={"one": Limits(threads=1)})
    with running(archives(tmp_path, "one"), "one", place=place, **own) as host, ThreadPoolExecutor(1) as pool:
        before = {*tmp_path.iterdir()}
        slow = pool.submit(host.get, "one", "/wait")
        eventually(lambda: {*tmp_path.iterdir()} > before, "a request that waits")
        with urllib.request.urlopen(f"http://127.0.0.1:{health}/healthz", timeout=30) as answer:
            assert answer.read() == b"ok\n"
        host.process.send_signal(signal.SIGTERM)
        eventually(lambda: not answers(f"http://127.0.0.1:{host.ports['one']}/"), "an end of new requests")
        assert not slow.done()
        (tmp_path / "open").touch()
        assert slow.result()[0] == "one"
        assert host.process.wait(60) == 0


def test_a_request_that_takes_longer_than_its_limit_is_ended(tmp_path: Path) -> None:
    own = {"GATE": str(tmp_path), "AIA_MONITORING_ENDPOINT": "127.0.0.1:9"}
    place = Place(limits={"one": Limits(threads=1, seconds=1)})
    with running(archives(tmp_path, "one"), "one", place=place, **own) as host:
        with pytest.raises((urllib.error.HTTPError, OSError)):
            host.get("one", "/wait")
        assert host.get("one")[0] == "one"


def counted(port: int) -> dict[str, float]:
    """The counts by function, as Prometheus reads them; a new one begins with 0."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as response:
        lines = [line.decode() for line in response if line.startswith(b"aia_notifications_total{")]
    return {re.findall(r'job="(\w+)"', line)[0]: float(line.split()[1]) for line in lines}


@pytest.mark.parametrize("name", ["core/errors.py", "functions/runtime/push.py", "monitoring.yaml"])
def test_archives_that_differ_in_what_is_loaded_once_are_refused(tmp_path: Path, name: str) -> None:
    folder = archives(tmp_path, "one", "two")
    require_same([folder / "one", folder / "two"])
    (folder / "two" / name).write_text("# changed")
    with pytest.raises(ArchivesDifferError, match=rf"two/{name}: must be the same as .*one/{name}"):
        require_same([folder / "one", folder / "two"])


def test_an_archive_that_lacks_what_the_others_have_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = archives(tmp_path, "one", "two")
    (folder / "one" / "core" / "errors.py").unlink()
    assert functions_host.main([str(folder), "one=1", "two=2"]) == 1
    assert capsys.readouterr().err.count("\n") == 1
