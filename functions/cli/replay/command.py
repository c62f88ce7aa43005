"""`aia replay`: the command, its options and its exit status."""

import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from core.replay.compare import Comparison

FOUND, NO_VERDICT = 1, 3
FAILURES = ("any", "more-messages", "more-pages", "fewer-pages", "more-out-of-hours", "actions", "none")


class _RefusedError(click.ClickException):
    """What cannot be replayed: lines on stderr."""

    exit_code = 2


@click.command(
    epilog="Exit status: 0 when the replay was made; 2 when a file, an option or BigQuery is wrong, with the reason on stderr. "
    "With --fail-on: 1 when what it names was found, 3 when no finding of that time is kept, so that there is no verdict."
)
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="The settings to try, like infra/monitoring.yaml.",
)
@click.option("--since", default="30d", show_default=True, metavar="TIME", help="How far back, as in 12h or 30d.")
@click.option(
    "--warm-up",
    default="7d",
    show_default=True,
    metavar="TIME",
    help="What came so long before is replayed and not compared: it opened what was open then.",
)
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FILE", help="Read JSON lines instead of BigQuery."
)
@click.option("--save", type=click.Path(path_type=Path), metavar="FILE", help="Write what was read as JSON lines.")
@click.option(
    "--project",
    envvar="GOOGLE_CLOUD_PROJECT",
    metavar="NAME",
    help="The project of BigQuery.  [env var: GOOGLE_CLOUD_PROJECT]",
)
@click.option(
    "--hours",
    default="mon-fri 08:00-18:00",
    show_default=True,
    metavar="HOURS",
    help="When people are at work, in UTC; pages at other times are out of hours.",
)
@click.option(
    "--pages",
    multiple=True,
    metavar="CHANNEL",
    help="This channel pages a person, beside PagerDuty and those of people on call. Repeatable.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True, help="Output."
)
@click.option(
    "--fail-on",
    multiple=True,
    type=click.Choice(FAILURES),
    help="Exit with 1 when this was found: any difference, more messages, new pages, pages that would be gone, new pages out "
    "of hours, other actions. Repeatable.",
)
def replay(
    settings: Path,
    *,
    since: str,
    warm_up: str,
    source: Path | None,
    save: Path | None,
    project: str | None,
    hours: str,
    pages: tuple[str, ...],
    form: str,
    fail_on: tuple[str, ...],
) -> None:
    """Replay what happened with other settings: who would have been notified of what, and when.

    Decides anew on every finding, command and sweep of that time, as they are kept in BigQuery. Sends nothing and changes nothing.
    """
    from core.errors import AiaError  # noqa: PLC0415 - help and other commands need none of it
    from functions.cli.replay.run import Options, run  # noqa: PLC0415 - as above

    options = Options(
        settings=settings,
        since=since,
        warm_up=warm_up,
        source=source,
        save=save,
        project=project or "",
        hours=hours,
        pages=frozenset(pages),
        form=form,
    )
    try:
        found = run(options)
    except AiaError as error:
        raise _RefusedError(str(error)) from error
    sys.exit(_status(found, {*fail_on} - {"none"}))


def _status(comparison: "Comparison | None", wanted: Collection[str]) -> int:
    if comparison is None:
        return NO_VERDICT if wanted else 0
    return FOUND if any(_found(comparison, name) for name in wanted) else 0


def _found(comparison: "Comparison", name: str) -> bool:
    from core.replay.compare import Verdict  # noqa: PLC0415 - as above

    watch = comparison.watch
    new = [one.message for one in comparison.changed if one.verdict is Verdict.ADDED]
    gone = [one.message for one in comparison.changed if one.verdict is Verdict.REMOVED]
    actions = bool(comparison.new_requests or comparison.gone_requests)
    return {
        "any": bool(comparison.changed) or actions,
        "more-messages": len(comparison.would) > len(comparison.told),
        "more-pages": any(map(watch.is_page, new)),
        "fewer-pages": any(map(watch.is_page, gone)),
        "more-out-of-hours": any(map(watch.wakes, new)),
        "actions": actions,
    }[name]
