"""The tables of docs/settings.md: its prose is written by hand, its tables are generated.

A table is generated where its first heading is a key of the settings and, for what comes in several kinds, the kind:
`| `probes` `http` | what | allowed | default |`. One without a kind then has what all kinds have.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from pathlib import Path

from core.settings import Settings
from core.settings.declare import Setting, Spec, Tree, declared, tree_of
from core.settings.notes import Default, Items, Mark, NoneAs, Reads, Short
from infra.settings import spelling
from infra.settings.helps import help_of
from infra.settings.leaves import leaf

FILE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
TABLE = re.compile(
    r"^\| `(?P<key>[a-z_]+)`(?: `(?P<kind>[a-z]+)`)? \| what \| allowed \| default \|\n(?:\|.*\n)*", re.MULTILINE
)
Row = tuple[str, str, str, str]


def text() -> str:
    """The guide with its tables anew."""
    return TABLE.sub(lambda found: table(found["key"], found["kind"] or ""), FILE.read_text(encoding="utf-8"))


def table(key: str, kind: str = "") -> str:
    """The table of a section, or of what only that kind of it has."""
    title = f"`{key}` `{kind}`" if kind else f"`{key}`"
    return f"| {title} | what | allowed | default |\n|---|---|---|---|\n" + "".join(map(_line, rows(key)[kind]))


def rows(key: str) -> Mapping[str, Sequence[Row]]:
    """The rows of a section: those that all kinds have, by an empty text, then those of each kind that has more."""
    by_kind = {
        str(getattr(declared, "kind", "")): list(_rows(declared, tree_of(declared), key))
        for declared in _dataclasses(sections()[key].spec)
    }
    common = [row for row in next(iter(by_kind.values())) if all(row in others for others in by_kind.values())]
    own = {kind: [row for row in found if row not in common] for kind, found in by_kind.items()}
    return {"": common} | {kind: found for kind, found in own.items() if found}


def _line(row: Row) -> str:
    key, *others = (cell.replace("|", "\\|") for cell in row)
    return f"| `{key}` | {' | '.join(others)} |\n"


@cache
def sections() -> Mapping[str, Setting]:
    """The keys of the settings."""
    found: dict[str, Setting] = {}
    for setting in declared(Settings):
        inline = setting.has(Mark.INLINE)
        found |= {one.keys[0]: one for one in (declared(setting.spec.kind) if inline else (setting,))}
    return found


@cache
def _owners() -> Mapping[type, str]:
    """The section that shows the keys of a dataclass: the first that has it."""
    owners: dict[type, str] = {}

    def own(kind: type, key: str) -> None:
        if owners.setdefault(kind, key) == key:
            for setting in declared(kind):
                for inner in _dataclasses(setting.spec):
                    own(inner, key)

    for key, section in sections().items():
        for kind in _dataclasses(section.spec):
            own(kind, key)
    return owners


def _dataclasses(spec: Spec) -> list[type]:
    """The dataclasses that the values of a declaration are, or hold; several where they come in kinds."""
    kind: type = spec.kind
    if spec.note(Reads):
        return []
    return [kind] if is_dataclass(kind) else [found for inner in spec.inner for found in _dataclasses(inner)]


def _rows(kind: type, tree: Tree, section: str, before: str = "") -> Iterator[Row]:
    for key, entry in tree.items():
        if not isinstance(entry, Setting):
            yield from _rows(kind, entry, section, f"{before}{key}.")
            continue
        inner = _dataclasses(entry.spec)
        owner = _owners()[inner[0]] if inner else section
        allowed = _allowed(entry.spec) if owner == section else f"as `{key}` of `{owner}`"
        yield f"{before}{key}", help_of(kind, entry), allowed, _default(entry)
        below = {tuple: "[]", Mapping: ".*"}.get(entry.spec.origin, "")
        for one in inner if owner == section else ():
            yield from _rows(one, tree_of(one), section, f"{before}{key}{below}.")


def _default(setting: Setting) -> str:
    if setting.required:
        return "required"
    if note := setting.spec.note(Default):
        return note[0]
    if is_dataclass(setting.default):
        return "as below"
    if setting.default in (None, "", ()) or setting.default == {}:
        word = setting.spec.note(NoneAs)
        return f"`{word[0]}`" if word else "none"
    if setting.spec.origin is frozenset and len(setting.default) == len(setting.spec.inner[0].kind):
        return "all"
    return f"`{spelling.value(setting.default)}`"


def _allowed(spec: Spec) -> str:
    words = spec.note(NoneAs)
    title: str = leaf(spec).get("title") or _composite(spec)
    return f"{title}, or `{words[0]}`" if words else title


def _composite(spec: Spec) -> str:
    if spec.origin in (tuple, frozenset):
        least = (spec.note(Items) or Items()).at_least
        return f"a list{f' of at least {least}' if least else ''}, each {_item(spec.inner[0])}"
    return f"by {_allowed(spec.inner[0])}: {_item(spec.inner[1])}" if spec.origin is Mapping else "a mapping"


def _item(spec: Spec) -> str:
    short = spec.note(Short)
    return short[1].removeprefix("must be ") if short else "a mapping" if _dataclasses(spec) else _allowed(spec)
