"""What the shell completes an argument with: ids and names that a running system has, by the API."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import click
from click.shell_completion import CompletionItem

from functions.cli.api import Answer, RefusedError, local
from functions.cli.client import Client

_PATIENCE_SECONDS = 2.0
"""A person waits for each answer with a key pressed."""
_MOST = 200
LIVE = ("open", "acknowledged", "mitigated")
"""The states of an incident that is not over."""
_T = TypeVar("_T")
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def incidents(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Ids of incidents, the most urgent first; of those that are over only where an id was begun."""
    found = _listed(context, () if begun else LIVE)
    return _items(((one["id"], f"{one['severity']}, {one['state']}: {one['title']}") for one in found), begun)


def waiting(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Ids of actions that await an answer."""
    found = _answer(context, Client.actions)
    listed = found["waiting"] if found else ()
    return _items(((one["id"], f"{one['action']} on {one['target']}") for one in listed), begun)


def actions(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of actions."""
    found = _answer(context, Client.actions)
    return _items(((name, "") for name in (found["automation"]["actions"] if found else ())), begun)


def silences(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Patterns that are silenced."""
    return _items(((one["pattern"], f"until {one['until']}") for one in _answer(context, Client.silences) or ()), begun)


def targets(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Targets of the incidents that are not over."""
    found = {target: one["title"] for one in _listed(context, LIVE) for target in one["targets"]}
    return _items(sorted(found.items()), begun)


def named(ask: Callable[[Client], Iterable[Answer]]) -> Complete:
    """Completes with the names of a list of the API."""

    def complete(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
        return _items(((one["name"], "") for one in _answer(context, ask) or ()), begun)

    return complete


def _items(listed: Iterable[tuple[str, str]], begun: str) -> list[CompletionItem]:
    return [CompletionItem(value, help=about or None) for value, about in listed if value.startswith(begun)]


def _listed(context: click.Context, states: Sequence[str]) -> Sequence[Answer]:
    """The incidents of the first page, in these states, or in all."""
    found = _answer(context, lambda client: client.incident_search(limit=_MOST, state=states or None))
    return found["incidents"] if found else ()


def _answer(context: click.Context, ask: Callable[[Client], _T]) -> _T | None:
    """What the API answers; None where it does not: who completes is told by the command itself."""
    try:
        return ask(Client(_url(context), _PATIENCE_SECONDS))
    except RefusedError:
        return None


def _url(context: click.Context | None) -> str:
    """The address that was given before the argument, to the command or its group."""
    while context is not None:
        if given := context.params.get("url"):
            return str(given)
        context = context.parent
    return local()
