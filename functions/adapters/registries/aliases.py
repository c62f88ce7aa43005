"""Changes of aliases: a row of `ops.model_aliases`, which is what counts, then the same in the registries."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from core.versions import AliasChange
from functions.adapters.ports import Data, Warehouse
from functions.adapters.registries.port import ModelRegistry

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
