"""The figures of each day, written down: what charts of the past and reports are made from."""

from collections.abc import Sequence
from datetime import datetime

from functions.adapters.ports import Data
from functions.bi_rollup import statements
from functions.bi_rollup.figures import Made, load
from functions.bi_rollup.rollup import Outside

NAME = "record"


def make(parts: Sequence[str], outside: Outside, due: datetime, _: Made | None) -> Made:
    """Write what the parts have made since the day before, at the first tick of a day."""
    if rows := [row for part in parts for row in _rows(load(outside.store, part), due)]:
        outside.warehouse.query(statements.WRITE_FIGURES, day=due, figures=rows)
    return Made(due=due)


def _rows(made: Made | None, due: datetime) -> list[Data]:
    """One row a figure; of a part that has made nothing since the record before, none."""
    if made is None or made.due < due:
        return []
    return [
        {"measured_at": made.due, "name": one.name, "labels": one.spelt, "value": float(one.value)}
        for one in (*made.figures, *made.reach)
    ]
