"""Files of the sources that the archive of this function holds as well."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from core.maintenance.configuration import Columns, sql_type
from core.security.inventory import Dependency, locked
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


def tables() -> Mapping[str, Columns]:
    """The columns of each table that is defined."""
    definitions = {file.stem: json.loads(file.read_text()) for file in (ROOT / "infra" / "tables").glob("*.json")}
    return {
        name: {column["name"]: sql_type(column) for column in definition["schema"]}
        for name, definition in definitions.items()
    }


def packages() -> Sequence[Dependency]:
    """The packages that the functions need, as they are locked."""
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    return locked(lock, [name.replace("_", "-") for name in deployment()["functions"]])
