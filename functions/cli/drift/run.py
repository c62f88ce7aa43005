"""What the command does: compare, and tell it in the terminal, as JSON and on a page."""

import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from core.drift import ProfileError, Thresholds
from functions.cli.drift.comparison import Comparison
from functions.cli.drift.match import Choice
from functions.cli.drift.page import page
from functions.cli.drift.read import FileError
from functions.cli.drift.record import to_json
from functions.cli.drift.table import print_comparison
from functions.cli.drift.text import show

_PIPED_WIDTH = 140


def run(
    reference: Path,
    current: Path,
    *,
    choice: Choice,
    limits: Mapping[str, Any],
    html: Path | None,
    as_json: bool,
) -> Comparison:
    """Compare two files and tell it.

    Args:
        reference: CSV or parquet.
        current: CSV or parquet.
        choice: of columns.
        limits: fields of `Thresholds` that are not as they are by default.
        html: where the page goes, or None.
        as_json: whether JSON is printed instead of the table.

    Raises:
        FileError: a file can not be read or written, the two can not be compared, or an option is out of its range.
        ProfileError: a column holds what can not be counted.
    """
    comparison = Comparison.of(reference, current, choice, _thresholds(limits))
    if html:
        _write(html, comparison)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    if as_json:
        print(to_json(comparison))
    else:
        piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
        console = Console(width=_PIPED_WIDTH if piped else None, highlight=False)
        print_comparison(comparison, console)
    if html:
        print(f"page: {show(html)}", file=sys.stderr)
    return comparison


def _thresholds(limits: Mapping[str, Any]) -> Thresholds:
    """Those of the options; errors name the option."""
    try:
        return Thresholds(**limits)
    except ProfileError as error:
        name, _, fault = str(error).partition(":")
        raise FileError(f"--{name.replace('_', '-')}:{fault}") from error


def _write(path: Path, comparison: Comparison) -> None:
    for source in (comparison.reference, comparison.current):
        if path.resolve() == source.resolve():
            raise FileError(f"--html: must be another file than the two compared, got {show(path)}")
    try:
        path.write_text(page(comparison), encoding="utf-8")
    except OSError as error:
        raise FileError(f"--html: {show(path)} can not be written: {error.strerror}") from error
