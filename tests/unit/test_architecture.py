"""The arrows between our modules run one way, and core changes nothing that it is given."""

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from infra import stage
from tests.support.checks import imports

CHANGING = {
    *("add", "append", "clear", "discard", "extend", "insert", "pop", "popitem", "remove", "setdefault", "sort"),
    *("reverse", "update", "fill", "put", "resize"),
}
"""Methods that change lists, dictionaries, sets and arrays."""


@cache
def imported(*, typing: bool = True) -> imports.Graph:
    """What each module imports, by default also for the type checker alone."""
    return imports.graph(imports.modules(stage.ROOT, "core", "functions", "infra"), typing=typing)


@pytest.mark.parametrize("typing", [False, True], ids=["when it runs", "for the type checker as well"])
def test_no_module_imports_itself_by_way_of_others(*, typing: bool) -> None:
    assert imports.cycles(imports.within(imported(typing=typing), "core", "functions")) == set()


@pytest.mark.parametrize(("package", "free"), [("core", {"core"}), ("functions", {"core", "functions"})])
def test_a_package_imports_only_what_is_below_it(package: str, free: set[str]) -> None:
    own = {one: others for one, others in imported().items() if one.partition(".")[0] == package}
    outside = [(one, other) for one, others in own.items() for other in others if other.partition(".")[0] not in free]
    assert outside == []


def test_the_folders_of_core_do_not_import_each_other_in_circles() -> None:
    assert imports.cycles(imports.folders(imports.within(imported(), "core"))) == set()


def crossing(edges: imports.Graph, root: Path) -> dict[str, set[str]]:
    """By folder of `functions`, the functions it imports beside itself; a folder is a function's that has a main.py."""
    functions = {f"functions.{path.parent.name}" for path in (root / "functions").glob("*/main.py")}
    found = imports.folders(imports.within(edges, "functions"))
    return {folder: others & functions for folder, others in found.items() if others & functions}


def test_nothing_imports_a_function() -> None:
    assert crossing(imported(), stage.ROOT) == {}


OWN_LIMITS = {
    "bounded_response": "is given its seconds",
    "changes": "waits for 2 s, and tells in a thread of its own",
    "live_feed": "of the API, which has no deadline of a message",
    "metrics_wire": "is given its seconds",
    "net": "is given its deadline",
    "postgresql_pool": "a statement ends after the patience of the store, by the server",
    "writer": "asks for 1 s, once in a process",
}
"""Adapters that wait and take no seconds from what is left of a request, and why."""


def test_adapters_take_their_timeouts_from_what_is_left_of_the_request() -> None:
    folder = stage.ROOT / "functions" / "adapters"
    waits = re.compile(r"timeout(=|\":)|\bDeadline\(|\blimits\(")
    unlimited = {
        path.stem
        for path in folder.rglob("*.py")
        if "probes" not in path.parts and waits.search(text := path.read_text()) and "request_deadline" not in text
    }
    by_limits = {path.stem for path in folder.rglob("*.py") if "actions.calls import" in path.read_text()}
    assert unlimited - by_limits <= OWN_LIMITS.keys()


def test_adapters_and_services_know_nothing_of_the_runtime() -> None:
    found = imports.folders(imports.within(imported(), "functions"))
    assert {"functions.adapters", "functions.services"} <= found.keys()
    assert [
        folder for folder in ("functions.adapters", "functions.services") if "functions.runtime" in found[folder]
    ] == []


NUMERIC = ("numpy", "scipy")
"""Packages that only some archives have."""


@cache
def loaded() -> imports.Graph:
    """What each module loads when it runs, also by its name."""
    return imports.with_loaded(imported(typing=False), imports.modules(stage.ROOT, "core", "functions"))


@cache
def numeric() -> dict[str, set[str]]:
    """Which of `NUMERIC` each module imports."""
    texts = {name: path.read_text() for name, path in imports.modules(stage.ROOT, "core", "functions").items()}
    return {
        name: set(re.findall(rf"^ *(?:import|from) ({'|'.join(NUMERIC)})\b", text, re.MULTILINE))
        for name, text in texts.items()
    }


@pytest.mark.parametrize("function", sorted(stage.deployment()["functions"]))
def test_an_archive_has_the_numeric_packages_that_its_modules_import(function: str) -> None:
    own = imports.reached(loaded(), f"functions.{function}.main")
    required = tomllib.loads((stage.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    has = {one for one in NUMERIC if any(given.startswith(one) for given in required[function.replace("_", "-")])}
    assert {one: numeric()[one] - has for one in own if numeric()[one] - has} == {}


def changes(path: Path) -> Iterator[str]:
    """Where a function of a module changes what it is given, itself apart."""
    for function in ast.walk(ast.parse(path.read_text())):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            given = {one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)}
            for node in ast.walk(function):
                if _root(node) in given - {"self"}:
                    yield f"{path.relative_to(stage.ROOT)}:{node.lineno}: {ast.unparse(node)}"  # type: ignore[attr-defined] # a place in the source


def _root(node: ast.AST) -> str:
    """The name whose attribute or item a node sets, deletes, or changes by a method; empty where it does none of it."""
    match node:
        case (
            ast.Attribute(value=inside, ctx=ast.Store() | ast.Del())
            | ast.Subscript(value=inside, ctx=ast.Store() | ast.Del())
        ):
            pass
        case ast.Call(func=ast.Attribute(attr=method, value=inside)) if method in CHANGING:
            pass
        case _:
            return ""
    while isinstance(inside, ast.Attribute | ast.Subscript):
        inside = inside.value
    return inside.id if isinstance(inside, ast.Name) else ""


def test_core_changes_nothing_that_it_is_given() -> None:
    assert [change for path in sorted((stage.ROOT / "core").rglob("*.py")) for change in changes(path)] == []


@pytest.mark.parametrize(
    "change",
    ["given.x[1] = 2", "given.x = 2", "del given.x", "given.x.append(2)", "given.x += 2", "given[0].y.clear()"],
)
def test_a_change_of_what_is_given_is_found(change: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "ROOT", tmp_path)
    path = tmp_path / "module.py"
    path.write_text(f"def f(given, *, other=1):\n    own = [given]\n    own.append(other)\n    {change}\n")
    assert [found.partition(": ")[0] for found in changes(path)] == ["module.py:4"]


def test_a_circle_and_a_wrong_arrow_are_found(tmp_path: Path) -> None:
    texts = {
        "core/a.py": "from core.b import x\n",
        "core/b.py": "def f():\n    import core.c\n",
        "core/c.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from core import a\n",
        "functions/one/main.py": "from functions.adapters.x import y\nfrom functions.two.main import z\n",
        "functions/two/main.py": "",
        "functions/adapters/x.py": "",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    known = imports.modules(tmp_path, "core", "functions")
    assert imports.cycles(imports.graph(known, typing=False)) == set()
    edges = imports.graph(known, typing=True)
    assert imports.cycles(edges) == {frozenset({"core.a", "core.b", "core.c"})}
    assert crossing(edges, tmp_path) == {"functions.one": {"functions.two"}}


STEP = re.compile(r"\| `(?P<file>[\w/]+\.py)` \| `(?P<name>\w+)` \|$", re.MULTILINE)
STEPS = STEP.findall((stage.ROOT / "docs" / "architecture.md").read_text())


def test_the_guide_follows_a_tick_and_an_alert_step_by_step() -> None:
    assert len(STEPS) >= 20


@pytest.mark.parametrize(("file", "name"), STEPS)
def test_each_step_of_the_guide_is_where_it_says(file: str, name: str) -> None:
    tree = ast.parse((stage.ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
