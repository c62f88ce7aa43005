"""A page of a list that grows: at most so many entries, and where the next page begins."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from core.errors import Fault
from functions.adapters.ports import Data
from functions.api.body import BodyError

Place = tuple[datetime, str]
"""Where an entry is in a list: its instant and its id; the newest are the first."""


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
    return Page(shown, spelt(place(shown[-1])) if len(found) > len(shown) else "")


def spelt(place: Place) -> str:
    """A cursor: opaque to whoever gets it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def after_of(values: dict[str, Any]) -> Place | None:
    """The place that the parameter `cursor` names; None where it is not given.

    Raises:
        BodyError: it is none of ours.
    """
    given: str | None = values.get("cursor")
    if given is None:
        return None
    try:
        data = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        at, key = msgspec.json.decode(data, type=Place)
    except (ValueError, msgspec.MsgspecError, UnicodeError) as error:
        raise BodyError([Fault("cursor", "must be that of a header Link", given[:80])]) from error
    if at.tzinfo is None:
        raise BodyError([Fault("cursor", "must be that of a header Link", given[:80])])
    return at, key
