"""The task `configuration`: what is deployed against the files that say what shall be."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import partial

from core.errors import ConfigurationError
from core.maintenance.backup import DATASETS
from core.maintenance.configuration import differences
from functions.maintenance.outside import Outside
from functions.services.steps import Step

_COLUMNS = "SELECT table_name, column_name, data_type FROM {dataset}.INFORMATION_SCHEMA.COLUMNS"
_CHECKED = (*DATASETS, "backups")
"""The datasets that are this system's own."""


def steps(outside: Outside, due: datetime) -> Iterator[Step]:  # noqa: ARG001 - as every task
    """One step: all is read anew each time."""
    yield Step("tables", partial(_check_tables, outside))


def _check_tables(outside: Outside) -> str:
    defined = {name: columns for name, columns in outside.tables().items() if name.partition(".")[0] in _CHECKED}
    deployed: dict[str, dict[str, str]] = defaultdict(dict)
    for dataset in _CHECKED:
        for row in outside.warehouse.query(_COLUMNS.format(dataset=dataset)):
            deployed[f"{dataset}.{row['table_name']}"][row["column_name"]] = row["data_type"]
    if found := differences(defined, deployed):
        raise ConfigurationError(". ".join(found))
    return f"{len(defined)} tables are as they are defined"
