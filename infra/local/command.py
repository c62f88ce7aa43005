"""`aia local` and `aia demo`: the options of the two commands."""

import sys
from pathlib import Path

import click

from infra.local.ports import PUBLIC

_no_training = click.option(
    "--no-training", is_flag=True, help="Train nothing: requests to train a model are only stored."
)
_TRAINED_DAYS = 40
"""The least history of which weeks are left to train on, before those that choose a version and those that compare it."""
_VARIABLES = ", ".join(f"{variable} ({name}, {port})" for name, (variable, port) in PUBLIC.items())


@click.command(epilog=f"Ports, and the variables that move them: {_VARIABLES}.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path(".aia"),
    envvar="AIA_DATA",
    show_default=True,
    help="Folder of all data; existing data is kept and continued.",
)
@click.option(
    "--days",
    type=click.IntRange(1, 306),
    default=306,
    show_default=True,
    help="How many days of history there are at the first start.",
)
@click.option(
    "--separate",
    multiple=True,
    metavar="FUNCTION",
    help="Run this function in a process of its own, as deployed; may be repeated. `all` for every one.",
)
@click.option(
    "--set-aside", is_flag=True, help="Move corrupt data files to a folder next to the data, and start without them."
)
@click.option("--no-mlflow", is_flag=True, help="Do not start MLflow, where it is installed.")
@click.option(
    "--store", metavar="ADDRESS", help="Keep documents in this store, not in a file of the data; as AIA_STORE."
)
@_no_training
def local(
    *,
    data: Path,
    days: int,
    separate: tuple[str, ...],
    set_aside: bool,
    no_mlflow: bool,
    store: str | None,
    no_training: bool,
) -> None:
    """Run the whole system on this machine, without a cloud account.

    Starts everything, with the history of a real model behind it, and serves the pages until Ctrl-C.
    """
    from infra.local.run import run  # noqa: PLC0415 - help needs none of it
    from infra.local.stack import FUNCTIONS  # noqa: PLC0415 - the same

    if unknown := {*separate} - {"all", *FUNCTIONS}:
        raise click.UsageError(f"--separate: must be all or one of {', '.join(FUNCTIONS)}, got {min(unknown)!r}")

    if store:
        _require_address(store)
    parts = {"with_mlflow": not no_mlflow, "with_training": not no_training}
    apart = FUNCTIONS if "all" in separate else separate
    sys.exit(run(data, days, separate=apart, set_aside=set_aside, store=store, **parts))


def _require_address(store: str) -> None:
    from functions.adapters.stores import open_store  # noqa: PLC0415 - as above

    try:
        open_store(store, "")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--store") from error


@click.command()
@click.option(
    "--days",
    type=click.IntRange(14, 306),
    default=53,
    show_default=True,
    help="How many days of history there are at the first start; retraining takes 60 with the week before them.",
)
@click.option(
    "--keep", type=click.Path(file_okay=False, path_type=Path), help="Keep the data and the logs in this folder."
)
@_no_training
def demo(days: int, keep: Path | None, *, no_training: bool) -> None:
    """Run the main job once, check every step of it, and say what happened.

    Starts the system on free ports in a temporary folder, acknowledges the incident of a real model, waits for the outcome and stops. Exits
    with 1 and says what did not happen when a step is missing.
    """
    from infra.local.demo import demo as run_demo  # noqa: PLC0415 - as above

    if days < _TRAINED_DAYS and not no_training:
        raise click.BadParameter(f"must be at least {_TRAINED_DAYS} with a training, got {days}", param_hint="--days")

    sys.exit(run_demo(days, keep, with_training=not no_training))
