"""Reading a tree of values with every fault kept, each with its path, so that all are reported at once.

What reads a node returns a value or raises `WrongError`, which is kept as a fault of the node; the value is then None,
whatever its type says, and whoever reads throws the result away when there were faults.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, NamedTuple, TypeVar, cast

from core.errors import Fault

T = TypeVar("T")
_SHOWN = 80
_BITS = 64
_A_NAME = r"(?P<kind>[a-z]+)s(?:\[[0-9]+\](?:\.name)?|\.[^.]+)?"
"""The paths at which a fault may hide the name of a thing of that kind."""


class WrongError(ValueError):
    """A value is not what is allowed.

    Args:
        allowed: what would be right, as in `must be 1 to 365`.
        given: what to show of the value, where it may hold a secret.
    """

    def __init__(self, allowed: str, given: object = None) -> None:
        super().__init__(allowed)
        self.allowed = allowed
        self.given = given


class Reader:
    """What is gathered on the way: the faults, the names that are taken, and the places that refer to names."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._names: dict[str, set[str]] = {}
        self._references: list[tuple[str, tuple[str, ...], str]] = []

    def fault(self, path: str, allowed: str, given: object) -> None:
        """Keep a fault."""
        self.faults.append(Fault(path, allowed, shown(given)))

    def define(self, path: str, kind: str, name: str, *, apart: str = "") -> None:
        """A thing of that kind has that name; another one must not, nor one of the kind `apart` that is read before."""
        names = self._names.setdefault(kind, set())
        if name in names:
            self.fault(path, f"must be unique among the {kind} names", name)
        elif name in self._names.get(apart, ()):
            self.fault(path, f"must not be the name of a {apart} too", name)
        names.add(name)

    def refer(self, path: str, kinds: tuple[str, ...], name: str) -> None:
        """There must be a thing of one of those kinds with that name, here or further on."""
        self._references.append((path, kinds, name))

    def resolve(self) -> None:
        """Check the references, after everything is read; not to a kind of which a name could not be read."""
        unread = {found["kind"] for fault in self.faults if (found := re.fullmatch(_A_NAME, fault.path))}
        for path, kinds, name in self._references:
            known = set[str]().union(*(self._names.get(kind, ()) for kind in kinds))
            if name not in known and not unread.intersection(kinds):
                self.fault(path, f"must be the name of a {' or a '.join(kinds)}{perhaps(name, known)}", name)


class Node(NamedTuple):
    """A value in its place."""

    reader: Reader
    path: str
    value: Any

    def key(self, name: object, value: object = None) -> "Node":
        """The value of one of its keys, or of what is further down."""
        spelt = f"{name}" or "''"
        return Node(self.reader, f"{self.path}.{spelt}" if self.path else spelt, value)

    def item(self, index: int, value: object) -> "Node":
        """One of its items."""
        return Node(self.reader, f"{self.path}[{index}]", value)

    def fault(self, allowed: str, given: object = None) -> None:
        """Keep a fault of it."""
        self.reader.fault(self.path or "settings", allowed, given)

    def read(self, read: Callable[..., T], *arguments: object) -> T:
        """What the value means; None and a fault where it is wrong."""
        try:
            return read(self, *arguments)
        except WrongError as error:
            self.fault(error.allowed, self.value if error.given is None else error.given)
            return cast("T", None)


def shown(value: object) -> Any:  # noqa: ANN401 - what a fault shows
    """A value as a fault shows it: short, never the whole of a tree, and nothing of a URL that may be secret."""
    match value:
        case dict() | list():
            return f"a {'mapping' if isinstance(value, dict) else 'list'} of {len(value)}"
        case int() if value.bit_length() > _BITS:
            return f"a number of {value.bit_length()} bits"
        case str():
            bare = _without_secrets(value)
            return bare[:_SHOWN] + "…" if len(bare) > _SHOWN else bare
        case date():  # a time as well; as it is written
            return value.isoformat()
    return value


def _without_secrets(text: str) -> str:
    """A text without the password before an @, and, where it is a URL, without anything but its host."""
    scheme, separator, rest = text.partition("://")
    if not separator:
        before, _, after = text.rpartition("@")
        return f"…@{after}" if ":" in before else text
    host, *others = re.split(r"[/?#\\]", rest)
    # An @ further on may mean that a password holds one of those characters, and that what stands before is secret.
    return f"{scheme}://…" if "@" in "".join(others) else f"{scheme}://{host.rpartition('@')[2]}/…"


def perhaps(name: str, known: Iterable[str]) -> str:
    """What was perhaps meant, for the end of what is allowed; empty where no known name is near."""
    near = difflib.get_close_matches(name[:_SHOWN], list(known), n=1)
    return f" (perhaps {near[0]!r})" if near else ""
