"""Checks of the runbooks: each finding has a section."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from core.capacity.judge import CapacityKind
from core.health import ProbeKind
from core.maintenance import task as maintenance
from core.maintenance.configuration import ConfigurationKind
from core.pipelines.judge import PipelineKind
from core.security import trail
from core.security.scan import ScanKind
from core.settings import DetectionName
from functions.drift_score.conditions import GENERATIVE
from functions.drift_score.conditions import Kind as ModelKind
from functions.pipeline_monitor import registries
from functions.promotion import told as promotion
from functions.retrain import trainer as retraining
from infra.lint.fault import Fault

FOLDER = "docs/runbooks"
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
_FINDINGS: Final[Iterable[tuple[str, str, Iterable[str]]]] = (
    ("audit_events", "security", [*DetectionName, trail.KIND]),
    ("drift_score", "models", [kind for kind in ModelKind if kind not in GENERATIVE]),
    ("drift_score", "generative", sorted(GENERATIVE)),
    ("capacity", "infrastructure", CapacityKind),
    ("health_check", "probes", ProbeKind),
    ("pipeline_monitor", "pipelines", [*PipelineKind, registries.KIND]),
    ("promotion", "models", [promotion.KIND, promotion.WAITS]),
    ("maintenance", "system", [maintenance.KIND, *ConfigurationKind]),
    ("maintenance", "security", ScanKind),
    ("retrain", "models", [retraining.KIND]),
)
"""What each function finds, and the runbook that says what to do about it."""


def anchors(path: Path) -> set[str]:
    """The anchors of a runbook's sections, as GitHub makes them of headings."""
    return {heading.lower().replace(" ", "-") for heading in _HEADING.findall(path.read_text())}


def sections(root: Path) -> dict[str, set[str]]:
    """The anchors of each runbook of a tree, by `docs/runbooks/NAME.md`."""
    return {f"{FOLDER}/{path.name}": anchors(path) for path in sorted((root / FOLDER).glob("*.md"))}


def without_section(root: Path) -> list[Fault]:
    """Kinds of findings that no section of a runbook is about."""
    known = sections(root)
    return [
        Fault(f"{FOLDER}/{name}.md", 1, f"must have a section {str(kind)!r}, as {function} finds it")
        for function, name, kinds in _FINDINGS
        for kind in kinds
        if kind not in known.get(f"{FOLDER}/{name}.md", set())
    ]
