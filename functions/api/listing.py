"""What all lists have in common: the size of a page, the cursor of the next one, and what is searched for."""

import base64
import contextlib
import re
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from core.errors import Fault
from functions.api.body import BodyError
from functions.api.parameters import Parameter, Text, Whole

LINES: Final = Parameter("limit", Whole(1, 200), "How many at most.", 50)
"""Of a page."""
MOST_WORDS = 10
LONGEST = 200
"""Characters of a text that is searched for."""
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


def read_cursor(given: str | None, kind: type[P], source: str = "what `next` said") -> P | None:
    """The place in a cursor; None where none is given, for the first page.

    Args:
        given: the cursor.
        kind: of the places of the list.
        source: where a client has it from.

    Raises:
        BodyError: it is none of ours.
    """
    if not given:
        return None
    with contextlib.suppress(ValueError, OverflowError, msgspec.MsgspecError):
        place: P = msgspec.json.decode(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)), type=kind)
        if all(one.tzinfo and one.astimezone(UTC) for one in place if isinstance(one, datetime)):
            return place
    raise BodyError([Fault("cursor", f"must be {source}", given[:_SHOWN])])


def like(pattern: str | None) -> str:
    r"""A pattern of targets as LIKE has it; everything where it is empty.

    >>> like("model/*"), like("a_b"), like("")
    ('model/%', 'a\\_b', '%')
    """
    return re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%") if pattern else "%"
