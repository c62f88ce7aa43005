"""BigQuery on one machine: the unmodified client against an emulator that keeps its data in a folder.

What needs BigQuery's client is imported when it is first asked for: the emulator's own program does without it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from infra.local.warehouse.credentials import write_credentials
from infra.local.warehouse.emulator import Emulator

if TYPE_CHECKING:
    from infra.local.warehouse.tables import TableDefinition, create_tables, read_definitions

__all__ = ["Emulator", "TableDefinition", "create_tables", "read_definitions", "write_credentials"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class or a function
    """The names that `tables` gives."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("infra.local.warehouse.tables"), name)
