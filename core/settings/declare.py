"""How a dataclass declares its keys: once, for the reader, for the guide and for the schema of editors.

    share: Annotated[float, Range(0, 1)] = 0.01
    '''Share of rows with an issue, beyond the reference's.'''

The type is what the value becomes, the notes are what is allowed, the default is that of the dataclass (a field without one
is a required key), and the docstring is the help.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, NamedTuple, TypeVar, Union, get_args, get_origin

from core.errors import Fault
from core.settings.notes import Key, Mark

T = TypeVar("T")
N = TypeVar("N")
Faults = Iterator[Fault]


class Spec:
    """What an annotation says.

    Args:
        kind: the type, without None.
        notes: about it, the innermost first.
    """

    def __init__(self, kind: Any, notes: tuple[Any, ...]) -> None:  # noqa: ANN401 - any type
        self.kind = kind
        self.notes = notes
        self.origin: Any = get_origin(kind)
        """`tuple`, `frozenset`, `Mapping` or a union; None for a type that is made of nothing else."""
        self.inner = tuple(map(spec_of, get_args(kind)))
        """The items of a list, the keys and values of a mapping, the members of a union."""
        self._by_sort = {type(note): note for note in notes}

    def note(self, sort: type[N]) -> N | None:
        """Its note of that sort, if it has one."""
        return self._by_sort.get(sort)


@cache
def spec_of(annotation: object) -> Spec:
    """What an annotation says; the same for equal ones."""
    return Spec(*_split(annotation))


def _split(annotation: object) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(annotation) is Annotated:
        inner, *own = get_args(annotation)
        kind, notes = _split(inner)
        return kind, (*notes, *own)
    if get_origin(annotation) in (Union, UnionType):
        some = [option for option in get_args(annotation) if option is not NoneType]
        return _split(some[0]) if len(some) == 1 else (annotation, ())
    return annotation, ()


class Setting(NamedTuple):
    """One key, as its field declares it."""

    name: str
    spec: Spec
    default: Any

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys that lead to it from the mapping of its dataclass."""
        return self.spec.note(Key) or (self.name,)

    @property
    def required(self) -> bool:
        """Whether the key must be given."""
        return self.default is MISSING or self.has(Mark.REQUIRED)

    def has(self, mark: Mark) -> bool:
        """Whether it is marked so."""
        return mark in self.spec.notes


Tree = Mapping[str, "Setting | Tree"]
"""Settings by their keys; a mapping where several fields stand below one key."""


@cache
def declared(kind: type) -> tuple[Setting, ...]:
    """What a dataclass declares, in its order."""
    return tuple(map(_declared, fields(kind)))


def _declared(one: Field[Any]) -> Setting:
    annotation: Any = one.type
    default = one.default if one.default_factory is MISSING else one.default_factory()
    # All share a default.
    return Setting(one.name, spec_of(annotation), MappingProxyType(default) if isinstance(default, dict) else default)


@cache
def tree_of(kind: type) -> Tree:
    """The keys of a dataclass; one that is inline stands under the name of its field."""
    tree: dict[str, Any] = {}
    for setting in declared(kind):
        if not setting.has(Mark.FROM_KEY) and not setting.has(Mark.NO_KEY):
            *way, last = setting.keys
            place = tree
            for step in way:
                place = place.setdefault(step, {})
            place[last] = setting
    return tree


class Validator(NamedTuple):
    """A rule over several fields, which is looked at where those that it names are right by themselves."""

    names: frozenset[str]
    check: Callable[[Any], Faults]


_VALIDATORS: defaultdict[type, list[Validator]] = defaultdict(list)
_DERIVED: dict[type, Callable[[Any], Any]] = {}


def validator(kind: type[T], *names: str) -> Callable[[Callable[[T], Faults]], Callable[[T], Faults]]:
    """Registers a rule of a dataclass and its subclasses, where those fields are right; any other may be None or hold some.

    The paths of its faults begin at the dataclass.
    """

    def register(check: Callable[[T], Faults]) -> Callable[[T], Faults]:
        _VALIDATORS[kind].append(Validator(frozenset(names), check))
        return check

    return register


def derives(kind: type[T]) -> Callable[[Callable[[T], T]], Callable[[T], T]]:
    """Registers what fills in the defaults of a dataclass that depend on other fields, once it is right."""

    def register(fill: Callable[[T], T]) -> Callable[[T], T]:
        _DERIVED[kind] = fill
        return fill

    return register


@cache
def validators(kind: type) -> tuple[Validator, ...]:
    """The rules of a dataclass, those of its bases first."""
    return tuple(rule for base in reversed(kind.__mro__) for rule in _VALIDATORS.get(base, ()))


def derive(value: T) -> T:
    """The value with the defaults that depend on other fields."""
    fill = _DERIVED.get(type(value))
    return fill(value) if fill else value
