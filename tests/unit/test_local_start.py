"""What the local system checks before it starts anything."""

import os
from collections import defaultdict
from pathlib import Path

import pytest

from core.errors import SettingsError
from infra import stage
from infra.local.ports import Ports
from infra.local.stack import Stack


def test_settings_that_are_wrong_are_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "monitoring.yaml").write_text("version: 1\nchannels: [{name: team, kind: pigeon}]\n")
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    monkeypatch.setattr("os.environ", os.environ.copy())
    stack = Stack(tmp_path / "data", Ports(defaultdict(lambda: 1)))
    said: list[str] = []
    with stack, pytest.raises(SettingsError, match=r"channels\[0\]\.kind: must be one of"):
        stack.start(said.append, tracks=(), charts=False)
    assert said == []
