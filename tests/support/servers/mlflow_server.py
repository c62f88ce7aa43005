"""A real MLflow server on SQLite, for tests, behind a wire that the test can cut.

It takes several seconds of a processor to start: one for all tests of a file, each of which has models of its own.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import mlflow
from tests.support.servers.targets import free_port

PATIENCE = 240.0
"""Seconds; it takes ten on a machine that does nothing else."""


@pytest.fixture(scope="module")
def mlflow_port() -> Iterator[int]:
    """The port of the server."""
    if not mlflow.is_installed():
        pytest.skip("mlflow is absent: `make test` installs it")
    folder = Path(tempfile.mkdtemp(prefix="mlflow-"))
    port = free_port()
    # Webhooks of a test go to this machine, which MLflow refuses otherwise.
    own = {
        "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS": "true",
        "MLFLOW_WEBHOOK_ALLOWED_SCHEMES": "http",
        "MLFLOW_WEBHOOK_CACHE_TTL": "0",  # else a webhook counts a minute after its creation
    }
    with (folder / "log").open("wb") as out:
        process = subprocess.Popen(
            mlflow.command(folder, port),
            env={**os.environ, **mlflow.ENVIRONMENT, **own},
            cwd=folder,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _await(port, process, folder / "log")
        yield port
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def _await(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while not mlflow.is_healthy(f"http://127.0.0.1:{port}"):
        if process.poll() is not None or time.monotonic() > deadline:
            pytest.fail(f"mlflow did not start: {log.read_text()[-2000:]}")
        time.sleep(0.1)
