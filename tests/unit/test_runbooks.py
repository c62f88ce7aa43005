"""Every finding names a section of the runbooks that is there."""

import re
from pathlib import Path

import pytest

from core.health.watch import Kind
from core.pipelines.verdict import Kind as PipelineKind
from functions.retrain import refusals
from tests.support.alert_rules import sections

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"
DRIFT_KINDS = re.findall(r'Watch\(kind="(\w+)"', (ROOT / "functions" / "drift_score" / "scoring.py").read_text())


def test_the_kinds_of_drift_score_were_found() -> None:
    assert {"drift", "accuracy_below_floor", "scoring_failed"} <= set(DRIFT_KINDS)


@pytest.mark.parametrize("kind", DRIFT_KINDS)
def test_what_drift_score_finds_has_a_runbook(kind: str) -> None:
    assert kind in sections(RUNBOOKS / "models.md")


@pytest.mark.parametrize("kind", list(Kind))
def test_what_health_check_finds_has_a_runbook(kind: Kind) -> None:
    assert kind in sections(RUNBOOKS / "probes.md")


def test_what_retrain_finds_has_a_runbook() -> None:
    assert refusals.KIND in sections(RUNBOOKS / "models.md")


@pytest.mark.parametrize("kind", list(PipelineKind))
def test_what_pipeline_monitor_finds_has_a_runbook(kind: PipelineKind) -> None:
    assert kind in sections(RUNBOOKS / "pipelines.md")
