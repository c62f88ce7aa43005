"""What the parameters of all lists have in common: texts, choices, instants, the size of a page, and the cursor of the next one."""

import base64
import binascii
import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec
from werkzeug.exceptions import BadRequest

from functions.api.request import Request

MOST = 200
"""Lines of a page."""
MOST_WORDS = 10
_LONGEST = 200
"""Characters of a text."""
_SHOWN = 80
P = TypeVar("P", bound=tuple[Any, ...])


def text(request: Request, name: str) -> str:
    """A text; empty where none is given.

    Raises:
        BadRequest: it is invalid; the same for the others.
    """
    given = request.args.get(name, "").strip()
    if len(given) > _LONGEST or not given.isprintable():
        raise BadRequest(f"{name}: must be at most {_LONGEST} printable characters, got {given[:_SHOWN]!r}")
    return given


def words(request: Request, name: str) -> tuple[str, ...]:
    """The words of a text, in lower case."""
    return tuple(text(request, name).lower().split()[:MOST_WORDS])


def choices(request: Request, name: str, allowed: Sequence[str]) -> list[str]:
    """Some of what is allowed, by commas; none where none is given."""
    given = [one for one in request.args.get(name, "").split(",") if one]
    for one in given:
        if one not in allowed:
            raise BadRequest(f"{name}: must be one of {', '.join(allowed)}, got {one[:_SHOWN]!r}")
    return given


def instant(request: Request, name: str) -> datetime | None:
    """An instant, or the start of a day in UTC; None where none is given."""
    given = request.args.get(name, "")
    if not given:
        return None
    try:
        at = datetime.fromisoformat(given)
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{name}: must be a day or an instant, as 2026-03-01, got {given[:_SHOWN]!r}") from error


def limit(request: Request) -> int:
    """How many lines a page has at most."""
    given = request.args.get("limit", "50")
    if not (given.isascii() and given.isdigit() and len(given) <= len(str(MOST)) and 1 <= int(given) <= MOST):
        raise BadRequest(f"limit: must be 1 to {MOST}, got {given[:_SHOWN]!r}")
    return int(given)


def write_cursor(place: tuple[Any, ...]) -> str:
    """The place after which the next page begins, as text for an address."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read_cursor(request: Request, kind: type[P]) -> P | None:
    """The place in the cursor; None where none is given, for the first page."""
    given = request.args.get("cursor", "")
    if not given:
        return None
    place: P | None = None
    with contextlib.suppress(ValueError, binascii.Error, msgspec.MsgspecError):
        place = msgspec.json.decode(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)), type=kind)
    if place is None or any(isinstance(one, datetime) and one.tzinfo is None for one in place):
        raise BadRequest(f"cursor: must be what `next` said, got {given[:_SHOWN]!r}")
    return place


def like(pattern: str) -> str:
    r"""A pattern of targets as LIKE has it; everything where it is empty.

    >>> like("model/*"), like("a_b"), like("")
    ('model/%', 'a\\_b', '%')
    """
    return re.sub(r"([\\%_])", r"\\\1", pattern).replace("*", "%") if pattern else "%"
