"""`aia compliance`: items of the CIS benchmark by the audit log, and by policies, keys and a plan that are given as files."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import msgspec

from core.detection import Outcome
from core.security.compliance import Answer, combined, report
from core.security.inventory import Inventory, ServiceAccountKey
from core.settings import SecuritySettings
from functions.cli import options
from functions.cli.api import HELP
from functions.cli.client import Client
from functions.cli.inventory import read_keys, read_plan, read_policy
from functions.cli.screen import print_table, table_of

_PIPED_WIDTH: Final = 200
_FILE: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(epilog=HELP)
@options.url
@click.option("--policy", type=_FILE, help="Output of `gcloud projects get-iam-policy PROJECT --format=json`.")
@click.option(
    "--keys",
    type=_FILE,
    multiple=True,
    help="Output of `gcloud iam service-accounts keys list --managed-by=user --format=json`; may be given for each account.",
)
@click.option("--plan", type=_FILE, help="Output of `terraform show -json PLAN`.")
@click.option("--domain", "domains", multiple=True, help="A domain of the organisation; may be given several times.")
@click.option("--without-log", is_flag=True, help="Answer by the files alone, without the API.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def compliance(
    *,
    url: str,
    policy: Path | None,
    keys: tuple[Path, ...],
    plan: Path | None,
    domains: tuple[str, ...],
    without_log: bool,
    as_json: bool,
) -> None:
    """Answer items of the CIS Google Cloud benchmark: good, bad, or not known. The exit status is 1 if any is bad."""
    inventory = Inventory(
        policy=read_policy(policy) if policy else None,
        keys=_all_keys(keys) if keys else None,
        plan=read_plan(plan) if plan else None,
    )
    answers = report(None, inventory, SecuritySettings(domains=domains), datetime.now(UTC))
    if not without_log:
        answers = list(map(combined, answers, _logged(url)))
    if as_json:
        options.print_json(msgspec.to_builtins(answers))
    else:
        _print(answers)
    sys.exit(int(any(one.outcome is Outcome.BAD for one in answers)))


def _all_keys(paths: tuple[Path, ...]) -> tuple[ServiceAccountKey, ...]:
    return tuple(key for path in paths for key in read_keys(path))


def _logged(url: str) -> list[Answer]:
    """The answers by the audit log."""
    found: list[Answer] = msgspec.convert(Client(url).compliance(), list[Answer])
    return found


def _print(answers: list[Answer]) -> None:
    table = table_of("CIS", "item", "status", "evidence", "on")
    for one in answers:
        status = one.outcome.value.replace("_", " ")
        table.add_row(one.number, one.title, status, "\n".join(one.evidence), f"{one.at:%Y-%m-%d}")
    print_table(table, _PIPED_WIDTH)
