"""The last values of a program go out when it ends."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from functions.adapters.metrics import CloudMetrics
from infra.local.monitoring.server import Ports, serve
from infra.local.ports import listens
from tests.support.fakes.clock import START
from tests.support.fakes.written_metrics import ROOT, SENT, UP, new_clock, new_metrics, new_ports, values

clock = pytest.fixture(new_clock)
ports = pytest.fixture(new_ports)
metrics = pytest.fixture(new_metrics)

PROGRAM = """
    import time
    from functions.adapters.metrics import connect

    metrics = connect("api")
    metrics.count("aia_notifications_total", channel="log", outcome="sent")
    metrics.flush()
    metrics.count("aia_notifications_total", channel="log", outcome="sent")
    metrics.gauge("aia_probe_up", 0, probe="api")
    print("ready", flush=True)
"""


@contextmanager
def program(script: str, ports: Ports) -> Iterator[subprocess.Popen[str]]:
    """A Python program with the environment of a function."""
    command = [sys.executable, "-c", textwrap.dedent(script)]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment(ports), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        yield process


def environment(ports: Ports) -> dict[str, str]:
    ours = {"GOOGLE_CLOUD_PROJECT": "p1", "AIA_LOCATION": "us-central1", "AIA_MONITORING_ENDPOINT": ports.endpoint}
    return os.environ | ours | {"PYTHONPATH": str(ROOT)}


def test_the_last_values_go_out_when_a_program_is_told_to_stop() -> None:
    with serve() as ports, program(PROGRAM + "    time.sleep(60)\n", ports) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        _, errors = process.communicate(timeout=30)
        now = datetime.now(UTC)
        assert (process.returncode, errors) == (128 + signal.SIGTERM, "")
        assert values(ports, SENT, "counter", now) == [1, 2]
        assert values(ports, UP, now=now) == [0]


def test_the_last_values_go_out_when_a_program_ends() -> None:
    with serve() as ports, program(PROGRAM, ports) as process:
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, "")
        assert values(ports, SENT, "counter", datetime.now(UTC)) == [1, 2]


FUNCTION = """
import functools
import functions_framework
from functions.adapters.metrics import connect


deps = functools.cache(lambda: connect("api"))

@functions_framework.http
def main(request):
    deps().count("aia_notifications_total", channel="log", outcome="sent")
    deps().flush()
    return "counted"
"""


def test_the_last_values_go_out_when_the_functions_framework_is_told_to_stop(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(FUNCTION)
    with ExitStack() as stack:
        ports = stack.enter_context(serve())
        port = free_port()
        command = [str(Path(sys.executable).with_name("functions-framework")), "--target", "main"]
        command += ["--source", str(tmp_path / "main.py"), "--host", "127.0.0.1", "--port", str(port)]
        process = stack.enter_context(subprocess.Popen(command, env=environment(ports), stderr=subprocess.PIPE))
        stack.callback(process.kill)
        while not listens(port):
            assert process.poll() is None
            time.sleep(0.1)
        for _ in range(3):
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                assert answer.read() == b"counted"
        process.terminate()
        process.wait(30)
        assert values(ports, SENT, "counter", datetime.now(UTC))[-1] == 3


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def test_dropped_points_are_a_field_of_the_log(metrics: CloudMetrics, caplog: pytest.LogCaptureFixture) -> None:
    metrics.gauge(UP, 1, at=START - timedelta(days=2), probe="api")
    metrics.flush()
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert json.loads(json.dumps(record.__dict__["fields"])) == {"dropped": 1}
