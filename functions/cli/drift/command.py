"""`aia drift`: the command, its options and its exit status."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core.statistics import DEFAULT, STATISTICS

if TYPE_CHECKING:
    from functions.cli.drift.comparison import Comparison

DRIFT, NO_VERDICT = 1, 3
FAILURES = ("drift", "quality", "joint", "none")


class _RefusedError(click.ClickException):
    """What can not be compared: one line on stderr."""

    exit_code = 2


@click.command(
    epilog="Exit status: 0 when the comparison was made; 2 when a file or an option is wrong, with one line on stderr. "
    "With --fail-on: 1 when what it names was found, 3 when there is no verdict on drift, or none on a feature: too few rows, absent, or of another type."
)
@click.argument("reference", type=click.Path(path_type=Path))
@click.argument("current", type=click.Path(path_type=Path))
@click.option("--by", metavar="COLUMN", help="Also say which values of this column carry the drift.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write a page with the distributions.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(FAILURES),
    help="Exit with 1 when this was found: drift of a feature, a data quality issue, joint drift. Repeatable.",
)
@click.option("--fail", is_flag=True, help="The same as --fail-on drift --fail-on joint.")
@click.option(
    "--categorical", multiple=True, metavar="NAME", help="Treat the numbers of this column as categories. Repeatable."
)
@click.option(
    "--numeric", multiple=True, metavar="NAME", help="Compare this column even if it looks like ids. Repeatable."
)
@click.option("--ignore", multiple=True, metavar="NAME", help="Leave this column out. Repeatable.")
@click.option(
    "--statistic",
    "statistics",
    multiple=True,
    type=click.Choice(list(STATISTICS)),
    default=DEFAULT,
    show_default=True,
    help="Show this statistic. Repeatable.",
)
@click.option("--shift", type=float, metavar="SD", help="Smallest shift that counts as drift, in sd.  [default: 0.07]")
@click.option("--minimum-rows", type=int, metavar="N", help="Minimum number of rows for a verdict.  [default: 30]")
def drift(
    reference: Path,
    current: Path,
    *,
    by: str | None,
    html: Path | None,
    as_json: bool,
    fail_on: tuple[str, ...],
    fail: bool,
    categorical: tuple[str, ...],
    numeric: tuple[str, ...],
    ignore: tuple[str, ...],
    statistics: tuple[str, ...],
    shift: float | None,
    minimum_rows: int | None,
) -> None:
    """Compare two CSV or parquet files: which columns of CURRENT have drifted from REFERENCE.

    Needs no cloud and no settings. A column has drifted when its change is significant and exceeds the threshold.
    """
    from core.errors import AiaError  # noqa: PLC0415 - help and other commands need none of it
    from functions.cli.drift.match import Choice  # noqa: PLC0415 - as above
    from functions.cli.drift.run import run  # noqa: PLC0415 - as above

    choice = Choice(
        categorical=frozenset(categorical),
        numeric=frozenset(numeric),
        ignore=frozenset(ignore),
        by=by,
        statistics=statistics,
    )
    limits = {"shift": shift, "minimum_rows": minimum_rows}
    try:
        comparison = run(
            reference,
            current,
            choice=choice,
            limits={name: limit for name, limit in limits.items() if limit is not None},
            html=html,
            as_json=as_json,
        )
    except AiaError as error:
        raise _RefusedError(str(error)) from error
    sys.exit(_status(comparison, {*fail_on, *(("drift", "joint") if fail else ())} - {"none"}))


def _status(comparison: "Comparison", wanted: Collection[str]) -> int:
    report = comparison.report
    found = {"drift": bool(report.drifted), "joint": report.joint_drifted, "quality": bool(comparison.issues)}
    if any(found[name] for name in wanted):
        return DRIFT
    return NO_VERDICT if not comparison.complete and {"drift", "joint"} & {*wanted} else 0
