"""Prometheus' own checks of rule files: every fault names the file first."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

absent = shutil.which("promtool") is None
needed = pytest.mark.skipif(absent, reason="prometheus is absent: promtool is not on PATH")


def refused(files: Sequence[Path]) -> list[str]:
    """Rule files that Prometheus does not take."""
    return [fault for path in files for fault in _run("check", path)]


def failing(tests: Sequence[Path]) -> list[str]:
    """Tests of rules that do not see what they expect."""
    return [fault for path in tests for fault in _run("test", path)]


def _run(command: str, path: Path) -> list[str]:
    done = subprocess.run(["promtool", command, "rules", str(path)], capture_output=True, text=True, check=False)
    return [f"{path.name}: {' '.join((done.stdout + done.stderr).split())}"] if done.returncode else []
