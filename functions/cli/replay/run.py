"""What the command does: read, replay, compare, and print."""

import os
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from rich.console import Console

from core.incidents.policy import incident_policy
from core.replay.compare import Comparison, PagePolicy, compare
from core.replay.engine import replay
from core.replay.inputs import Input, span
from core.settings.people import Hours, People, weekdays
from core.settings.values import duration
from functions.cli.replay.page import page
from functions.cli.replay.read import ReplayError, from_file, from_warehouse, save
from functions.cli.replay.settings import load
from functions.cli.replay.summary import Header, to_json
from functions.cli.replay.text import print_comparison
from functions.services.incidents.kept_decisions import Row, inputs

_PIPED_WIDTH = 160
_TIME = r"(?:[01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"(?:(?P<days>[a-z-]+) )?(?P<since>{_TIME})-(?P<until>{_TIME})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of the command."""

    settings: Path
    since: str
    warm_up: str
    source: Path | None
    save: Path | None
    project: str
    hours: str
    pages: frozenset[str]
    form: str


def run(options: Options) -> Comparison | None:
    """Replay and print the comparison; None where no finding of that time is kept.

    Raises:
        ReplayError: an option or what was kept is wrong.
        SettingsError: the settings are wrong.
        UnavailableError: BigQuery does not answer.
    """
    back, before, hours = _length("since", options.since), _length("warm-up", options.warm_up), working(options.hours)
    settings, pagers = load(options.settings)
    rows = _rows(options, back + before)
    found = inputs(rows)
    if options.save:
        save(rows, options.save)
    times = span(found)
    if times is None:
        print("no decision of that time is kept", file=sys.stderr)
        return None
    since = max(times[0], times[1] - back) if options.source else max(times[0], datetime.now(UTC) - back)
    kept = [one for one in found if one.decided_at >= since - before]
    replayed = replay(kept, incident_policy(settings, ""))
    watch = PagePolicy(pagers=pagers | options.pages, hours=hours)
    comparison = compare(kept, replayed, watch, since=since)
    header = Header(
        settings=str(options.settings),
        since=since,
        until=times[1],
        kept_since=times[0],
        findings=replayed.findings,
        skipped=replayed.skipped,
    )
    _print(options.form, header, comparison, settings.people)
    return comparison if any(_is_compared(one, since) for one in kept) else None


def working(text: str) -> Hours:
    """Working hours.

    Raises:
        ReplayError: it is not of the form `mon-fri 08:00-18:00`.

    >>> working("mon-fri 08:00-18:00").since, sorted(working("sat 09:00-12:00").days)
    (datetime.time(8, 0), [5])
    """
    found = _HOURS.fullmatch(text)
    days = weekdays(found["days"] or "mon-sun") if found else None
    if found is None or days is None:
        raise ReplayError(f"--hours: must be as in mon-fri 08:00-18:00, got {text!r}")
    return Hours(since=time.fromisoformat(found["since"]), until=time.fromisoformat(found["until"]), days=days)


def _length(name: str, text: str) -> timedelta:
    length = duration(text)
    if length is None or length < timedelta(0):
        raise ReplayError(f"--{name}: must be a time, as in 12h or 30d, got {text!r}")
    return length


def _rows(options: Options, back: timedelta) -> list[Row]:
    if options.source:
        return from_file(options.source)
    if not options.project:
        raise ReplayError("--project: must be given, or GOOGLE_CLOUD_PROJECT, where there is no --from")
    from functions.adapters.warehouse import open_warehouse  # noqa: PLC0415 - a file needs no client of Google

    now = datetime.now(UTC)
    return from_warehouse(open_warehouse(options.project), now - back, now)


def _is_compared(one: Input, since: datetime) -> bool:
    return one.kind == "finding" and one.decided_at >= since


def _print(form: str, header: Header, comparison: Comparison, people: People) -> None:
    if form == "json":
        print(to_json(header, comparison, people))
    elif form == "html":
        print(page(header, comparison, people))
    else:
        piped = not sys.stdout.isatty() and "COLUMNS" not in os.environ
        print_comparison(header, comparison, people, Console(width=_PIPED_WIDTH if piped else None, highlight=False))
