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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
