"""Files of the sources that the archive of this function holds as well."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from functions.adapters.config import load_yaml

ROOT = Path(__file__).resolve().parents[2]


@cache
def deployment() -> Mapping[str, Any]:
    """What is deployed: `infra/functions.yaml`."""
    found: Any = load_yaml(ROOT / "infra" / "functions.yaml")
    return dict(found)


def texts() -> Mapping[str, str]:
    """The alert rules and the dashboards, by file."""
    files = [*(ROOT / "infra" / "alerts").glob("*.yaml"), *(ROOT / "dashboards").glob("*.json")]
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(files)}
