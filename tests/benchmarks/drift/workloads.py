"""Windows with and without drift, from a seed."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Window = dict[str, NDArray[Any]]
Draw = Callable[[np.random.Generator, int], NDArray[Any]]

FEATURES = 50
SHIFTED = 5
CATEGORIES = 20


def _normal(rng: np.random.Generator, rows: int) -> NDArray[Any]:
    return rng.standard_normal(rows)


def _lognormal(rng: np.random.Generator, rows: int) -> NDArray[Any]:
    return rng.lognormal(0.0, 1.0, rows)


def _ties(rng: np.random.Generator, rows: int) -> NDArray[Any]:
    return np.round(rng.standard_normal(rows) * 2)


def _categories(rng: np.random.Generator, rows: int) -> NDArray[Any]:
    return rng.integers(0, CATEGORIES, rows)


DRAWS: Mapping[str, Draw] = {
    "normal": _normal,
    "lognormal": _lognormal,
    "ties": _ties,
    "20 categories": _categories,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A reference, a window, and which features of it were moved."""

    reference: Window
    current: Window
    categorical: tuple[str, ...]
    moved: frozenset[str]


def window(rng: np.random.Generator, draw: Draw, rows: int) -> Window:
    """Independent columns of one distribution."""
    return {f"f{k}": draw(rng, rows) for k in range(FEATURES)}


def undrifted(rng: np.random.Generator, kind: str, rows: int, windows: int, refit: int) -> Iterator[Case]:
    """Windows without drift; a new reference every `refit` windows, of 5,000 rows or as many as the window."""
    draw = DRAWS[kind]
    categorical = tuple(f"f{k}" for k in range(FEATURES)) if kind == "20 categories" else ()
    reference: Window = {}
    for k in range(windows):
        if k % refit == 0:
            reference = window(rng, draw, max(rows, 5000))
        current = window(rng, draw, rows)
        yield Case(reference=reference, current=current, categorical=categorical, moved=frozenset())


def shifted(rng: np.random.Generator, shift: float, rows: int, windows: int, refit: int) -> Iterator[Case]:
    """Normal windows of which `SHIFTED` features moved by `shift` sd."""
    moved = frozenset(f"f{k}" for k in range(SHIFTED))
    for case in undrifted(rng, "normal", rows, windows, refit):
        current = {name: column + shift if name in moved else column for name, column in case.current.items()}
        yield Case(reference=case.reference, current=current, categorical=(), moved=moved)


def other_changes(rng: np.random.Generator, rows: int, windows: int) -> Iterator[Case]:
    """Windows of which one feature changed in another way than by its mean, one way after the other."""
    reference = window(rng, _normal, rows)
    reference["f1"] = _categories(rng, rows)
    for k in range(windows):
        current = window(rng, _normal, rows)
        current["f1"] = _categories(rng, rows)
        moved = _change(rng, k, current)
        yield Case(reference=reference, current=current, categorical=("f1",), moved=frozenset({moved}))


def _change(rng: np.random.Generator, way: int, current: Window) -> str:
    rows = current["f0"].size
    hit = rng.random(rows) < 0.08
    ways: tuple[tuple[str, Callable[[], NDArray[Any]]], ...] = (
        ("f0", lambda: current["f0"] * 1.4),
        ("f1", lambda: np.where(hit, 3, current["f1"])),
        ("f1", lambda: np.where(hit, 99, current["f1"])),
        ("f2", lambda: np.where(hit, np.nan, current["f2"])),
        ("f3", lambda: (current["f3"] + np.where(rng.random(rows) < 0.5, -1.5, 1.5)) / np.sqrt(1 + 1.5**2)),
        ("f4", lambda: np.full(rows, 0.5)),
    )
    name, change = ways[way % len(ways)]
    current[name] = change()
    return name
