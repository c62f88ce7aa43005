"""The tables, as `infra/tables/<dataset>.<table>.json` defines them for Terraform and for the local system."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "tables"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDefinition:
    """One table.

    Attributes:
        dataset: the dataset's name.
        name: the table's name.
        description: of a row.
        partition: the column and the unit, as in `{"field": "scored_at", "type": "DAY"}`.
        cluster: the clustering columns.
        schema: the columns, as BigQuery's API spells them.
    """

    dataset: str
    name: str
    description: str
    partition: dict[str, str]
    cluster: tuple[str, ...]
    schema: tuple[dict[str, Any], ...]

    @property
    def id(self) -> str:
        """The dataset and the name."""
        return f"{self.dataset}.{self.name}"


def read_definitions(folder: Path = FOLDER) -> tuple[TableDefinition, ...]:
    """Every definition in the folder, ordered by table."""
    return tuple(read_definition(path) for path in sorted(folder.glob("*.json")))


def read_definition(path: Path) -> TableDefinition:
    """The definition in a file."""
    dataset, name = path.stem.split(".")
    body = json.loads(path.read_text())
    return TableDefinition(
        dataset=dataset,
        name=name,
        description=body["description"],
        partition=body["partition"],
        cluster=tuple(body["cluster"]),
        schema=tuple(body["schema"]),
    )
