"""`aia backup` and `aia restore`: a backup at once, and the way back; straight to BigQuery and to the store, without the API."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click

from core.instants import stamp
from functions.cli import options
from functions.cli.api import RefusedError

if TYPE_CHECKING:
    from core.maintenance.backup import Manifest
    from functions.runtime.ports import Ports
    from functions.services.backups.restore import Restorer
    from functions.services.steps import Step

_LEASE = timedelta(minutes=10)
"""How long nobody else may go on after a step has begun: longer than one takes, since what was killed is waited for as long."""
_NAME = "maintenance"
_HELP = (
    "GOOGLE_CLOUD_PROJECT is the project and AIA_STORE the store, as the functions have them (docs/maintenance.md says which they are on one "
    "machine). Both may be ended and started again at any step."
)


@click.command(epilog=_HELP)
@click.option("--list", "listed", is_flag=True, help="List the backups instead.")
def backup(*, listed: bool) -> None:
    """Back up the tables of ops and marts and the documents of the store now, and compare what can be restored of it."""
    with _Faults():
        ports = _ports()
        if listed:
            _list(ports)
            return
        from functions.services.backups.make import Backups  # noqa: PLC0415 - help needs none of it

        at = datetime.now(UTC).replace(microsecond=0)
        backups = Backups(store=ports.store, warehouse=ports.warehouse, clock=ports.clock)
        _alone(ports, ("backup",), lambda: backups.steps(at))
        click.echo(f"backup of {stamp(at)}: made, restored into scratch tables, and equal")


@click.command(epilog=_HELP)
@click.option(
    "--at", "instant", metavar="INSTANT", help="The newest backup of that instant or before it.  [default: now]"
)
@click.option("--verify", is_flag=True, help="Only compare: change nothing but scratch tables.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def restore(*, instant: str | None, verify: bool, yes: bool) -> None:
    """Restore a backup: tables and documents are what they were then; claims, halts and actions stay as they are.

    All of it is restored into scratch tables and compared first; until then nothing changes. What was begun is finished by the same
    command, or by the function maintenance.
    """
    with _Faults():
        from functions.services.backups import manifests  # noqa: PLC0415 - help needs none of it
        from functions.services.backups.make import Backups  # noqa: PLC0415 - as above
        from functions.services.backups.restore import Restorer  # noqa: PLC0415 - as above

        ports = _ports()
        manifest = manifests.newest(ports.warehouse, _instant(instant))
        said = f"backup of {stamp(manifest.at)}"
        if verify:
            backups = Backups(store=ports.store, warehouse=ports.warehouse, clock=ports.clock)
            _alone(ports, ("backup",), lambda: backups.verification(manifest.at))
            click.echo(f"{said}: restored into scratch tables, and equal")
            return
        if not yes:
            options.confirm(f"Replace {len(manifest.tables)} tables and all documents by the {said}?", "restored")
        restorer = Restorer(store=ports.store, warehouse=ports.warehouse, clock=ports.clock)
        withheld: list[str] = []
        # A backup that is made meanwhile would be of two times.
        _alone(ports, ("backup", "restore"), lambda: _restore(restorer, manifest, withheld))
        click.echo(f"{said}: restored")
        for key in withheld:
            click.echo(f"not sent, because nobody knows whether it was since: {key}", err=True)


class _Faults:
    """Errors of ours as one line on stderr."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from core.errors import AiaError  # noqa: PLC0415 - help needs none of it

        if isinstance(error, AiaError):
            raise RefusedError(str(error)) from error


def _ports() -> "Ports":
    from functions.runtime.ports import Ports  # noqa: PLC0415 - help needs none of it

    for name in ("GOOGLE_CLOUD_PROJECT", "AIA_STORE"):
        if not os.environ.get(name):
            raise RefusedError(f"{name}: must be set in the environment")
    return Ports(_NAME)


def _alone(ports: "Ports", names: Sequence[str], steps: Callable[[], "Iterator[Step]"]) -> None:
    """Do the steps while nobody else does any of what is named, neither the function nor another person."""
    from core.errors import BusyError  # noqa: PLC0415 - help needs none of it

    with ExitStack() as claims:
        try:
            renewals = [claims.enter_context(ports.ledger.held(f"{_NAME}:{name}", lease=_LEASE)) for name in names]
        except BusyError as error:
            raise RefusedError(f"another backup or restore runs, or was killed: {error}; try again then") from error
        for step in steps():
            for renew in renewals:
                renew()
            said = step.run()
            click.echo(f"{step.name}{': ' if said else ''}{said}")


def _restore(restorer: "Restorer", manifest: "Manifest", withheld: list[str]) -> "Iterator[Step]":
    restorer.begin(manifest)
    yield from restorer.steps(manifest)
    withheld += restorer.finish()


def _list(ports: "Ports") -> None:
    from functions.cli.screen import print_table, table_of  # noqa: PLC0415 - help needs none of it
    from functions.services.backups import manifests  # noqa: PLC0415 - as above

    table = table_of("made for", "status", "tables", "rows", "documents", "detail")
    for one in manifests.read(ports.warehouse):
        rows = sum(table.rows for table in one.manifest.tables)
        numbers = (str(number) for number in (len(one.manifest.tables), rows, one.manifest.documents))
        table.add_row(stamp(one.manifest.at), one.status.value, *numbers, one.detail or "")
    print_table(table)


def _instant(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise RefusedError(f"--at: must be an instant, as in 2026-01-02T01:00:00Z, got {text!r}") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)
