"""Local BigQuery: the unmodified client against an emulator that stores its data in a folder.

`tables` creates its tables with BigQuery's client; it is separate, because not every program needs that.
"""

from infra.local.warehouse.credentials import write_credentials
from infra.local.warehouse.definitions import TableDefinition, ViewDefinition, read_definitions, read_views
from infra.local.warehouse.emulator import Emulator

__all__ = ["Emulator", "TableDefinition", "ViewDefinition", "read_definitions", "read_views", "write_credentials"]
