"""Prometheus' own tests of alert rules: every fault names the file first."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from infra.lint import promtool

needed = pytest.mark.skipif(promtool.absent(), reason="prometheus is absent: promtool is not on PATH")


def failing(tests: Sequence[Path]) -> list[str]:
    """Tests of rules that do not see what they expect."""
    return [fault for path in tests for fault in _failing(path)]


def _failing(path: Path) -> list[str]:
    done = subprocess.run(["promtool", "test", "rules", str(path)], capture_output=True, text=True, check=False)
    return [f"{path.name}: {' '.join((done.stdout + done.stderr).split())}"] if done.returncode else []
