"""`aia incidents` and `aia ack`: the incidents, one on a screen, and the answers of people, by the API."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from core.events import Severity, Verb
from functions.cli import complete, options
from functions.cli.api import HELP, login
from functions.cli.client import Client
from functions.cli.incident_text import print_incident, print_incidents

if TYPE_CHECKING:
    from functions.services.api_schemas.incidents import Accepted, FoundIncident, FoundIncidents

_STATES: Final = (*complete.LIVE, "resolved", "cancelled", "expired", "merged")
_PAGE: Final = 200
"""The most incidents that one answer of the API has."""
_VERBS: Final[Mapping[Verb, str]] = {
    Verb.ACKNOWLEDGE: "Acknowledge incident ID: you own it, and escalation stops.",
    Verb.TAKE_OVER: "Take over incident ID, or assign it to another person.",
    Verb.GIVE_BACK: "Give incident ID back: nobody has it any more, and escalation goes on.",
    Verb.MITIGATE: "Say that the impact of incident ID has ended.",
    Verb.RESOLVE: "Say that incident ID is over, even if something of it still fires.",
    Verb.CANCEL: "Say that incident ID is a false alarm: it is over, and in no figure.",
    Verb.REOPEN: "Say that incident ID is not over: people are notified again.",
    Verb.COMMENT: "Add a comment to the timeline of incident ID.",
    Verb.MERGE: "Make incident ID a part of another one.",
    Verb.SPLIT: "Take incident ID out of the one that a person had merged it into.",
}
"""What each verb of `core.incidents.commands` says, in the order of the help."""
_GIVE: Final[Mapping[Verb, Callable[[Client, str, Any], "Accepted"]]] = {
    Verb.ACKNOWLEDGE: Client.acknowledge_incident,
    Verb.TAKE_OVER: Client.take_over_incident,
    Verb.GIVE_BACK: Client.give_back_incident,
    Verb.MITIGATE: Client.mitigate_incident,
    Verb.RESOLVE: Client.resolve_incident,
    Verb.CANCEL: Client.cancel_incident,
    Verb.REOPEN: Client.reopen_incident,
    Verb.COMMENT: Client.comment_incident,
    Verb.MERGE: Client.merge_incident,
    Verb.SPLIT: Client.split_incident,
}
_MORE: Final[Mapping[Verb, Callable[[Any], Any]]] = {
    Verb.ACKNOWLEDGE: click.option(
        "--target", shell_complete=complete.targets, help="Acknowledge one firing target only, not the whole incident."
    ),
    Verb.TAKE_OVER: click.option("--to", metavar="PERSON", help="Who has it from now on; you, unless given."),
    Verb.MERGE: click.option(
        "--to", metavar="ID", required=True, shell_complete=complete.incidents, help="The incident that it belongs to."
    ),
}
"""The further option of a verb."""
_identifier = click.argument("identifier", metavar="ID", shell_complete=complete.incidents)


@click.group(invoke_without_command=True, epilog=f"{options.FAIL_STATUSES} {HELP}")
@options.url
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice((*_STATES, "all")),
    help="States to list; default: all that are not over. Repeatable.",
)
@click.option(
    "--severity",
    "severities",
    multiple=True,
    type=click.Choice([one.value for one in Severity]),
    help="The highest severity that it had. Repeatable.",
)
@click.option("--category", help="As in drift.")
@click.option("--target", metavar="PATTERN", help="One of its targets, as in model/*.")
@click.option("--person", help="Who has it, or did something about it; a part of the name.")
@click.option("--search", "q", metavar="WORDS", help="Words, all of which it says somewhere.")
@click.option(
    "--since", metavar="TIME", help="Opened within this time, as in 12h or 30d; of those over, 400 days at most."
)
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="Maximum number to list.")
@click.option("--fail", is_flag=True, help="Exit with 1 if a listed incident is not over.")
@options.as_json
@click.pass_context
def incidents(
    context: click.Context,
    /,
    *,
    url: str,
    states: tuple[str, ...],
    severities: tuple[str, ...],
    since: str | None,
    limit: int,
    fail: bool,
    as_json: bool,
    **texts: str | None,
) -> None:
    """List incidents, the most urgent first; show one, and answer for it."""
    context.obj = url
    if context.invoked_subcommand:
        return
    search = partial(
        Client(url).incident_search,
        limit=_PAGE,
        state=_STATES if "all" in states else states or complete.LIVE,
        severity=severities or None,
        since=since and (datetime.now(UTC) - options.length("--since", since)).isoformat(),
        **texts,
    )
    found = list(islice(_pages(search), limit + 1))
    if as_json:
        options.print_json(found[:limit])
    else:
        print_incidents(found[:limit], more=len(found) > limit)
    if fail and any(one["state"] in complete.LIVE for one in found):
        context.exit(options.FOUND_BAD)


def _pages(search: Callable[..., "FoundIncidents"]) -> Iterator["FoundIncident"]:
    """The incidents that match, page by page."""
    cursor: str | None = None
    while cursor != "":
        found = search(cursor=cursor)
        yield from found["incidents"]
        cursor = found["next"]


@incidents.command()
@_identifier
@options.as_json
@click.pass_obj
def show(url: str, identifier: str, *, as_json: bool) -> None:
    """Show incident ID on a screen: what, how bad, since when, what to do, who was notified."""
    found = Client(url).incident(identifier)
    if as_json:
        options.print_json(found)
    else:
        print_incident(found, url)


@click.command(epilog=f"{options.STATUSES} {HELP}")
@options.url
@_identifier
@_MORE[Verb.ACKNOWLEDGE]
@options.note
@options.as_json
def ack(url: str, identifier: str, *, target: str | None, note: str, as_json: bool) -> None:
    """Acknowledge incident ID: you own it, and escalation stops."""
    _give(url, Verb.ACKNOWLEDGE, identifier, target=target, note=note, as_json=as_json)


def _command(verb: Verb) -> click.Command:
    """The command of a verb."""

    def give(url: str, identifier: str, **given: Any) -> None:  # noqa: ANN401 - the options of the verb
        _give(url, verb, identifier, **given)

    note = options.why if verb is Verb.COMMENT else options.note
    for option in (options.as_json, note, *([_MORE[verb]] if verb in _MORE else ()), _identifier):
        give = option(give)
    return click.command(name=verb.value.replace("_", "-"), help=_VERBS[verb])(click.pass_obj(give))


def _give(url: str, verb: Verb, identifier: str, *, note: str, as_json: bool, **more: str | None) -> None:
    """Give a command about an incident."""
    body = {"by": login(), "note": note, **{name: value for name, value in more.items() if value}}
    found = _GIVE[verb](Client(url), identifier, body)
    if as_json:
        options.print_json(found)
    else:
        click.echo(f"{found['id']}: accepted; aia incidents show {identifier} has the outcome")


for _verb in _VERBS:
    incidents.add_command(_command(_verb))
