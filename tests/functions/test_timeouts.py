"""What a function of Cloud Run does at its timeout, by the variables that Terraform sets: it ends, and does not go on beside the redelivery."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from infra.local.warehouse import write_credentials
from infra.stage import ROOT
from tests.support.servers.silent import silent

ALERT = b'[{"labels": {"alertname": "A", "service": "s"}}]'
FUNCTION = """
import pathlib, time
import functions_framework

@functions_framework.http
def main(request):
    if request.method == "GET":
        return "ready"
    for _ in range(60):
        time.sleep(0.05)
    pathlib.Path("ended").write_text("the work of a request that was given up")
    return "done"
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def call(port: int, method: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", method=method, data=b"" if method == "POST" else None)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return str(answer.read().decode())
    except (OSError, urllib.error.HTTPError):
        return ""


@pytest.mark.long  # it waits for timeouts
@pytest.mark.parametrize(
    ("threads", "enabled", "ends"), [("1", "true", True), ("8", "true", True), ("8", "false", False)]
)
def test_a_request_ends_at_the_timeout(threads: str, enabled: str, *, ends: bool, tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(FUNCTION)
    port = free_port()
    timed = {"THREADS": threads, "THREADED_TIMEOUT_ENABLED": enabled, "CLOUD_RUN_TIMEOUT_SECONDS": "1"}
    command = [sys.executable, "-m", "functions_framework", "--target=main", f"--port={port}", "--host=127.0.0.1"]
    with subprocess.Popen(command, cwd=tmp_path, env=os.environ | timed, stderr=subprocess.DEVNULL) as server:
        try:
            while call(port, "GET") != "ready":
                assert server.poll() is None
                time.sleep(0.1)
            answered = call(port, "POST")
            time.sleep(3)
        finally:
            server.terminate()
    assert (answered != "done", not (tmp_path / "ended").exists()) == (ends, ends)


@pytest.mark.long  # it waits for timeouts
def test_a_function_answers_before_its_timeout_while_pubsub_does_not(tmp_path: Path) -> None:
    port = free_port()
    with silent() as pubsub:
        environment = {
            "AIA_LOCATION": "local",
            "AIA_MONITORING_ENDPOINT": "127.0.0.1:9",
            "AIA_SETTINGS": str(ROOT / "infra" / "monitoring.yaml"),
            "AIA_STORE": f"sqlite://{tmp_path}/store.sqlite",
            "CLOUD_RUN_TIMEOUT_SECONDS": "8",
            "GOOGLE_APPLICATION_CREDENTIALS": str(write_credentials(tmp_path / "credentials.json")),
            "GOOGLE_CLOUD_PROJECT": "p",
            "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{pubsub.port}",
            "THREADED_TIMEOUT_ENABLED": "true",
            "THREADS": "8",
        }
        command = [sys.executable, "-m", "functions_framework", "--target=main", f"--port={port}", "--host=127.0.0.1"]
        command += [f"--source={ROOT / 'functions' / 'alert_intake' / 'main.py'}"]
        with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL) as server:
            try:
                wait_for(port)
                with pytest.raises(urllib.error.HTTPError) as answered:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/alerts", ALERT, timeout=60)
            finally:
                server.terminate()
        assert (answered.value.code, answered.value.read()) == (503, b'{"error": "unavailable"}')
        assert not pubsub.given_up.is_set()


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return
