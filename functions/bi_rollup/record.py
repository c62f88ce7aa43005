"""The figures of each day, written down: what charts of the past and reports are made from."""

from collections.abc import Sequence
from datetime import datetime

from functions.bi_rollup.figures import Made, load
from functions.bi_rollup.ports import FigureRow
from functions.bi_rollup.rollup import Outside, Part
from functions.bi_rollup.spans import DAY, floor

NAME = "record"


def make(parts: Sequence[Part], outside: Outside, due: datetime, before: Made | None) -> Made:
    """Write what each part makes first on a day, when it is made; mostly that is the first tick of the day.

    Args:
        parts: those that are written down.
        outside: what is read and written.
        due: the instant.
        before: what was made last: it says whose figures of the day are written.
    """
    day = floor(due, DAY)
    noted = {name: at for name, at in before.noted.items() if at == day} if before else {}
    new = {
        part.name: made
        for part in parts
        if part.name not in noted and (made := load(outside.store, part.name)) and _of_today(made, part, due)
    }
    if rows := [row for made in new.values() for row in _rows(made)]:
        outside.tables.write_figures(day, rows)
    return Made(due=due, noted=noted | dict.fromkeys(new, day))


def _of_today(made: Made, part: Part, due: datetime) -> bool:
    """Whether a part is made as far as it is due, on the same day."""
    return made.due >= part.due(due) and floor(made.due, DAY) == floor(due, DAY)


def _rows(made: Made) -> list[FigureRow]:
    return [
        FigureRow(measured_at=made.due, name=one.name, labels=one.spelt, value=float(one.value))
        for one in (*made.figures, *made.reach)
    ]
