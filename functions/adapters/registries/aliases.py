"""Changes of aliases: a row of `ops.model_aliases`, which is what counts, then the same in the registries."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from core.versions import AliasChange, AliasName
from functions.adapters.ports import Data, Warehouse
from functions.adapters.registries.port import ModelRegistry

CHANGES = Path(__file__).with_name("alias_changes.sql").read_text().rstrip()
WRITE = Path(__file__).with_name("write_alias.sql").read_text().rstrip()


def write(change: AliasChange, warehouse: Warehouse) -> None:
    """Write the row of a change, unless it is there.

    Raises:
        QueryError: the warehouse refuses it.
        UnavailableError: the warehouse does not answer.
    """
    warehouse.query(WRITE, **row(change))


def row(change: AliasChange) -> Data:
    """The row of a change."""
    return asdict(change) | {"alias": change.alias.value, "id": change.id}


def set_aliases(changes: Sequence[AliasChange], registries: Iterable[ModelRegistry]) -> None:
    """Do the same in the registries, where the rows are written; idempotent.

    Raises:
        ActionError: a registry refuses it.
        UnavailableError: a registry does not answer; a repetition completes it.
    """
    for registry in registries:
        for change in changes:
            registry.set_alias(change.model, change.alias, change.version)


def read(warehouse: Warehouse, model: str) -> list[AliasChange]:
    """The changes of the aliases of a model, oldest first; the newest 500.

    Raises:
        QueryError: the warehouse refuses.
        UnavailableError: the warehouse does not answer.
    """
    changes = (
        AliasChange(model=model, **row | {"alias": AliasName(row["alias"]), "stage": row["stage"] or ""})
        for row in warehouse.query(CHANGES, model=model)
    )
    return sorted(changes, key=lambda change: change.changed_at)
