"""Reading a tree of values with every fault kept, each with its path, so that all are told at once.

A `Read` turns a node into a value or raises `WrongError`, which is kept as a fault of the node; the value is then None,
whatever its type says, and whoever reads throws the result away when there were faults.
"""

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from core.errors import Fault

T = TypeVar("T")
D = TypeVar("D")
K = TypeVar("K", bound=str)
_SHOWN = 80
_BITS = 64
_A_NAME = re.compile(r"(?P<kind>[a-z]+)s(?:\[[0-9]+\](?:\.name)?|\.[^.]+)?")
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
        unread = {found["kind"] for fault in self.faults if (found := _A_NAME.fullmatch(fault.path))}
        for path, kinds, name in self._references:
            known = set[str]().union(*(self._names.get(kind, ()) for kind in kinds))
            if name not in known and not unread.intersection(kinds):
                self.fault(path, f"must be the name of a {' or a '.join(kinds)}{perhaps(name, known)}", name)


@dataclass(frozen=True, slots=True)
class Node:
    """A value in its place."""

    reader: Reader
    path: str
    value: object

    def key(self, name: object, value: object) -> "Node":
        """The value of one of its keys."""
        spelt = f"{name}" or "''"
        return Node(self.reader, f"{self.path}.{spelt}" if self.path else spelt, value)

    def item(self, index: int, value: object) -> "Node":
        """One of its items."""
        return Node(self.reader, f"{self.path}[{index}]", value)

    def read(self, read: "Callable[[Node], T]") -> T:
        """What the value means; None and a fault where it is wrong."""
        try:
            return read(self)
        except WrongError as error:
            given = self.value if error.given is None else error.given
            self.reader.fault(self.path or "settings", error.allowed, given)
            return cast("T", None)


Read = Callable[[Node], T]


@dataclass(slots=True)
class Section:
    """A mapping that is being read; a key that is never asked for is unknown."""

    node: Node
    values: dict[object, object]
    _before: int = field(init=False)
    _known: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._before = len(self.node.reader.faults)

    @property
    def sound(self) -> bool:
        """Whether nothing in it was wrong so far."""
        return len(self.node.reader.faults) == self._before

    def required(self, key: str, read: Read[T]) -> T:
        """The value of a key that must be there."""
        self._known.add(key)
        if key in self.values:
            return self.node.key(key, self.values[key]).read(read)
        self.fault(key, "must be given", None)
        return cast("T", None)

    def optional(self, key: str, read: Read[T], default: D) -> T | D:
        """The value of a key, or the default where the key is missing."""
        self._known.add(key)
        return self.node.key(key, self.values[key]).read(read) if key in self.values else default

    def fault(self, key: str, allowed: str, given: object) -> None:
        """Keep a fault of one of its keys."""
        self.node.reader.fault(self.node.key(key, None).path, allowed, given)

    def accept_rest(self) -> None:
        """Let the other keys pass: nobody can say which ones there should be."""
        self._known.update(_key(key)[0] for key in self.values)

    def close(self) -> None:
        """Every key that was not asked for is a fault."""
        for key in self.values:
            name, mark = _key(key)
            if mark:
                self.fault(name, "must be followed by a colon and a space", f"{name}{mark}…")
            elif name not in self._known:
                near = perhaps(name, self._known)
                self.fault(shown(key), f"must be a known key{near or ': ' + ', '.join(sorted(self._known))}", key)


def section(build: Callable[[Section], T]) -> Read[T]:
    """Reads a mapping with known keys."""

    def read(node: Node) -> T:
        opened = Section(node, a_mapping(node))
        built = build(opened)
        opened.close()
        return built

    return read


def list_of(read: Read[T], *, at_least: int = 0, once: bool = False) -> Read[tuple[T, ...]]:
    """Reads a list; with `once` it must hold nothing twice."""

    def read_all(node: Node) -> tuple[T, ...]:
        if not isinstance(node.value, list) or len(node.value) < at_least:
            raise WrongError("must be a list" + (f" of at least {at_least}" if at_least else ""))
        before = len(node.reader.faults)
        values = tuple(node.item(index, value).read(read) for index, value in enumerate(node.value))
        sound = len(node.reader.faults) == before
        for index, value in enumerate(values):
            if once and sound and value in values[:index]:
                node.reader.fault(node.item(index, None).path, "must be named once", node.value[index])
        return values

    return read_all


def mapping_of(key: Read[K], read: Read[T]) -> Read[dict[K, T]]:
    """Reads a mapping whose keys are names."""

    def read_all(node: Node) -> dict[K, T]:
        given = [
            (node.key(shown(name), name).read(key), node.key(shown(name), item))
            for name, item in a_mapping(node).items()
        ]
        return {name: item.read(read) for name, item in given}

    return read_all


def a_mapping(node: Node) -> dict[object, object]:
    """The value, which must be a mapping."""
    if not isinstance(node.value, dict):
        raise WrongError("must be a mapping")
    return node.value


def hidden(read: Read[T]) -> Read[T]:
    """Reads what may be a secret: a fault says no more of it than whether there is anything."""

    def read_hidden(node: Node) -> T:
        try:
            return read(node)
        except WrongError as error:
            empty = node.value is None or node.value in ("", [], {})
            raise WrongError(error.allowed, node.value if empty else "a hidden value") from None

    return read_hidden


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


def _key(key: object) -> tuple[str, str]:
    """The name that a key starts with, and the mark after it where it runs on into a value, as in `password:secret`."""
    name, *rest = re.split("([:=])", str(shown(key)), maxsplit=1)
    return name, "".join(rest[:1])


def perhaps(name: str, known: Iterable[str]) -> str:
    """What was perhaps meant, for the end of what is allowed; empty where no known name is near."""
    near = difflib.get_close_matches(name[:_SHOWN], list(known), n=1)
    return f" (perhaps {near[0]!r})" if near else ""
