"""What the keys mean: the docstrings below the fields of the dataclasses, as editors show them."""

import ast
import inspect
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from itertools import pairwise

from core.settings.declare import Setting


def help_of(kind: type, setting: Setting) -> str:
    """What a key means; where its field has no docstring, what its own dataclass says of itself."""
    return _docstrings(kind).get(setting.name) or summary(setting.spec.kind)


def summary(kind: object) -> str:
    """The first line of what a dataclass says of itself; empty for any other type."""
    return (kind.__doc__ or "").partition("\n")[0] if is_dataclass(kind) else ""


@cache
def _docstrings(kind: type) -> Mapping[str, str]:
    """The docstrings of the fields of a dataclass and of its bases, by their names."""
    found: dict[str, str] = {}
    for base in filter(is_dataclass, reversed(kind.__mro__)):
        [definition] = ast.parse(inspect.getsource(base)).body
        for statement, after in pairwise(definition.body if isinstance(definition, ast.ClassDef) else ()):
            match statement, after:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = " ".join(text.split())
    return found
