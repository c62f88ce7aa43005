"""How the statistics of `core.statistics` are computed: a module each, of the statistic's name."""

from collections.abc import Collection, Iterable, Mapping
from importlib import import_module

import numpy as np

from core.drift.bins import Bins
from core.drift.columns import ProfileError
from core.drift.overlay import Numbers
from core.drift.statistics.method import Method, Values
from core.statistics import STATISTICS

__all__ = ["DECIDING", "METHODS", "Method", "Values", "chosen", "compute"]


def _method(name: str) -> Method:
    method: Method = import_module(f"{__name__}.{name}").METHOD
    return method


METHODS: Mapping[str, Method] = {name: _method(name) for name in STATISTICS}
"""By name, in the order of the registry."""

DECIDING = tuple(name for name, method in METHODS.items() if method.decides)
"""The statistics that the verdict rests on, whichever are reported."""


def chosen(names: Collection[str]) -> tuple[str, ...]:
    """The names in the order of the registry.

    Raises:
        ProfileError: one of them names no statistic.

    >>> chosen(["psi", "ks"])
    ('ks', 'psi')
    """
    if unknown := [name for name in names if name not in METHODS]:
        raise ProfileError(f"statistics: must be of {', '.join(METHODS)}, got {unknown[0]!r}")
    return tuple(name for name in METHODS if name in names)


def compute(names: Iterable[str], bins: Bins, numbers: Numbers | None = None) -> dict[str, Values]:
    """What each statistic says of the features of one kind, by name; without those that compare numbers where there are none."""
    with np.errstate(divide="ignore", invalid="ignore"):  # bins that hold no row
        found = {name: METHODS[name].compute(bins, numbers) for name in names}
    return {name: values for name, values in found.items() if values is not None}
