"""Faults that promtool finds in rule files."""

import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.lint.fault import Fault

_LINE = re.compile(r"(?:^|\bline )(\d+)\b")


def absent() -> bool:
    """Whether Prometheus' tool is missing."""
    return shutil.which("promtool") is None


def refused(files: Iterable[Path]) -> list[Fault]:
    """Faults of rule files that Prometheus does not take, each by the path that it was given by."""
    return [fault for path in files for fault in _refused(path)]


def _refused(path: Path) -> Iterator[Fault]:
    done = subprocess.run(["promtool", "check", "rules", str(path)], capture_output=True, text=True, check=False)
    if not done.returncode:
        return
    errors = {" ".join(part.split()) for part in done.stderr.split(f"{path}: ")[1:]} or {" ".join(done.stderr.split())}
    for what in sorted(errors):
        line = _LINE.search(what)
        yield Fault(str(path), int(line[1]) if line else 1, re.sub(r"^\d+:\d+: ", "", what))
