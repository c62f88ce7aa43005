"""Bodies of commands: a small JSON object, decoded strictly; all faults are reported at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from core.errors import AiaError, Fault
from core.incidents.routing import LONGEST_SILENCE
from core.instants import read_instant
from core.text import LINE_LIMIT
from core.versions.version import LONGEST_NAME as LONGEST_VERSION
from functions.adapters import repeated_keys
from functions.api.request import Request
from functions.services.api_schemas.bodies import LONGEST_NAME, LONGEST_NOTE, LONGEST_SUBJECT

LARGEST = 16_384
"""Bytes of a body."""
MOST_NAMES = 50
INSTANT = "an instant with its time zone, as in 2026-01-02T12:00:00Z"
_TYPE = "application/json"
_SHOWN = 80


class BodyError(AiaError):
    """The body is invalid; `faults` lists every reason, and `more` is what the answer says besides them."""

    def __init__(self, faults: list[Fault], **more: str) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults
        self.more = more


@dataclass(slots=True)
class Fields:
    """Reads the fields of a body and collects their faults; `check` raises them."""

    body: Mapping[str, Any]
    signed_in: str
    verified: bool = False
    faults: list[Fault] = field(default_factory=list)

    def only(self, *known: str) -> None:
        """No other fields are allowed."""
        for name in self.body:
            if name not in known:
                self.fault(name[:_SHOWN], f"must be one of {', '.join(known)}", name)

    def by(self) -> str:
        """The author: the signed-in person, or else the one named in the body."""
        return self.signed_in or self._text("by", least=1, most=LONGEST_NAME)

    def note(self) -> str:
        """Why, in one line; it need not be given."""
        return self._text("note", least=0, most=LONGEST_NOTE)

    def reason(self) -> str:
        """Why, in one line, where it must be given."""
        return self._text("note", least=1, most=LONGEST_NOTE)

    def version(self) -> str:
        """A version of a model; it need not be given."""
        return self._text("version", least=0, most=LONGEST_VERSION)

    def comment(self) -> None:
        """The note is what is said: it must be given, and short enough for the timeline to keep all of it."""
        note, most = self.note(), LINE_LIMIT - len(f"{self.by()}: ".encode())
        if not 1 <= len(note.encode()) <= most:
            self.fault("note", f"must be 1 to {most} bytes to comment", note)

    def recipient(self) -> str:
        """Who takes an incident over; it need not be given."""
        return self._text("to", least=0, most=LONGEST_NAME)

    def target(self) -> str:
        """The one target of an incident that is acknowledged; it need not be given."""
        return self._text("target", least=0, most=LONGEST_SUBJECT)

    def other_incident(self, incident_id: str) -> str:
        """The id of the incident that another one is to be merged into."""
        to = self._text("to", least=1, most=LONGEST_SUBJECT)
        if to == incident_id:
            self.fault("to", "must be the id of another incident", to)
        return to

    def pattern(self) -> str:
        """A pattern of targets."""
        given = self.body.get("pattern")
        text = given.strip() if isinstance(given, str) else ""
        if not text or not text.isprintable() or text.startswith("__") or len(text.encode()) > LONGEST_SUBJECT:
            allowed = f"must be 1 to {LONGEST_SUBJECT} bytes of printable text, not starting with '__'"
            self.fault("pattern", allowed, given)
        return text

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of some texts."""
        given = self.body.get(name)
        if not isinstance(given, str) or given not in allowed:
            self.fault(name, f"must be one of {', '.join(allowed)}", given)
            return ""
        return given

    def flag(self, name: str) -> bool:
        """Whether something is so; it need not be given."""
        given = self.body.get(name, False)
        if not isinstance(given, bool):
            self.fault(name, "must be true or false", given)
        return given is True

    def named(self, name: str) -> str:
        """A name of a field, which must be given."""
        return self._text(name, least=1, most=LONGEST_NAME)

    def whole(self, name: str, *, least: int, most: int, default: int) -> int:
        """A whole number; it need not be given."""
        given = self.body.get(name, default)
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            self.fault(name, f"must be a whole number, {least} to {most}", given)
            return default
        return given

    def end(self, now: datetime) -> datetime:
        """The end of a silence: after `minutes`, or `until` an instant."""
        if ("minutes" in self.body) == ("until" in self.body):
            self.fault("minutes", "must be given, or else until, and not both", self.body.get("minutes"))
            return now
        return self._minutes(now) if "minutes" in self.body else self._until(now)

    def instant(self, name: str, *, default: datetime) -> datetime:
        """An instant with its time zone, in UTC; it need not be given."""
        given = self.body.get(name)
        if given is None:
            return default
        try:
            return read_instant(given)
        except (TypeError, ValueError, OverflowError):
            self.fault(name, f"must be {INSTANT}", given)
            return default

    def names(self, name: str) -> list[str]:
        """Some names; none need be given."""
        given = self.body.get(name, [])
        is_list = isinstance(given, list) and len(given) <= MOST_NAMES
        if not is_list or not all(isinstance(one, str) and 1 <= len(one) <= LONGEST_NAME for one in given):
            self.fault(name, f"must be a list of at most {MOST_NAMES} names of 1 to {LONGEST_NAME} characters", given)
            return []
        return [*given]

    def fault(self, name: str, allowed: str, given: object) -> None:
        """A field is not what is allowed."""
        self.faults.append(Fault(name, allowed, given[:_SHOWN] if isinstance(given, str) else given))

    def check(self) -> None:
        """Raise `BodyError` if there are faults."""
        if self.faults:
            raise BodyError(self.faults)

    def _minutes(self, now: datetime) -> datetime:
        given, most = self.body["minutes"], int(LONGEST_SILENCE / timedelta(minutes=1))
        if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= most:
            self.fault("minutes", f"must be a whole number, 1 to {most}", given)
            return now
        return now + timedelta(minutes=given)

    def _until(self, now: datetime) -> datetime:
        given = self.body["until"]
        try:
            until = datetime.fromisoformat(given)
            held = until - now
        except (TypeError, ValueError, OverflowError):
            held = timedelta(0)
        if not timedelta(0) < held <= LONGEST_SILENCE:
            allowed = f"must be an instant with its time zone, at most {LONGEST_SILENCE.days} days ahead"
            self.fault("until", allowed, given)
            return now
        return now + held

    def _text(self, name: str, *, least: int, most: int) -> str:
        given = self.body.get(name, "")
        text = given.strip() if isinstance(given, str) else None
        if text is None or not least <= len(text) <= most or not text.isprintable():
            self.fault(name, f"must be {least} to {most} printable characters", self.body.get(name))
            return ""
        return text


