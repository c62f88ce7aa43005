"""Which module of ours imports which, read from the sources; nothing is imported for it."""

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

Graph = Mapping[str, set[str]]
_HOLDS_STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)


def modules(root: Path, *packages: str) -> dict[str, Path]:
    """The modules below some folders of a tree, by their names."""
    files = (path for package in packages for path in (root / package).rglob("*.py"))
    return {_name(path.relative_to(root)): path for path in files}


def _name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph(known: Mapping[str, Path], *, typing: bool) -> dict[str, set[str]]:
    """What each module imports of the known ones, also within functions.

    Args:
        known: the modules by their names.
        typing: whether what is imported for the type checker alone counts as well.
    """
    return {name: set(_imported(path, known, typing=typing)) - {name} for name, path in known.items()}


def _imported(path: Path, known: Mapping[str, Path], *, typing: bool) -> Iterator[str]:
    for node in _imports(path.read_text(), typing=typing):
        match node:
            case ast.Import(names=names):
                yield from (one.name for one in names if one.name in known)
            case ast.ImportFrom(module=str(module), names=names):
                for one in names:
                    full = f"{module}.{one.name}"
                    yield from (name for name in (full if full in known else module,) if name in known)


@cache
def _imports(text: str, *, typing: bool) -> list[ast.Import | ast.ImportFrom]:
    """The imports of a module, of which a text without the word has no others for the type checker."""
    if typing and "TYPE_CHECKING" not in text:
        return _imports(text, typing=False)
    return [one for one in _statements(ast.parse(text), typing=typing) if isinstance(one, ast.Import | ast.ImportFrom)]


def _statements(node: ast.AST, *, typing: bool) -> Iterator[ast.AST]:
    """The statements below a node, without the branches for the type checker unless they count."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _HOLDS_STATEMENTS):
            continue
        if typing or not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)):
            yield from _statements(child, typing=typing)
        else:
            yield from (below for one in child.orelse for below in _statements(one, typing=typing))


def with_loaded(edges: Graph, known: Mapping[str, Path]) -> dict[str, set[str]]:
    """The same with what a module loads by its name: with `import_module`, any module of its own folder."""
    loading = {one for one, path in known.items() if "import_module(" in path.read_text()}
    return {one: others | (_beside(one, known) if one in loading else set()) for one, others in edges.items()}


def _beside(name: str, known: Mapping[str, Path]) -> set[str]:
    folder = known[name].parent
    return {one for one, path in known.items() if folder in path.parents} - {name}


def cycles(edges: Graph) -> set[frozenset[str]]:
    """The modules that import each other, in groups; a module alone is none.

    >>> sorted(map(sorted, cycles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": set()})))
    [['b', 'c']]
    """
    further = {one: reached(edges, one) for one in edges}
    groups = (frozenset(other for other in further[one] if one in further[other]) for one in edges)
    return {group for group in groups if group}


def reached(edges: Graph, start: str) -> set[str]:
    """The modules that a module imports, itself or by way of others.

    >>> sorted(reached({"a": {"b"}, "b": {"c"}, "c": set(), "d": set()}, "a"))
    ['b', 'c']
    """
    found, fresh = set[str](), set(edges[start])
    while fresh:
        found |= fresh
        fresh = {further for one in fresh for further in edges[one]} - found
    return found


def within(edges: Graph, *packages: str) -> dict[str, set[str]]:
    """The imports among the modules of some packages.

    >>> within({"core.a": {"core.b", "infra.c"}, "core.b": set(), "infra.c": {"core.a"}}, "core")
    {'core.a': {'core.b'}, 'core.b': set()}
    """
    inside = {one for one in edges if one.partition(".")[0] in packages}
    return {one: edges[one] & inside for one in edges if one in inside}


def folders(edges: Graph) -> dict[str, set[str]]:
    """The same for whole folders: what stands in a package, as in `core.drift`.

    >>> folders({"core.drift.count": {"core.errors", "core.drift.grid"}, "core.errors": set()})
    {'core.drift': {'core.errors'}, 'core.errors': set()}
    """
    found: dict[str, set[str]] = {}
    for one, others in edges.items():
        found.setdefault(_folder(one), set()).update({_folder(other) for other in others} - {_folder(one)})
    return found


def _folder(name: str) -> str:
    return ".".join(name.split(".")[:2])
