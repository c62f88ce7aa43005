"""The task `configuration`: what is deployed against what shall be, each check a verdict of its own.

Tables are compared with their definitions; on Google Cloud, what the last apply made with what there is; on one machine, the programs
and the settings with what the stack started with. Compared with an apply, a difference counts when two checks in a row see it.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from functools import cache, partial

from core.errors import QueryError
from core.maintenance.alert_policies import policy_differences
from core.maintenance.backup import DATASETS
from core.maintenance.configuration import CHECKS, ConfigurationKind, differences
from core.maintenance.dashboards import dashboard_differences
from core.maintenance.deployed_functions import DeployedFunction, function_differences, other_settings
from core.maintenance.secrets import old_secrets, unusable_secrets
from core.security.grants import grant_differences
from functions.adapters.deployment import Record
from functions.maintenance.checks import Read, step
from functions.maintenance.compared import DeploymentReader, LocalStack, digest
from functions.maintenance.outside import Outside
from functions.services.steps import Step

COLUMNS = "SELECT table_name, column_name, data_type FROM {dataset}.INFORMATION_SCHEMA.COLUMNS"
_CHECKED = (*DATASETS, "backups")
"""The datasets that are this system's own."""


def steps(outside: Outside, due: datetime) -> Iterator[Step]:
    """A step a check: all is read anew each time. Without the warehouse no run could be recorded: then the tick comes again."""
    yield step(outside.tracker, CHECKS[ConfigurationKind.TABLE], partial(_tables, outside), due, unread=(QueryError,))
    checks: dict[ConfigurationKind, Read] = {}
    if outside.compared.deployment:
        checks |= _deployed(outside, outside.compared.deployment, due)
    if outside.compared.stack:
        checks |= _local(outside.compared.stack)
    for kind, read in checks.items():
        yield step(outside.tracker, CHECKS[kind], read, due)


def _tables(outside: Outside) -> list[str]:
    defined = {name: columns for name, columns in outside.tables().items() if name.partition(".")[0] in _CHECKED}
    deployed: dict[str, dict[str, str]] = defaultdict(dict)
    for dataset in _CHECKED:
        for row in outside.warehouse.query(COLUMNS.format(dataset=dataset)):
            deployed[f"{dataset}.{row['table_name']}"][row["column_name"]] = row["data_type"]
    return differences(defined, deployed)


def _deployed(outside: Outside, there: DeploymentReader, due: datetime) -> dict[ConfigurationKind, Read]:
    record = cache(there.record)
    versions = cache(lambda: {secret: there.versions(secret) for secret in record().secrets})
    return {
        ConfigurationKind.POLICY: lambda: policy_differences(record().policies, there.policies()),
        ConfigurationKind.DASHBOARD: lambda: dashboard_differences(record().dashboards, there.dashboards()),
        ConfigurationKind.GRANT: lambda: grant_differences(
            record().grants, outside.scanned.iam.policy(), record().accounts
        ),
        ConfigurationKind.FUNCTION: lambda: _functions(outside, there, record()),
        ConfigurationKind.AGE: lambda: old_secrets(versions(), due, outside.settings.upkeep.oldest_secret),
        ConfigurationKind.VERSION: lambda: unusable_secrets(versions()),
    }


def _functions(outside: Outside, there: DeploymentReader, record: Record) -> list[str]:
    """The functions; and whether the archives have the settings that Terraform read."""
    own = DeployedFunction(name="this function", archive="", settings=digest(outside.compared.settings))
    settings = other_settings([own, *record.functions], record.settings)
    return [*settings, *function_differences(record.functions, there.functions())]


def _local(stack: LocalStack) -> dict[ConfigurationKind, Read]:
    return {ConfigurationKind.SETTINGS: stack.settings, ConfigurationKind.PROGRAM: stack.programs}
