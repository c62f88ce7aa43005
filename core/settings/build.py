"""The one reader of all settings: from what their dataclasses declare."""

import re
from collections.abc import Collection, Mapping
from dataclasses import MISSING, is_dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from core.settings import values
from core.settings.declare import Setting, Spec, Tree, declared, derive, tree_of, validators
from core.settings.notes import Defines, Excludes, Items, Mark, NoneAs, OneOf, Reads, Refers, Requires, Short
from core.settings.reader import Node, WrongError, perhaps, shown

_ANY_NUMBER = Items()
_HIDDEN = "a hidden value"
_MOST_UNKNOWN = 100
"""Unknown keys of a mapping that are listed one by one, each with what was perhaps meant."""
_Raw = dict[object, object]


def read(node: Node, spec: Spec, name: object = None) -> Any:  # noqa: ANN401 - what the declaration says
    """What a node means by its declaration.

    Args:
        node: a value.
        spec: its declaration.
        name: what the mapping around calls it, if it is in one.

    Raises:
        WrongError: it is not what is allowed.
    """
    word = spec.note(NoneAs)
    if word and node.value == word[0]:
        return None
    try:
        value = _value(node, spec, name)
    except WrongError as error:
        allowed = f"{error.allowed}, or {word[0]}" if word else error.allowed
        raise WrongError(allowed, _seen(node.value, error.given, secret=Mark.SECRET in spec.notes)) from error
    if defines := spec.note(Defines):
        node.reader.define(node.path, defines.kind, value, apart=defines.apart)
    if refers := spec.note(Refers):
        node.reader.refer(node.path, refers, value)
    return value


def _seen(value: object, given: object, *, secret: bool) -> object:
    """What a fault shows of a value; of a secret no more than whether there is anything."""
    empty = value is None or value in ("", [], {})
    return given if not secret else value if empty else _HIDDEN


def _value(node: Node, spec: Spec, name: object) -> Any:  # noqa: ANN401 - what the declaration says
    kind, reads = spec.kind, spec.note(Reads)
    if reads:
        return reads.read(node)
    if kind in values.READ:
        return values.READ[kind](node.value, spec)
    if spec.origin in (tuple, frozenset):
        return spec.origin(_items(node, spec.inner[0], spec.note(Items) or _ANY_NUMBER))
    if spec.origin is Mapping:
        return MappingProxyType(_entries(node, spec))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind(values.word(node.value, [item.value for item in kind]))
    return _section(node, spec, name) if is_dataclass(kind) else _variant(node, spec)


def _items(node: Node, item: Spec, limits: Items) -> list[Any]:
    if not isinstance(node.value, list) or len(node.value) < limits.at_least:
        raise WrongError("must be a list" + (f" of at least {limits.at_least}" if limits.at_least else ""))
    before = len(node.reader.faults)
    nodes = [node.item(index, value) for index, value in enumerate(node.value)]
    found = [one.read(read, item) for one in nodes]
    if limits.unique and len(node.reader.faults) == before:
        for index, one in enumerate(nodes):
            if found[index] in found[:index]:
                one.fault("must be named once", _seen(one.value, one.value, secret=Mark.SECRET in item.notes))
    return found


def _entries(node: Node, spec: Spec) -> dict[Any, Any]:
    key, item = spec.inner
    if Mark.BY_NAME in spec.notes:
        return {one.name: one for one in _items(node, item, _ANY_NUMBER) if one is not None}
    names = {name: node.key(shown(name), name).read(read, key) for name in _mapping(node)}
    return {
        names[name]: node.key(shown(name), value).read(read, item, name)
        for name, value in node.value.items()
        if names[name] is not None
    }


def _mapping(node: Node) -> _Raw:
    if not isinstance(node.value, dict):
        raise WrongError("must be a mapping")
    return node.value


def _section(node: Node, spec: Spec, name: object) -> Any:  # noqa: ANN401 - the dataclass
    short = spec.note(Short)
    if short and not isinstance(node.value, dict):
        if not isinstance(node.value, str):
            raise WrongError(short[1])
        return spec.kind(
            **{short[0]: read(node, next(one.spec for one in declared(spec.kind) if one.name == short[0]))}
        )
    built = _built(node, spec.kind, _mapping(node), name)
    _refuse_unknown(node, keys_of(spec.kind))
    return built


def _variant(node: Node, spec: Spec) -> Any:  # noqa: ANN401 - one of the dataclasses
    """One of several dataclasses, by its `kind`; where that is wrong, only what all of them have is looked at."""
    kinds = {inner.kind.kind: inner.kind for inner in spec.inner}
    by_kind = {"kind": Setting("kind", Spec(str, (OneOf(*kinds),)), MISSING)}
    raw = _mapping(node)
    chosen = kinds.get(_fields(node, by_kind, raw)[0]["kind"])
    if chosen is None:
        trees = [tree_of(kind) for kind in kinds.values()]
        _fields(node, {key: one for key, one in trees[0].items() if all(tree.get(key) == one for tree in trees)}, raw)
        _refuse_unknown(node, [_name_of(key)[0] for key in raw])
        return None
    built = _built(node, chosen, raw)
    _refuse_unknown(node, {"kind", *keys_of(chosen)})
    return built


