"""The checks of the configuration, and the tables that are deployed against their definitions."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import Any

from core.events import Severity
from core.maintenance.checks import Check

_check = partial(Check, runbook="system.md", no_verdict_after=timedelta(minutes=50))
"""From one check to the next is an hour."""
_applied = partial(_check, fire_after=2)
"""While an apply is under way, what is there is not yet what it will have recorded."""


class ConfigurationKind(StrEnum):
    """The kinds of findings of the check."""

    TABLE = "table_changed"
    POLICY = "alert_policy_changed"
    DASHBOARD = "dashboard_changed"
    GRANT = "access_grant_changed"
    FUNCTION = "function_changed"
    AGE = "old_secret"
    VERSION = "unusable_secret"
    SETTINGS = "settings_not_loaded"
    PROGRAM = "program_not_running"


CHECKS = {
    one.kind: one
    for one in (
        _check(kind=ConfigurationKind.TABLE, target="configuration/tables", what="tables that are not as defined"),
        _applied(
            kind=ConfigurationKind.POLICY,
            target="configuration/alert-policies",
            what="alert policies that are not as deployed",
        ),
        _applied(
            kind=ConfigurationKind.DASHBOARD,
            target="configuration/dashboards",
            what="dashboards that are not as deployed",
        ),
        _applied(
            kind=ConfigurationKind.GRANT,
            target="configuration/grants",
            what="grants that are not as deployed",
            severity=Severity.ERROR,
        ),
        _applied(
            kind=ConfigurationKind.FUNCTION,
            target="configuration/functions",
            what="functions that are not as deployed",
        ),
        _check(kind=ConfigurationKind.AGE, target="configuration/secret-ages", what="old secrets"),
        _check(
            kind=ConfigurationKind.VERSION,
            target="configuration/secrets",
            what="secrets that cannot be read",
            severity=Severity.ERROR,
        ),
        _check(
            kind=ConfigurationKind.SETTINGS,
            target="configuration/settings",
            what="settings that are not loaded",
        ),
        _check(
            kind=ConfigurationKind.PROGRAM,
            target="configuration/programs",
            what="programs that do not listen",
            fire_after=2,
        ),
    )
}

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
