"""What all lists have in common: their pages, the cursor of the next one, and what is searched for."""

import base64
import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from core.errors import Fault
from functions.adapters.ports import Data
from functions.api.body import BodyError
from functions.api.parameters import Parameter, Text, is_within

MOST_WORDS = 10
LONGEST = 200
"""Characters of a text that is searched for."""
LAST = "\U0010ffff"
"""An id that comes after all others."""
WORDS: Final = Parameter("q", Text(LONGEST), f"Words, all of which it says somewhere; the first {MOST_WORDS} count.")
_SHOWN = 80
P = TypeVar("P", bound=tuple[Any, ...])


class Place(NamedTuple):
    """Where an entry is in a list whose newest entries are the first.

    Attributes:
        at: its instant.
        id: what tells it apart from others of that instant.
    """

    at: datetime
    id: str


def words(given: str | None) -> tuple[str, ...]:
    """The words of a text, in lower case.

    >>> words("Disk full")
    ('disk', 'full')
    """
    return tuple((given or "").lower().split()[:MOST_WORDS])


def write_cursor(place: tuple[Any, ...]) -> str:
    """The place after which the next page begins, as text for an address; opaque to whoever gets it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(given: str | None, kind: type[P]) -> P | None:
    """The place in a cursor; None where none is given, for the first page.

    Args:
        given: the cursor.
        kind: of the places of the list.

    Raises:
        BodyError: it is none of ours.
    """
    if not given:
        return None
    with contextlib.suppress(ValueError, OverflowError, msgspec.MsgspecError):
        place: P = msgspec.json.decode(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)), type=kind)
        if all(one.tzinfo and one.astimezone(UTC) for one in place if isinstance(one, datetime)):
            return place
    raise BodyError([Fault("cursor", "must be what `next` said", given[:_SHOWN])])


def next_cursor(found: Sequence[Data], most: int, place: Callable[[Data], tuple[Any, ...]]) -> str:
    """The cursor after the first `most` entries; empty where there are no more.

    Args:
        found: what was read, one more than a page has where there are more.
        most: entries of a page.
        place: of an entry.
    """
    return write_cursor(place(found[most - 1])) if len(found) > most else ""


def cut(entries: Sequence[Data], place: Callable[[Data], Place], values: Mapping[str, Any]) -> tuple[list[Data], str]:
    """The page of a list that the parameters `PAGED` and `RANGE` ask for, and the cursor of the next one.

    Args:
        entries: of the list, the newest first.
        place: of an entry.
        values: the parameters.

    Raises:
        BodyError: the cursor is none of ours.
    """
    after = read_cursor(values["cursor"], Place)
    found = [one for one in entries if (after is None or place(one) < after) and is_within(place(one).at, values)]
    return found[: values["limit"]], next_cursor(found, values["limit"], place)


def like(pattern: str | None) -> str:
    r"""A pattern of targets as LIKE has it; everything where it is empty.

    >>> like("model/*"), like("a_b"), like("")
    ('model/%', 'a\\_b', '%')
    """
    return re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%") if pattern else "%"
