"""Tables and views, as `infra/tables` defines them for terraform and for one machine alike.

A table is `<dataset>.<table>.json`, a view `<dataset>.<view>.sql`: a query that names the project as `{project}`.
"""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewDefinition:
    """One view.

    Attributes:
        dataset: the dataset's name.
        name: the view's name.
        query: what it selects, with `{project}` in place of the project.
    """

    dataset: str
    name: str
    query: str

    @property
    def id(self) -> str:
        """The dataset and the name."""
        return f"{self.dataset}.{self.name}"


def read_views(folder: Path = FOLDER) -> tuple[ViewDefinition, ...]:
    """Every view in the folder, ordered by name."""
    views = ((*path.stem.split("."), path.read_text().rstrip()) for path in sorted(folder.glob("*.sql")))
    return tuple(ViewDefinition(dataset=dataset, name=name, query=query) for dataset, name, query in views)


def read_definitions(folder: Path = FOLDER) -> tuple[TableDefinition, ...]:
    """Every table in the folder, ordered by name."""
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