def payload(request: Request, largest: int = LARGEST) -> bytes:
    """The JSON that a request carries, as bytes.

    Args:
        request: of a person or a program.
        largest: bytes that are accepted.

    Only `application/json` is accepted: a page of another site can make a browser send forms and plain text here, with
    the person's credentials, but no JSON, unless we allow it (and nothing here does).

    Raises:
        UnsupportedMediaType: the content type is another one, or missing.
        RequestEntityTooLarge: it exceeds the limit.
        BodyError: an object in it has a key twice.
    """
    if request.mimetype != _TYPE:
        raise UnsupportedMediaType(f"content-type: must be {_TYPE}, got {request.mimetype[:_SHOWN]!r}")
    if len(request.body) > largest:
        raise RequestEntityTooLarge(f"body: must be at most {largest} bytes")
    try:
        repeated_keys.check(request.body)
    except repeated_keys.RepeatedKeyError as error:
        raise BodyError([Fault("body", str(error))]) from error
    return request.body


def read(request: Request) -> Fields:
    """The fields of a request; raises as `payload` does, and `BodyError` if the body is not a JSON object."""
    return Fields(mapping(request), request.person, request.verified)


def mapping(request: Request, largest: int = LARGEST) -> dict[str, Any]:
    """The JSON object of a request; raises as `read` does."""
    data = payload(request, largest)
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise BodyError(
            [Fault("body", f"must be a JSON object ({error})", data[:_SHOWN].decode(errors="replace"))]
        ) from error
