"""What the shell completes an argument with: ids and names that a running system has, by the API."""

from collections.abc import Callable, Iterable
from typing import Any

import click
from click.shell_completion import CompletionItem

from functions.cli.api import Json, RefusedError, call, local
from functions.cli.endpoints import path

_PATIENCE_SECONDS = 2.0
"""A person waits for each answer with a key pressed."""
_MOST = 200
LIVE = ("open", "acknowledged", "mitigated")
"""The states of an incident that is not over."""
Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def incidents(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Ids of incidents, the most urgent first; of those that are over only where an id was begun."""
    found = _listed(context, () if begun else LIVE)
    return _items(((one["id"], f"{one['severity']}, {one['state']}: {one['title']}") for one in found), begun)


def waiting(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Ids of actions that await an answer."""
    found = _answer(context, path("actions"))
    listed = found["waiting"] if found else ()
    return _items(((one["id"], f"{one['action']} on {one['target']}") for one in listed), begun)


def actions(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Names of actions."""
    found = _answer(context, path("actions"))
    return _items(((name, "") for name in (found["automation"]["actions"] if found else ())), begun)


def silences(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Patterns that are silenced."""
    return _items(((one["pattern"], f"until {one['until']}") for one in _answer(context, path("silences"))), begun)


def targets(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
    """Targets of the incidents that are not over."""
    found = {target: one["title"] for one in _listed(context, LIVE) for target in one["targets"]}
    return _items(sorted(found.items()), begun)


def named(*parts: str) -> Complete:
    """Completes with the names of a list of the API."""

    def complete(context: click.Context, _argument: click.Parameter, begun: str) -> list[CompletionItem]:
        return _items(((one["name"], "") for one in _answer(context, path(*parts))), begun)

    return complete


def _items(listed: Iterable[tuple[str, str]], begun: str) -> list[CompletionItem]:
    return [CompletionItem(value, help=about or None) for value, about in listed if value.startswith(begun)]


def _listed(context: click.Context, states: Iterable[str]) -> list[Json]:
    """The incidents of the first page, in these states, or in all."""
    found = _answer(context, path("incidents", "search", limit=_MOST, state=",".join(states) or None))
    listed: list[Json] = found["incidents"] if found else []
    return listed


def _answer(context: click.Context, address: str) -> Any:  # noqa: ANN401 - any JSON value
    """What the API answers; nothing where it does not: who completes is told by the command itself."""
    try:
        return call(_url(context), "GET", address, patience=_PATIENCE_SECONDS)
    except RefusedError:
        return []


def _url(context: click.Context | None) -> str:
    """The address that was given before the argument, to the command or its group."""
    while context is not None:
        if given := context.params.get("url"):
            return str(given)
        context = context.parent
    return local()
