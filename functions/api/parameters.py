"""Parameters of the query of a request: what is allowed, as it is documented, and as it is read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from core.errors import Fault
from core.instants import read_instant
from functions.api.body import INSTANT, BodyError

_SHOWN = 80
_FIRST = datetime.min.replace(tzinfo=UTC)
_STEP = timedelta(minutes=1)


class Kind(Protocol):
    """What the values of a parameter are."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """As JSON Schema."""

    @property
    def allowed(self) -> str:
        """In words."""

    def read(self, given: str) -> Any:  # noqa: ANN401 - of the kind
        """The value of a text; `ValueError` where it is none."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Whole numbers between two ends."""

    least: int
    most: int

    @property
    def schema(self) -> Mapping[str, Any]:
        """As `Kind` has it."""
        return {"type": "integer", "minimum": self.least, "maximum": self.most}

    @property
    def allowed(self) -> str:
        """As `Kind` has it."""
        return f"{self.least} to {self.most}"

    def read(self, given: str) -> int:
        """As `Kind` has it.

        >>> Whole(1, 9).read("7")
        7
        """
        is_whole = given.isascii() and given.isdigit() and len(given) <= len(str(self.most))
        if not is_whole or not self.least <= int(given) <= self.most:
            raise ValueError(given)
        return int(given)


@dataclass(frozen=True, slots=True)
class Instant:
    """Instants with their time zone (RFC 3339)."""

    schema = {"type": "string", "format": "date-time"}  # noqa: RUF012 - never changed
    allowed = INSTANT

    def read(self, given: str) -> datetime:
        """As `Kind` has it."""
        return read_instant(given)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    @property
    def schema(self) -> Mapping[str, Any]:
        """As `Kind` has it."""
        return {"type": "string", "enum": [*self.words]}

    @property
    def allowed(self) -> str:
        """As `Kind` has it."""
        return f"one of {', '.join(self.words)}" if len(self.words) > 1 else f"{self.words[0]} or not given"

    def read(self, given: str) -> str:
        """As `Kind` has it."""
        if given not in self.words:
            raise ValueError(given)
        return given


@dataclass(frozen=True, slots=True)
class Several:
    """Some of some words, with commas between them."""

    words: tuple[str, ...]

    @property
    def schema(self) -> Mapping[str, Any]:
        """As `Kind` has it."""
        return {"type": "array", "items": {"type": "string", "enum": [*self.words]}}

    @property
    def allowed(self) -> str:
        """As `Kind` has it."""
        return f"of {', '.join(self.words)}"

    def read(self, given: str) -> tuple[str, ...]:
        """As `Kind` has it.

        >>> Several(("open", "over")).read("open,over")
        ('open', 'over')
        """
        found = tuple(one for one in given.split(",") if one)
        if not set(found) <= set(self.words):
            raise ValueError(given)
        return found


