"""Every finding names a section of the runbooks that is there."""

from pathlib import Path

import pytest

from core.health.judge import Kind as ProbeKind
from core.pipelines.conditions import Kind as PipelineKind
from functions.drift_score.conditions import Kind as ModelKind
from functions.retrain import conditions as retraining
from tests.support.alert_rules import sections

ROOT = Path(__file__).resolve().parents[2]
RUNBOOKS = ROOT / "docs" / "runbooks"


@pytest.mark.parametrize("kind", list(ModelKind))
def test_what_drift_score_finds_has_a_runbook(kind: ModelKind) -> None:
    assert kind in sections(RUNBOOKS / "models.md")


@pytest.mark.parametrize("kind", list(ProbeKind))
def test_what_health_check_finds_has_a_runbook(kind: ProbeKind) -> None:
    assert kind in sections(RUNBOOKS / "probes.md")


def test_what_retrain_finds_has_a_runbook() -> None:
    assert retraining.KIND in sections(RUNBOOKS / "models.md")


@pytest.mark.parametrize("kind", list(PipelineKind))
def test_what_pipeline_monitor_finds_has_a_runbook(kind: PipelineKind) -> None:
    assert kind in sections(RUNBOOKS / "pipelines.md")
