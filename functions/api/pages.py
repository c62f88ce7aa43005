"""A page of a list that grows: at most so many entries, and where the next page begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from functions.adapters.ports import Data
from functions.api.listing import Place, read_cursor, write_cursor


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and the cursor of the next page; empty at the end of the list."""

    entries: Sequence[Data]
    following: str = ""


def cut(entries: Sequence[Data], place: Callable[[Data], Place], values: dict[str, Any]) -> Page:
    """The page of a list that the parameters `cursor`, `limit`, `since` and `until` ask for.

    Args:
        entries: of the list, the newest first.
        place: of an entry.
        values: the parameters.
    """
    after, since, until = after_of(values), values.get("since"), values.get("until")
    found = [
        one
        for one in entries
        if (after is None or place(one) < after)
        and (since is None or place(one)[0] >= since)
        and (until is None or place(one)[0] < until)
    ]
    shown = found[: values["limit"]]
    return Page(shown, write_cursor(place(shown[-1])) if len(found) > len(shown) else "")


def after_of(values: dict[str, Any]) -> Place | None:
    """The place that the parameter `cursor` names; None where it is not given.

    Raises:
        BodyError: it is none of ours.
    """
    return read_cursor(values.get("cursor"), Place, "that of a header Link")
