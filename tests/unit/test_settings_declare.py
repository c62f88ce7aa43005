"""What a dataclass declares of its keys, and that one note is never taken for another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

import pytest

from core.errors import Fault
from core.settings.build import read
from core.settings.declare import Faults, declared, derives, spec_of, tree_of, validator
from core.settings.notes import Excludes, Key, Mark, OneOf, Range, Requires
from core.settings.reader import Node, Reader, WrongError
from core.settings.values import word


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    low: Annotated[int, Range(0, 9), Key("between", "low")] = 0
    high: Annotated[int, Range(0, 9), Key("between", "high")] = 9


@validator(Base, "low", "high")
def _in_order(base: Base) -> Faults:
    if base.low > base.high:
        yield Fault("between.high", "must be at least low", base.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing(Base):
    word: Annotated[str, OneOf("a", "b"), Excludes("other")] = "a"
    other: Annotated[str, Requires("names.x"), Mark.SECRET] = ""
    names: Mapping[str, float] = field(default_factory=dict)


@derives(Thing)
def _named(thing: Thing) -> Thing:
    return Thing(low=thing.low, high=thing.high, word=thing.word, other=thing.other or "of its own", names=thing.names)


def told(raw: object) -> tuple[Thing | None, list[str]]:
    reader = Reader()
    thing = Node(reader, "", raw).read(read, spec_of(Thing))
    return thing, [str(fault) for fault in reader.faults]


def test_keys_of_one_level_may_be_fields_of_another() -> None:
    assert list(tree_of(Thing)) == ["between", "word", "other", "names"]
    assert told({"between": {"low": 3}}) == (Thing(low=3, other="of its own"), [])
    assert told({"between": {"lo": 3}})[1] == ["between.lo: must be a known key (perhaps 'low'), got 'lo'"]


def test_rules_of_a_base_hold_and_are_looked_at_where_their_fields_are_right() -> None:
    assert told({"between": {"low": 5, "high": 4}, "word": "c"}) == (
        None,
        ["word: must be one of a, b, got 'c'", "between.high: must be at least low, got 4"],
    )
    assert told({"between": {"low": 10, "high": 4}})[1] == ["between.low: must be 0 to 9, got 10"]


def test_what_a_key_requires_and_excludes_is_told_and_no_secret_is() -> None:
    assert told({"word": "a", "other": "hunter2"})[1] == [
        "other: must not be given where word is given, got 'a hidden value'",
        "names.x: must be given where other is given, got None",
    ]
    assert told({"other": "x", "names": {"x": 1}})[1] == []


def test_what_cannot_be_read_is_no_missing_key_and_is_read_no_further() -> None:
    assert told({"other": "x", "names": 5})[1] == ["names: must be a mapping, got 5"]
    assert told({"names": {5: "much"}})[1] == ["names.5: must be 1 to 200 printable characters, got 5"]


def test_a_word_that_is_nearly_right_is_told_which_it_may_have_been() -> None:
    assert told({"word": "A"})[1] == ["word: must be one of a, b, got 'A'"]
    with pytest.raises(WrongError, match=r"must be one of taken, lost \(perhaps 'taken'\)"):
        word("taekn", ["taken", "lost"])


def test_equal_words_of_different_notes_are_different_annotations() -> None:
    first, second = Annotated[str, Requires("x")], Annotated[str, Excludes("x")]
    assert spec_of(first).note(Requires) == Requires("x")
    assert spec_of(second).note(Requires) is None
    assert spec_of(second).note(Excludes) == Excludes("x")


def test_a_default_is_shared_and_cannot_be_changed() -> None:
    default = declared(Thing)[-1].default
    assert default == {}
    assert not hasattr(default, "__setitem__")