@dataclass(frozen=True, slots=True)
class Text:
    """Printable text."""

    most: int = 300
    least: int = 0

    @property
    def schema(self) -> Mapping[str, Any]:
        """As `Kind` has it."""
        return {"type": "string", "minLength": self.least, "maxLength": self.most}

    @property
    def allowed(self) -> str:
        """As `Kind` has it."""
        return f"{self.least} to {self.most} printable characters"

    def read(self, given: str) -> str:
        """As `Kind` has it."""
        if not self.least <= len(given) <= self.most or not given.isprintable():
            raise ValueError(given)
        return given


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query.

    Attributes:
        name: in the query.
        kind: of its values.
        summary: what it is for.
        default: where it is not given.
    """

    name: str
    kind: Kind
    summary: str
    default: Any = None

    @property
    def document(self) -> dict[str, Any]:
        """As OpenAPI has it."""
        schema = dict(self.kind.schema)
        if self.default is not None:
            schema["default"] = self.default
        listed = {"style": "form", "explode": False} if schema["type"] == "array" else {}
        return {
            "name": self.name,
            "in": "query",
            "required": False,
            "description": self.summary,
            "schema": schema,
            **listed,
        }


SINCE = Parameter("since", Instant(), "From this instant on.")
UNTIL = Parameter("until", Instant(), "Before this instant.")
RANGE = (SINCE, UNTIL)
DAYS = Parameter("days", Whole(1, 400), "How many days before `until`, in place of `since`.")
BACK = (*RANGE, DAYS)
"""Of what pages draw as far back as one chooses."""


def paged(usual: int, most: int) -> tuple[Parameter, ...]:
    """The parameters of a list that is given page by page: how many entries one has, and where it begins."""
    return (
        Parameter("limit", Whole(1, most), "How many at most; `next` of the answer leads to more.", usual),
        Parameter("cursor", Text(400), "Where the page begins: the `next` of the page before."),
    )


PAGED, LINES = paged(100, 1000), paged(50, 200)
"""Of lists for programs, and of those whose entries are searched."""


def read(parameters: Sequence[Parameter], given: Mapping[str, str]) -> tuple[dict[str, Any], list[Fault]]:
    """The values of the parameters by name, and what is wrong with those that are given; others are ignored."""
    values = {one.name: one.default for one in parameters}
    faults = list(_faults(parameters, given, values))
    since, until = values.get("since"), values.get("until")
    if since and until and since >= until:
        faults.append(Fault("since", "must be before until", given["since"][:_SHOWN]))
    if since and values.get("days"):
        faults.append(Fault("days", "must not be given beside since", given["days"][:_SHOWN]))
    return values, faults


@dataclass(frozen=True, slots=True)
class Range:
    """A range of time that is asked for.

    Attributes:
        since: its start; None where it has its usual length.
        until: the instant after it; None where it has no end.
        length: where it has no start.
        most: the longest that is allowed.
    """

    since: datetime | None
    until: datetime | None
    length: timedelta
    most: timedelta = timedelta.max

    def ending(self, end: datetime) -> tuple[datetime, datetime]:
        """Its first instant, and the one after it.

        Args:
            end: of a range without one.

        Raises:
            BodyError: it is longer than is allowed.
        """
        until = self.until or end
        since = self.since or _FIRST + max(until - _FIRST - self.length, timedelta(0))
        if until - since - _STEP > self.most:  # clocks differ
            allowed = f"must be at most {self.most.days} days before until"
            raise BodyError([Fault("since", allowed, since.isoformat())])
        return since, until


def range_of(values: Mapping[str, Any], *, usual: timedelta, most: timedelta = timedelta.max) -> Range:
    """The range that `since` and `until` ask for, or `days` in place of `since`.

    Args:
        values: of the parameters `RANGE`, or `BACK`.
        usual: the length of a range without a start.
        most: the longest that is allowed.

    >>> until = datetime(2026, 1, 2, tzinfo=UTC)
    >>> asked = range_of({"since": None, "until": until, "days": 3}, usual=timedelta(days=60))
    >>> asked.ending(datetime.now(UTC))[0].isoformat()
    '2025-12-30T00:00:00+00:00'
    """
    days = values.get("days")
    return Range(values["since"], values["until"], usual if days is None else timedelta(days=days), most)


def is_within(at: datetime, values: Mapping[str, Any]) -> bool:
    """Whether an instant is in the range that `since` and `until` ask for; each has no bound where it is not given."""
    since, until = values["since"], values["until"]
    return (since is None or at >= since) and (until is None or at < until)


def next_step(now: datetime, step: timedelta = _STEP) -> datetime:
    """The next whole step of time: the end of a range without one, the same for all who ask meanwhile.

    >>> next_step(datetime(2026, 1, 2, 12, 0, 30, tzinfo=UTC)).isoformat()
    '2026-01-02T12:01:00+00:00'
    """
    return now - (now - _FIRST) % step + step


def _faults(parameters: Sequence[Parameter], given: Mapping[str, str], values: dict[str, Any]) -> Iterator[Fault]:
    for one in parameters:
        if one.name not in given:
            continue
        try:
            values[one.name] = one.kind.read(given[one.name])
        except (ValueError, OverflowError):
            yield Fault(one.name, f"must be {one.kind.allowed}", given[one.name][:_SHOWN])
