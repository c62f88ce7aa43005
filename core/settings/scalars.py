"""Reading single values: each function reads a node, or makes a function that does."""

import ipaddress
import math
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from core.settings import cron
from core.settings.reader import Node, Read, WrongError
from core.settings.types import Address

S = TypeVar("S", bound=StrEnum)
KINDS = ("model", "probe", "table", "pipeline", "endpoint", "service", "stream")
_SLUG = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_JOB = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_TABLE = re.compile(r"(?:[a-z][a-z0-9-]{4,28}[a-z0-9]\.)?[A-Za-z0-9_]{1,128}\.[A-Za-z0-9_]{1,128}")
_HOST = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?)*\.?"
)
_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>[0-9]{1,5})")
_URL_TEXT = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")
_DURATION = re.compile(r"(?P<number>[0-9]{1,9})(?P<unit>ms|s|m|h|d)")
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_LONGEST_TEXT = 200
_PORTS = range(1, 65_536)


def _matching(pattern: re.Pattern[str], allowed: str) -> Read[str]:
    def read(node: Node) -> str:
        if not isinstance(node.value, str) or not pattern.fullmatch(node.value):
            raise WrongError(allowed)
        return node.value

    return read


slug = _matching(_SLUG, "must be a name of small letters, digits and single dashes, as in 'flight-delay'")
job = _matching(_JOB, "must be a name of small letters, digits and single underscores, as in 'drift_score'")
column = _matching(_COLUMN, "must be a column: letters, digits and underscores, no digit first")
table = _matching(_TABLE, "must be 'dataset.table' or 'project.dataset.table' of letters, digits and underscores")


def text(node: Node) -> str:
    """Some text, printable, on one line."""
    if not isinstance(node.value, str) or not 0 < len(node.value) <= _LONGEST_TEXT or not node.value.isprintable():
        raise WrongError(f"must be 1 to {_LONGEST_TEXT} printable characters")
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


def url(node: Node) -> str:
    """A URL of http or https; a fault shows neither its credentials nor its path, which may be secret."""
    split = _split(node.value)
    if split is None:
        raise WrongError("must be an http or https URL with a host", _without_secrets(node.value))
    return split.geturl()


def _split(value: object) -> SplitResult | None:
    if not isinstance(value, str) or not _URL_TEXT.fullmatch(value):
        return None
    try:
        split = urlsplit(value)
        right = (
            split.scheme in ("http", "https")
            and split.port != 0
            and not split.fragment
            and _is_host(split.hostname or "")
        )
    except ValueError:
        return None
    return split if right else None


def _without_secrets(value: object) -> object:
    if not isinstance(value, str):
        return value
    scheme, separator, rest = value.partition("://")
    if not separator:
        return "text without '://'"
    host, *others = re.split(r"[/?#\\]", rest)
    # An @ further on may mean that a password holds one of those characters, and that what stands before is secret.
    return f"{scheme}://…" if "@" in "".join(others) else f"{scheme}://{host.rpartition('@')[2]}/…"


def host(node: Node) -> str:
    """A host name or an IP address."""
    if not isinstance(node.value, str) or not _is_host(node.value):
        raise WrongError("must be a host name or an IP address")
    return node.value


def address(node: Node) -> Address:
    """A host and a port, as in `db.example.com:5432` or `[::1]:53`."""
    found = _HOST_AND_PORT.fullmatch(node.value) if isinstance(node.value, str) else None
    if found and int(found["port"]) in _PORTS:
        if found["v6"] is not None and _is_ip(found["v6"]):
            return Address(host=found["v6"], port=int(found["port"]))
        if found["host"] and _is_host(found["host"]):
            return Address(host=found["host"], port=int(found["port"]))
    raise WrongError("must be host:port, as in 'db.example.com:5432' or '[::1]:53'")


def resolver(node: Node) -> Address:
    """An IP address, with a port or with 53."""
    if isinstance(node.value, str) and _is_ip(node.value):
        return Address(host=node.value, port=53)
    try:
        found = address(node)
    except WrongError:
        found = None
    if found is None or not _is_ip(found.host):
        raise WrongError("must be an IP address, with or without a port, as in '8.8.8.8' or '127.0.0.1:5353'")
    return found


def _is_host(value: str) -> bool:
    return _is_ip(value) or bool(_HOST.fullmatch(value))


def _is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


_NAMES: dict[str, Callable[[Node], str]] = {"table": table}


def target(node: Node) -> str:
    """A target as `kind/name`; a model or a probe must be one of the settings."""
    kind, separator, name = node.value.partition("/") if isinstance(node.value, str) else ("", "", "")
    if not separator or kind not in KINDS:
        raise WrongError(f"must be a target: kind/name, the kind one of {', '.join(KINDS)}")
    try:
        _NAMES.get(kind, slug)(Node(node.reader, node.path, name))
    except WrongError as error:
        raise WrongError(f"must be a target {kind}/name, whose name {error.allowed}") from error
    if kind in ("model", "probe"):
        node.reader.refer(node.path, kind, name)
    return f"{kind}/{name}"


def named(kind: str) -> Read[str]:
    """The name of a thing of that kind, which no other one has."""

    def read(node: Node) -> str:
        name = slug(node)
        node.reader.define(node.path, kind, name)
        return name

    return read


def reference(kind: str) -> Read[str]:
    """The name of a thing of that kind that is defined somewhere."""

    def read(node: Node) -> str:
        name = slug(node)
        node.reader.refer(node.path, kind, name)
        return name

    return read
