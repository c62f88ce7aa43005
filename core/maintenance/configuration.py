"""Configuration check: the tables that are deployed against their definitions."""

from collections.abc import Iterator, Mapping
from typing import Any

Columns = Mapping[str, str]
"""The type of each column, by its name."""
_SAME = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""Types that BigQuery spells in two ways."""


def sql_type(column: Mapping[str, Any]) -> str:
    """The type of a column of a definition, as `INFORMATION_SCHEMA.COLUMNS` spells it.

    >>> sql_type({"name": "n", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "a", "type": "INTEGER"}]})
    'ARRAY<STRUCT<a INT64>>'
    """
    kind = _SAME.get(column["type"], column["type"])
    if kind in ("RECORD", "STRUCT"):
        parts = (f"{part['name']} {sql_type(part)}" for part in column["fields"])
        kind = f"STRUCT<{', '.join(parts)}>"
    return f"ARRAY<{kind}>" if column.get("mode") == "REPEATED" else kind


def differences(defined: Mapping[str, Columns], deployed: Mapping[str, Columns]) -> list[str]:
    """What of the deployed tables is not as it is defined, one line a table; what nobody defined is left alone.

    Args:
        defined: columns of each table, as in `ops.findings`.
        deployed: those that there are.

    >>> differences({"ops.a": {"at": "TIMESTAMP", "n": "INT64"}}, {"ops.a": {"at": "DATE"}})
    ['ops.a: at must be TIMESTAMP, got DATE; n is missing']
    >>> differences({"ops.a": {"at": "TIMESTAMP"}}, {})
    ['ops.a: is missing']
    """
    return [
        f"{table}: {'; '.join(faults)}"
        for table, columns in sorted(defined.items())
        if (faults := list(_faults(columns, deployed.get(table))))
    ]


def _faults(defined: Columns, deployed: Columns | None) -> Iterator[str]:
    if deployed is None:
        yield "is missing"
        return
    for name, kind in defined.items():
        found = deployed.get(name)
        if found is None:
            yield f"{name} is missing"
        elif found != kind:
            yield f"{name} must be {kind}, got {found}"
    yield from (f"{name} is not defined" for name in sorted(set(deployed) - set(defined)))
