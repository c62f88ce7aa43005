"""What the local system checks before it starts anything."""

import os
from collections import defaultdict
from pathlib import Path

import pytest

from core.errors import SettingsError
from infra import stage
from infra.local import mlflow
from infra.local.ports import Ports
from infra.local.stack import NOWHERE, Stack


def test_settings_that_are_wrong_are_told_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra" / "monitoring.yaml").write_text("version: 1\nchannels: [{name: team, kind: pigeon}]\n")
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    monkeypatch.setattr("infra.local.stack.SETTINGS", tmp_path / "infra" / "monitoring.yaml")
    monkeypatch.setattr("os.environ", os.environ.copy())
    stack = Stack(tmp_path / "data", Ports(defaultdict(lambda: 1)))
    said: list[str] = []
    with stack, pytest.raises(SettingsError, match=r"channels\[0\]\.kind: must be one of"):
        stack.start(said.append, tracks=(), charts=False)
    assert said == []


@pytest.mark.parametrize("trains", [True, False])
def test_where_nothing_is_trained_the_functions_know(tmp_path: Path, *, trains: bool) -> None:
    with Stack(tmp_path / "data", Ports(defaultdict(lambda: 1)), with_training=trains) as stack:
        told = stack._environment(tmp_path)
    assert ("AIA_TRAINING_DISABLED" in told, told["AIA_VERTEX_ENDPOINT"] == NOWHERE) == (not trains, not trains)


def test_without_mlflow_nothing_of_it_is_started_or_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlflow, "PROGRAM", tmp_path / "nothing")
    with Stack(tmp_path / "data", Ports(defaultdict(lambda: 1)), with_mlflow=True) as stack:
        stack.start_mlflow()
        assert stack.programs.process_ids() == {}
        assert "AIA_MLFLOW_URL" not in stack._environment(tmp_path)
