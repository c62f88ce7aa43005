"""What `aia watch` says of a log before it loads it."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from core.onboarding import Schedule
from functions.cli.drift.text import several, show
from functions.cli.watch.log import Log
from functions.cli.watch.settings import LABEL

_LISTED: Final = 12


def told(log: Log, settings: Mapping[str, Any], schedule: Schedule) -> Iterator[str]:
    """The lines: what each column is, what is left out and why, the reference and the windows."""
    rows, first, last = int(log.hours.rows.sum()), log.hours.first, log.hours.last
    yield f"rows        {rows:,} of {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} (UTC), by {show(log.timestamp)}"
    for kind in ("numeric", "categorical"):
        names = settings["features"][kind]
        if names:
            yield f"{kind:<12}{len(names)}: {several(names)}"
    yield f"score       {show(log.score)}"
    if log.label and settings.get("label", {}).get("column") == LABEL:
        yield f"label       {show(log.label)}, task {settings['task']}"
    for name, why in list(log.roles.left_out.items())[:_LISTED]:
        yield f"left out    {show(name, limit=60)}: {why}"
    if (more := len(log.roles.left_out) - _LISTED) > 0:
        yield f"left out    {more} more"
    yield f"row         {'by ' + show(log.row_id) if log.row_id else 'by its contents: no column identifies it'}"
    for note in log.notes:
        yield f"note        {show(note, limit=200)}"
    yield from _reference(settings, schedule)


def _reference(settings: Mapping[str, Any], schedule: Schedule) -> Iterator[str]:
    until, days = schedule.until, schedule.days
    start = until - timedelta(days=days)
    yield f"reference   {start} to {until}, {schedule.reference_rows:,} rows (--reference-until DAY moves its end)"
    yield f"windows     {settings['window']} each, {len(schedule.ends)} of the past; a verdict needs {settings['minimum_rows']} rows"