def _built(node: Node, kind: Any, raw: _Raw, name: object = None) -> Any:  # noqa: ANN401 - a dataclass, and one of it
    """The dataclass, checked as far as its fields are right; None where anything is wrong."""
    before = len(node.reader.faults)
    values, wrong = _fields(node, tree_of(kind), raw)
    built = kind(**dict.fromkeys(_named(kind), name), **values)
    _check_given(node, kind, raw)
    for rule in validators(kind):
        if not rule.names & wrong:
            for fault in rule.check(built):
                node.key(fault.path).fault(fault.allowed, fault.given)
    return derive(built) if len(node.reader.faults) == before else None


def _fields(node: Node, tree: Tree, raw: _Raw) -> tuple[dict[str, Any], set[str]]:
    """The values of the fields, and the names of those that have a fault."""
    found: dict[str, Any] = {}
    wrong: set[str] = set()
    for key, entry in tree.items():
        before = len(node.reader.faults)
        if not isinstance(entry, Setting):
            below, wrong_below = (key in raw and node.key(key, raw[key]).read(_group, entry)) or ({}, set())
            found, wrong = found | below, wrong | wrong_below
            continue
        if entry.has(Mark.INLINE):
            found[entry.name] = _built(node, entry.spec.kind, raw)
        elif key in raw:
            found[entry.name] = node.key(key, raw[key]).read(_setting, entry)
        elif entry.required:
            found[entry.name] = node.key(key).fault("must be given")
        else:
            found[entry.name] = entry.default
        if len(node.reader.faults) > before:
            wrong.add(entry.name)
    return found, wrong


def _group(node: Node, tree: Tree) -> tuple[dict[str, Any], set[str]]:
    """The fields that stand together below one key, and the names of those that have a fault."""
    found = _fields(node, tree, _mapping(node))
    _refuse_unknown(node, tree)
    return found


def _setting(node: Node, setting: Setting) -> Any:  # noqa: ANN401 - what the declaration says
    value = read(node, setting.spec)
    return MappingProxyType({**setting.default, **value}) if setting.has(Mark.MERGED) else value


@cache
def _named(kind: type) -> tuple[str, ...]:
    """The fields that are what the mapping around calls it."""
    return tuple(setting.name for setting in declared(kind) if setting.has(Mark.FROM_KEY))


@cache
def keys_of(kind: type) -> frozenset[str]:
    """The keys of a dataclass."""
    inline = {key: one for key, one in tree_of(kind).items() if isinstance(one, Setting) and one.has(Mark.INLINE)}
    return frozenset(tree_of(kind).keys() - inline.keys()).union(*(keys_of(one.spec.kind) for one in inline.values()))


def _refuse_unknown(node: Node, known: Collection[str]) -> None:
    unknown = [key for key in node.value if key not in known]
    if len(unknown) > _MOST_UNKNOWN:
        node.fault(f"must have known keys only, {len(unknown):,} are not")
        return
    for key in unknown:
        name, mark = _name_of(key)
        if mark:
            node.key(name).fault("must be followed by a colon and a space", f"{name}{mark}…")
        else:
            near = perhaps(name, known) or f": {', '.join(sorted(known))}"
            node.key(shown(key)).fault(f"must be a known key{near}", key)


def _name_of(key: object) -> tuple[str, str]:
    """The name that a key starts with, and the mark after it where it runs on into a value, as in `password:secret`."""
    name, *rest = re.split("([:=])", str(shown(key)), maxsplit=1)
    return name, "".join(rest[:1])


@cache
def _conditions(kind: type) -> Mapping[str, Setting]:
    """The settings that require or exclude others, by their keys."""
    found = {one.keys[-1]: one for one in declared(kind)}
    return {key: one for key, one in found.items() if one.spec.note(Requires) or one.spec.note(Excludes)}


def _check_given(node: Node, kind: type, raw: _Raw) -> None:
    """Every key that requires others has them, and none of those that it excludes."""
    missing: dict[str, str] = {}
    for key, setting in _conditions(kind).items():
        if key not in raw:
            continue
        for other in setting.spec.note(Requires) or ():
            if not _is_given(raw, other):
                missing.setdefault(other, key)
        for other in setting.spec.note(Excludes) or ():
            if other in raw:
                secret = any(one.name == other and one.has(Mark.SECRET) for one in declared(kind))
                value = _HIDDEN if secret else raw[other]
                node.key(other).fault(f"must not be given where {key} is given", value)
    for other, key in missing.items():
        node.key(other).fault(f"must be given where {key} is given")


def _is_given(values: object, path: str) -> bool:
    """Whether there is a value at the end of a path; what is no mapping on the way has a fault of its own."""
    for key in path.split("."):
        if not isinstance(values, dict):
            return True
        if key not in values:
            return False
        values = values[key]
    return True
