"""Reading single values: each function reads a node, or makes a function that does."""

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TypeVar

from core.events import YEARS
from core.settings import cron
from core.settings.reader import Node, Read, WrongError

S = TypeVar("S", bound=StrEnum)
KINDS = (
    *(
        "model",
        "probe",
        "table",
        "pipeline",
        "endpoint",
        "service",
        "stream",
        "cache",
        "account",
        "function",
        "dataset",
    ),
    *("queue", "topic", "database", "deployment", "statefulset", "daemonset", "pod", "node", "host", "instance"),
)
"""The kinds of targets that the settings may name: also those that only foreign alerts are about."""
_TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_LONGEST_TEXT = 200


def matching(form: str, allowed: str) -> Read[str]:
    """Some text of a form, which is a regular expression."""
    pattern = re.compile(form)

    def read(node: Node) -> str:
        if not isinstance(node.value, str) or not pattern.fullmatch(node.value):
            raise WrongError(allowed)
        return node.value

    return read


slug = matching(
    r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*", "must be a name of small letters, digits and single dashes, as in 'flight-delay'"
)
job = matching(
    r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*",
    "must be a name of small letters, digits and single underscores, as in 'drift_score'",
)
column = matching(r"[A-Za-z_][A-Za-z0-9_]{0,127}", "must be a column: letters, digits and underscores, no digit first")
table = matching(
    r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,128}\.[A-Za-z0-9_]{1,128}",
    "must be 'dataset.table' or 'project.dataset.table' of letters, digits and underscores",
)
service_account = matching(
    r"[a-z0-9][a-z0-9-]{1,98}@(?:[a-z0-9.-]{1,98}\.iam|developer|appspot)\.gserviceaccount\.com",
    "must be the e-mail address of a service account, as in 'ci@my-project.iam.gserviceaccount.com'",
)


def text(node: Node) -> str:
    """Some text, printable, on one line."""
    if not isinstance(node.value, str) or not 0 < len(node.value) <= _LONGEST_TEXT or not node.value.isprintable():
        raise WrongError(f"must be 1 to {_LONGEST_TEXT} printable characters")
    return node.value


def truth(node: Node) -> bool:
    """True or false."""
    if not isinstance(node.value, bool):
        raise WrongError("must be true or false")
    return node.value


def whole(low: int, high: int) -> Read[int]:
    """A whole number."""

    def read(node: Node) -> int:
        if not isinstance(node.value, int) or isinstance(node.value, bool) or not low <= node.value <= high:
            raise WrongError(f"must be {low} to {high}")
        return node.value

    return read


def number(low: float, high: float) -> Read[float]:
    """A number, whole or not."""

    def read(node: Node) -> float:
        if not isinstance(node.value, (int, float)) or isinstance(node.value, bool) or not low <= node.value <= high:
            raise WrongError(
                f"must be a number from {low:g} to {high:g}"
                if math.isfinite(high)
                else f"must be a number from {low:g}"
            )
        return float(node.value)

    return read


def duration(low: str, high: str, *, step: str = "ms") -> Read[timedelta]:
    """A time as in `250ms`, `30s`, `5m`, `12h` or `7d`, within bounds, and a multiple of the unit `step`."""
    least, most, every = _duration(low), _duration(high), _UNITS[step]

    def read(node: Node) -> timedelta:
        value = _duration(node.value)
        if value is None or least is None or most is None or not least <= value <= most or value % every:
            whole_units = "" if step == "ms" else f", in whole {step}"
            raise WrongError(f"must be {low} to {high}{whole_units}, a whole number with ms, s, m, h or d")
        return value

    return read


def _duration(value: object) -> timedelta | None:
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(found["number"]) * _UNITS[found["unit"]] if found else None


def day(node: Node) -> date:
    """A day, as YAML gives it or as text."""
    match node.value:
        case date() if not isinstance(node.value, datetime):
            return node.value
        case str() if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", node.value):
            try:
                return date.fromisoformat(node.value)
            except ValueError:
                pass
    raise WrongError("must be a day, as in 2026-01-31")


def instant(node: Node) -> datetime:
    """An instant, as YAML gives it or as text; in UTC."""
    value = node.value
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.utcoffset() is None or value.year not in YEARS:
        raise WrongError("must be an instant with its time zone, as in 2026-01-31T22:00:00Z")
    return value.astimezone(UTC)


def time_of_day(node: Node) -> time:
    """A time of day, as in `"08:00"`; without quotes YAML takes some of them for numbers of base 60."""
    if not isinstance(node.value, str) or not _TIME.fullmatch(node.value):
        raise WrongError("must be a time from '00:00' to '23:59', in quotes")
    return time.fromisoformat(node.value)


def schedule(node: Node) -> str:
    """A cron expression of five fields."""
    if not isinstance(node.value, str):
        raise WrongError("must be a cron expression of five fields")
    if fault := cron.fault(node.value):
        raise WrongError(f"must be a cron expression: {fault}")
    return node.value


def one_of(*values: str) -> Read[str]:
    """One of some words."""

    def read(node: Node) -> str:
        if not isinstance(node.value, str) or node.value not in values:
            raise WrongError(f"must be one of {', '.join(values)}")
        return node.value

    return read


def member(kind: type[S]) -> Read[S]:
    """A member of an enumeration, by its value."""
    word = one_of(*(item.value for item in kind))
    return lambda node: kind(word(node))


_NAMES: dict[str, Read[str]] = {"model": slug, "probe": slug, "table": table}
_name = matching(r"[A-Za-z0-9][A-Za-z0-9_.:@-]{0,159}", "must be of letters, digits and _ . : @ -")
_READ_HERE = ("model", "probe")
"""The kinds of targets that must be in the settings."""


def target(node: Node) -> str:
    """A target as `kind/name`; a model or a probe must be one of the settings."""
    kind, separator, name = node.value.partition("/") if isinstance(node.value, str) else ("", "", "")
    if not separator or kind not in KINDS:
        raise WrongError(f"must be a target: kind/name, the kind one of {', '.join(KINDS)}")
    try:
        _NAMES.get(kind, _name)(Node(node.reader, node.path, name))
    except WrongError as error:
        raise WrongError(f"must be a target {kind}/name, whose name {error.allowed}") from error
    if kind in _READ_HERE:
        node.reader.refer(node.path, (kind,), name)
    return f"{kind}/{name}"


pattern = matching(
    r"[^\x00-\x1f\x7f?\[\]\\^$|]{1,200}",
    "must be a pattern: a text in which * stands for any text, without ? [ ] \\ ^ $ |",
)


def targets(node: Node) -> str:
    """A pattern of targets, as in `model/*`; without a `*`, a model or a probe must be one of the settings."""
    given = pattern(node)
    kind, _, name = given.partition("/")
    if "*" not in given and kind in _READ_HERE:
        node.reader.refer(node.path, (kind,), name)
    return given


def named(kind: str, *, apart: str = "") -> Read[str]:
    """The name of a thing of that kind, which no other one has, nor one of the kind `apart` that is read before."""

    def read(node: Node) -> str:
        name = slug(node)
        node.reader.define(node.path, kind, name, apart=apart)
        return name

    return read


def reference(*kinds: str) -> Read[str]:
    """The name of a thing of one of those kinds that is defined somewhere."""

    def read(node: Node) -> str:
        name = slug(node)
        node.reader.refer(node.path, kinds, name)
        return name

    return read
