"""Parts of BigQuery's emulator, and how one is replaced by another."""

import functools
import importlib
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

Part: TypeAlias = Any
"""A part of the emulator or of its libraries; they have no types."""


class PatchError(RuntimeError):
    """The emulator is not the version that is changed here."""


def part(module: str, path: str) -> Part:
    """A part: `part("bqemulator.cli", "main")`.

    Raises:
        PatchError: it is not there; says which version is installed.
    """
    try:
        found: Part = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        version = getattr(sys.modules.get("bqemulator"), "__version__", "unknown")
        raise PatchError(f"bqemulator {version}: {module}.{path}: must be there to be replaced: {error}") from error
    return found


def replace(module: str, path: str, make: Callable[[Part], Part]) -> None:
    """Replace a part, a function, by `make(part)`.

    Raises:
        PatchError: the part is not there.
    """
    old = part(module, path)
    owner, _, name = path.rpartition(".")
    setattr(part(module, owner) if owner else importlib.import_module(module), name, functools.wraps(old)(make(old)))
