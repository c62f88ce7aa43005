"""`python -m infra.lint`: this tree is sound; in another one each fault is printed with its file and line."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from core.health import ProbeKind
from core.maintenance import task as maintenance
from core.pipelines.judge import PipelineKind
from core.security import trail
from core.settings import DetectionName
from functions.drift_score.conditions import GENERATIVE
from functions.drift_score.conditions import Kind as ModelKind
from functions.promotion import told as promotion
from functions.retrain import trainer as retraining
from infra import stage
from infra.lint.__main__ import main
from infra.lint.runbooks import without_section
from tests.support.checks import promtool

READ = ("core", "functions", "dashboards", "docs/runbooks", "infra/alerts", "infra/terraform")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What the linters read, to be changed."""
    for folder in READ:
        shutil.copytree(stage.ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "static"))
    for file in ("monitoring.yaml", "signals.yaml"):
        shutil.copy(stage.ROOT / "infra" / file, tmp_path / "infra")
    return tmp_path


@promtool.needed
def test_this_tree_has_no_fault() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "infra.lint"], cwd=stage.ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@promtool.needed
def test_every_fault_is_printed_with_its_file_and_line(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules, board = tree / "infra" / "alerts" / "models.yaml", tree / "dashboards" / "technical.json"
    rules.write_text(
        rules.read_text().replace("for: 30m", "for: 45s", 1).replace("max by (model) (", "max by model (", 1)
    )
    board.write_text(
        board.read_text().replace('"columns": 48', '"columns": 12').replace("histogram_quantile(", "p95(", 1)
    )
    models = tree / "docs" / "runbooks" / "models.md"
    models.write_text(models.read_text().replace("## retraining_refused", "## no retraining"))
    assert main([str(tree)]) == 1
    found = capsys.readouterr().out.splitlines()
    rule = rules.read_text().splitlines().index("      - alert: ModelDriftHigh") + 1
    assert f"infra/alerts/models.yaml:{rule}: ModelDriftHigh: for must be a multiple of 30s, got '45s'" in found
    assert "dashboards/technical.json:1: must be a mosaicLayout of 48 columns" in found
    assert "docs/runbooks/models.md:1: must have a section 'retraining_refused', as retrain finds it" in found
    assert any(line.startswith("infra/alerts/models.yaml:") and "could not parse expression" in line for line in found)
    assert any(line.startswith("dashboards/technical.json:") and "could not parse expression" in line for line in found)
    assert found == sorted(found, key=lambda line: (line.split(":")[0], int(line.split(":")[1])))


def test_a_query_of_what_no_function_writes_is_told(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (tree / "functions").rglob("*.py"):
        path.write_text(path.read_text().replace('"aia_roi_ratio"', '"aia_other"'))
    assert main([str(tree)]) == 1
    assert "looks at aia_roi_ratio, which no function writes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("runbook", "function", "kind"),
    [
        *(("generative" if kind in GENERATIVE else "models", "drift_score", kind.value) for kind in ModelKind),
        ("system", "maintenance", maintenance.KIND),
        ("models", "promotion", promotion.KIND),
        *(("security", "audit_events", str(kind)) for kind in (*DetectionName, trail.KIND)),
        ("models", "retrain", retraining.KIND),
        *(("pipelines", "pipeline_monitor", kind.value) for kind in PipelineKind),
        *(("probes", "health_check", kind.value) for kind in ProbeKind),
    ],
)
def test_a_finding_without_a_section_is_told(tmp_path: Path, runbook: str, function: str, kind: str) -> None:
    shutil.copytree(stage.ROOT / "docs" / "runbooks", tmp_path / "docs" / "runbooks")
    path = tmp_path / "docs" / "runbooks" / f"{runbook}.md"
    path.write_text(path.read_text().replace(f"## {kind}\n", "## something else\n"))
    expected = f"docs/runbooks/{runbook}.md:1: must have a section {kind!r}, as {function} finds it"
    assert [str(fault) for fault in without_section(tmp_path)] == [expected]
