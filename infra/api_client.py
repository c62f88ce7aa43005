"""The typed client of the API in Python, made from the operations that it declares; `make openapi` writes it.

What it asks by is `functions/cli/api.py`; a type is that of the answer's schema, which is imported by type checkers only.
"""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args, get_origin

from functions.api.operation import Operation
from functions.api.operations import GROUPS

FOLDER: Final = Path(__file__).parents[1] / "functions" / "cli" / "client"
_WRITTEN: Final = "Written by `make openapi`: do not change it here."
_GROUP: Final = '''"""The operations of `{group}` as typed methods. {written}"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Sequence

{imports}


class {name}(Asking):
    """Asks them."""

    __slots__ = ()
'''
_WHOLE: Final = '''"""The operations of the API as typed methods. {written}"""

{imports}


class Client({names}):
    """Asks the API at an address; every method raises `RefusedError` where it refuses, or does not answer."""

    __slots__ = ()
'''
_KINDS: Final = {"integer": "int", "string": "str", "array": "Sequence[str]"}


def modules(groups: Mapping[str, Sequence[Operation]] = GROUPS) -> dict[Path, str]:
    """The modules of the client: one for each group of operations, and the one that has them all."""
    names = {group: f"{group.capitalize()}Client" for group in groups}
    imports = "\n".join(f"from functions.cli.client.{group} import {name}" for group, name in names.items())
    found = {FOLDER / f"{group}.py": _group(group, names[group], operations) for group, operations in groups.items()}
    return found | {
        FOLDER / "__init__.py": _WHOLE.format(written=_WRITTEN, imports=imports, names=", ".join(names.values()))
    }


def formatted() -> dict[Path, str]:
    """The modules as the formatter and the linter leave them."""
    return {path: _formatted(path, text) for path, text in modules().items()}


def _group(group: str, name: str, operations: Sequence[Operation]) -> str:
    types: dict[str, set[str]] = defaultdict(set)
    for one in operations:
        for kind in (one.answers, one.takes):
            for named in _named(kind):
                types[named.__module__].add(named.__name__)
    imports = "\n".join(
        f"    from {module} import {', '.join(sorted(found))}" for module, found in sorted(types.items())
    )
    methods = "\n".join(line for one in operations for line in _method(one))
    return _GROUP.format(group=group, name=name, written=_WRITTEN, imports=imports) + methods + "\n"


def _formatted(path: Path, text: str) -> str:
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--fix", "--select", "F401,I", "--quiet"], ["format"]):
        asked = [ruff, *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(asked, input=text, capture_output=True, text=True, check=True).stdout
    return text


def _named(kind: Any) -> Iterator[Any]:  # noqa: ANN401 - a type
    """The classes of ours that a type names."""
    if get_origin(kind):
        for one in get_args(kind):
            yield from _named(one)
    elif getattr(kind, "__module__", "").startswith(("core.", "functions.")):
        yield kind


def _spelt(kind: Any) -> str:  # noqa: ANN401 - a type
    if get_origin(kind):
        return f"{get_origin(kind).__name__}[{', '.join(map(_spelt, get_args(kind)))}]"
    return "Any" if kind is Any else str(kind.__name__)


def _method(one: Operation) -> Iterator[str]:
    arguments = [f"{name}: {'int' if name in _whole(one) else 'str'}" for name in re.findall(r"{(\w+)}", one.path)]
    arguments += [f"body: {_spelt(one.takes)}"] if one.takes else []
    keywords = [f"{each.name}: {_KINDS[each.kind.schema['type']]} | None = None" for each in one.parameters]
    arguments += ["*", *keywords] if keywords else []
    parts = map(_part, one.path.removeprefix("/").split("/"))
    address = f"path({', '.join([*parts, *(f'{each.name}={each.name}' for each in one.parameters)])})"
    yield ""
    yield f"    def {one.name}({', '.join(['self', *arguments])}) -> {_spelt(one.answers)}:"
    yield f'        """{one.summary}."""'
    if one.answers is str:
        yield f"        return self._text({address})"
        return
    asked = [f'"{one.method}"', address, *(["body"] if one.takes else [])]
    yield f'        return cast("{_spelt(one.answers)}", self._ask({", ".join(asked)}))'


def _part(text: str) -> str:
    """A part of a path as an argument.

    >>> _part("{week}"), _part("{week}.txt"), _part("send")
    ('week', 'f"{week}.txt"', '"send"')
    """
    if found := re.fullmatch(r"{(\w+)}", text):
        return found[1]
    return f'f"{text}"' if "{" in text else f'"{text}"'


def _whole(one: Operation) -> frozenset[str]:
    return frozenset(name for name, how in one.converts.items() if how == "int")
