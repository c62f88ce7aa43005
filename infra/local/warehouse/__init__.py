"""BigQuery on one machine: the unmodified client against an emulator that keeps its data in a folder."""

from infra.local.warehouse.credentials import write_credentials
from infra.local.warehouse.emulator import Emulator
from infra.local.warehouse.tables import TableDefinition, create_tables, read_definitions

__all__ = ["Emulator", "TableDefinition", "create_tables", "read_definitions", "write_credentials"]
