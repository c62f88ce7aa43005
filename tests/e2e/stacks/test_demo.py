"""`aia demo`: the main job as anybody runs it first."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.ports import PUBLIC
from tests.support.builders.budget import ALL
from tests.support.servers.stack import AIA, aia, environment, eventually, free_ports, processes

TRAINS = () if ALL else ("--days", "14", "--no-training")
"""A training costs a minute of a processor: it is run where all tests are."""
OK = re.compile(
    r"demo: ok model=flight-delay drifted=[a-z_]+(,[a-z_]+)* incident=model-flight-delay-\d{8}-[0-9a-f]{8} "
    r"notified=[1-9]\d* seconds=\d+"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo keeps its data."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module", autouse=True)
def demo(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """The demo, which mostly waits: the other tests are run meanwhile."""
    with subprocess.Popen(
        [AIA, "demo", *TRAINS],
        env=environment(TMPDIR=str(folder)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)


def mentioning(name: str) -> list[int]:
    """The processes that have a name in their environment."""
    found = []
    for pid in processes():
        try:
            if name.encode() in Path(f"/proc/{pid}/environ").read_bytes():
                found.append(pid)
        except OSError:
            continue
    return found


@pytest.mark.parametrize("command", ["demo", "local"])
def test_without_prometheus_it_says_so_at_once(tmp_path: Path, command: str) -> None:
    path = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not shutil.which("prometheus", path=folder)
    )
    where = ("--data", str(tmp_path / "data")) if command == "local" else ()
    failed = aia(command, *where, PATH=path, TMPDIR=str(tmp_path), **_free())
    assert failed.returncode == 1
    assert "prometheus: must be on PATH, got nothing; install Prometheus" in failed.stdout + failed.stderr
    assert "Traceback" not in failed.stderr


def _free() -> dict[str, str]:
    return {PUBLIC[name][0]: str(port) for name, port in free_ports(tuple(PUBLIC)).items()}


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [AIA, "demo", "--days", "14", "--no-training"]
    with subprocess.Popen(
        command, env=environment(TMPDIR=str(tmp_path)), stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        eventually(lambda: list(tmp_path.glob("aia-demo-*/logs/functions.log")), "functions that start")
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "demo: failed, interrupted" in said
    assert list(tmp_path.iterdir()) == []
    assert mentioning(str(tmp_path)) == []


@pytest.mark.timeout(560)
def test_the_demo_runs_the_main_job_and_says_what_happened(demo: "subprocess.Popen[str]", folder: Path) -> None:
    said, _ = demo.communicate(timeout=540)
    assert demo.returncode == 0, said
    # after its verdict it may still say that a program took long to end
    [verdict] = [line for line in said.splitlines() if line.startswith("demo: ")]
    assert OK.fullmatch(verdict)
    assert list(folder.iterdir()) == []
    assert mentioning(str(folder)) == []
