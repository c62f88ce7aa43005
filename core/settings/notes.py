"""What the annotation of a settings field may note beside its type: what is allowed, and how the file has it."""

from collections.abc import Callable, Mapping
from enum import Enum, auto
from typing import Any, NamedTuple, Self

from core.settings.reader import Node


class Range(NamedTuple):
    """From `low` to `high`: of numbers, or of durations as in `"5m"`, which are then multiples of the unit `step`."""

    low: float | str
    high: float | str
    unit: str = ""
    step: str = "ms"


class Pattern(NamedTuple):
    """Text of a form, which is a regular expression of Python and of JavaScript alike."""

    regex: str
    allowed: str


class Reads:
    """A value that a function of its own reads; `allowed` and the JSON Schema (by default of a text) say what that takes."""

    def __init__(self, read: Callable[[Node], Any], allowed: str, schema: Mapping[str, Any] | None = None) -> None:
        self.read = read
        self.allowed = allowed
        self.schema = {"type": "string"} if schema is None else schema


class Items(NamedTuple):
    """How many items a list has at least, and whether each must be there once only."""

    at_least: int = 0
    unique: bool = False


class Defines(NamedTuple):
    """The name of a thing of that kind, which no other one has, nor one of the kind `apart`, which is read before."""

    kind: str
    apart: str = ""


class _Words(tuple[str, ...]):
    __slots__ = ()

    def __new__(cls, *words: str) -> Self:
        return super().__new__(cls, words)

    def __eq__(self, other: object) -> bool:
        # An annotation is the same object as an equal one before: `typing` keeps them.
        return type(self) is type(other) and super().__eq__(other)

    def __hash__(self) -> int:
        return hash((type(self), *self))


class OneOf(_Words):
    """One of these words."""


class Refers(_Words):
    """The name of a thing of one of these kinds that is defined somewhere."""


class Key(_Words):
    """The key, where it is not the name of the field; of several, each is within the one before."""


class Requires(_Words):
    """The keys, with dots between levels, that must be given where this one is."""


class Excludes(_Words):
    """The keys that must not be given where this one is."""


class NoneAs(_Words):
    """The word for None."""


class Short(_Words):
    """The key whose value may stand for the whole mapping, and what is allowed then."""


class Default(_Words):
    """What holds without the key, where the default of the dataclass does not say it."""


class Mark(Enum):
    """A note without an argument."""

    SECRET = auto()
    """No fault shows the value."""
    REQUIRED = auto()
    """The key must be given, though the field has a default."""
    INLINE = auto()
    """No key: the keys of this dataclass stand among those around it."""
    NO_KEY = auto()
    """No key: the default holds."""
    FROM_KEY = auto()
    """No key: the value is the name that the mapping around has for it."""
    BY_NAME = auto()
    """The mapping is written as a list, each item with its `name`."""
    MERGED = auto()
    """What a mapping leaves out is as in its default."""
