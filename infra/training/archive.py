"""The modules that a component imports, as a text that puts them where Python finds them.

KFP ships the source of one function. What it imports of this repository goes with it: the modules, found by their imports,
without comments and docstrings, in an archive whose bytes depend on nothing else.
"""

import ast
import base64
import io
import lzma
import tarfile
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from infra.stage import ROOT

_PACKAGES = ("core", "functions", "infra")
LARGEST = 120_000
"""Characters of a component's source: Linux takes 131,072 bytes as one argument of a program."""
_HEAD = """\
import base64, io, sys, tarfile, tempfile
_folder = tempfile.mkdtemp()
_how = {{"filter": "data"}} if hasattr(tarfile, "data_filter") else {{}}  # Python before 3.11.4 has none
tarfile.open(fileobj=io.BytesIO(base64.b64decode("{data}"))).extractall(_folder, **_how)
sys.path.insert(0, _folder)
"""


def prefixed(source: str) -> str:
    """The source of a component, after a head that makes the modules that it imports importable.

    Raises:
        ValueError: it is larger than a program's argument may be.
    """
    files = dict(_files(source))
    if not files:
        return source
    text = _HEAD.format(data=base64.b64encode(_packed(files)).decode()) + source
    if len(text) > LARGEST:
        raise ValueError(f"component: must be at most {LARGEST} characters with what it imports, got {len(text)}")
    return text


def _files(source: str) -> Iterator[tuple[str, bytes]]:
    """The files behind what a source imports, and behind what those import, by their names."""
    waiting, seen = [*_read(source)[0]], set[str]()
    while waiting:
        name = waiting.pop()
        path = _path(name)
        if name in seen or path is None:
            continue
        seen.add(name)
        parts = name.split(".")
        waiting += [".".join(parts[:end]) for end in range(1, len(parts))]
        text = path.read_text()
        imported, bare = _read(text)
        waiting += imported
        yield path.relative_to(ROOT).as_posix(), bare
        if "import_module(" in text:  # of a registry, whose modules are beside it
            waiting += [f"{name}.{each.stem}" for each in path.parent.glob("*.py")]
        if ".sql" in text:
            yield from ((each.relative_to(ROOT).as_posix(), each.read_bytes()) for each in path.parent.glob("*.sql"))


@cache  # the components of a pipeline import mostly the same
def _read(source: str) -> tuple[tuple[str, ...], bytes]:
    """What a source imports of ours, and the source without comments and docstrings."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    imported = tuple(_imported(nodes))
    _strip(nodes)
    return imported, ast.unparse(tree).encode()


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """The modules of ours that a source imports, also within functions, and names that may be modules."""
    for node in nodes:
        names: Iterable[str] = ()
        match node:
            case ast.Import(names=listed):
                names = [one.name for one in listed]
            case ast.ImportFrom(module=str(module), names=listed):
                names = [module, *(f"{module}.{one.name}" for one in listed)]
        yield from (name for name in names if name.partition(".")[0] in _PACKAGES)


def _path(module: str) -> Path | None:
    base = ROOT / module.replace(".", "/")
    return next((path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()), None)


def _strip(nodes: Iterable[ast.AST]) -> None:
    """Remove the docstrings."""
    for node in nodes:
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        match node.body:
            case [ast.Expr(value=ast.Constant(value=str())), *rest]:
                node.body = rest or [ast.Pass()]


def _packed(files: dict[str, bytes]) -> bytes:
    """The files in the order of their names, owned by nobody and of no time; compressed as one, which halves them."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, data in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return lzma.compress(target.getvalue(), preset=6)  # as small as by 9: they are fewer bytes than its dictionary has
