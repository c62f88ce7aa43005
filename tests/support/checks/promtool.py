"""Prometheus' own tests of alert rules: every fault names the file first."""

import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.lint import promtool
from tests.support.builders.budget import ALL

needed = pytest.mark.skipif(promtool.absent(), reason="prometheus is absent: promtool is not on PATH")


def failing(tests: Sequence[Path]) -> list[str]:
    """Tests of rules that do not see what they expect."""
    return [fault for path in tests for fault in _failing(path)]


def _failing(path: Path) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        parts = [] if ALL else [str(part) for part in _parts(path, Path(folder))]
        done = subprocess.run(
            ["promtool", "test", "rules", *(parts or [str(path)])], capture_output=True, text=True, check=False
        )
    return [f"{path.name}: {' '.join((done.stdout + done.stderr).split())}"] if done.returncode else []


def _parts(path: Path, folder: Path) -> Iterator[Path]:
    """The tests of a file, one a file, each with the alerts that it expects or denies only.

    promtool evaluates every rule of a file at every step of each of its tests, and looks at the alerts that a test names;
    where all tests run, it does, and so finds a rule that fails on the series of another one's test.
    A file of expressions, whose values rules may record, has no parts.
    """
    given = _read(path)
    if not all(test.keys() <= {"name", "interval", "input_series", "alert_rule_test"} for test in given["tests"]):
        return
    files = {f"rules-{n}.yaml": _read(path.parent / name) for n, name in enumerate(given["rule_files"])}
    for number, test in enumerate(given["tests"]):
        named = {one["alertname"] for one in test["alert_rule_test"]}
        within = folder / str(number)
        within.mkdir()
        for name, rules in files.items():
            _write(within / name, rules | {"groups": [_only(group, named) for group in rules["groups"]]})
        yield _write(within / path.name, {**given, "rule_files": list(files), "tests": [test]})


def _only(group: Mapping[str, Any], named: set[str]) -> dict[str, Any]:
    """A group with its recording rules and some alerts."""
    return {**group, "rules": [rule for rule in group["rules"] if rule.get("alert") in {None, *named}]}


def _read(path: Path) -> dict[str, Any]:
    # Every scalar stays a text: `0x60`, a zero sixty times over, would be the number 96.
    found: dict[str, Any] = yaml.load(path.read_text(), Loader=yaml.CBaseLoader)
    return found


def _write(path: Path, content: object) -> Path:
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path
