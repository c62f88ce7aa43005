"""Decisions as they are kept: what the incident service recorded, as rows and as a file for `aia replay`."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from core.events import IncidentDecision
from functions.cli.replay.read import save
from functions.services.incidents.kept_decisions import Row


def decision_rows(decided: Iterable[IncidentDecision]) -> list[Row]:
    """As the view has them, but perhaps twice."""
    return [msgspec.convert(msgspec.to_builtins(one) | {"id": one.id}, Row, strict=False) for one in decided]


def write_decisions(decided: Iterable[IncidentDecision], path: Path) -> Path:
    """Write them as JSON lines."""
    save(decision_rows(decided), path)
    return path
