"""The service map: which target calls which, as traces show it, and whether the settings say so."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from core.settings import Dependency

_TYPES = {"database": "database", "message": "topic", "model": "endpoint", "call": "service"}
"""The type of a called target by the kind of operation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """Calls of one service.

    Attributes:
        service: that calls.
        operation: `call`, `database`, `message` or `model`.
        name: of what is called, as in the table of spans.
        calls: their number.
    """

    service: str
    operation: str
    name: str
    calls: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDependency:
    """A dependency that traces show.

    Attributes:
        target: that depends.
        needs: what it depends on.
        calls: how often it was called.
        in_settings: whether the settings have this dependency.
    """

    target: str
    needs: str
    calls: int
    in_settings: bool


def seen(rows: Iterable[Called], models: Collection[str], known: Iterable[Dependency]) -> list[SeenDependency]:
    """The dependencies that traces show, those with the most calls first.

    Args:
        rows: calls of services.
        models: names of models; a service or an endpoint of such a name is the model.
        known: dependencies of the settings.

    >>> calls = Called(service="checkout", operation="call", name="flight-delay", calls=4100)
    >>> [(one.target, one.needs, one.in_settings) for one in seen([calls], {"flight-delay"}, [])]
    [('service/checkout', 'model/flight-delay', False)]
    """
    pairs = {(one.target, one.needs) for one in known}
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        counts[_target("service", row.service, models), _needed(row, models)] += row.calls
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [
        SeenDependency(target=pair[0], needs=pair[1], calls=calls, in_settings=pair in pairs)
        for pair, calls in ordered
        if pair[0] != pair[1]
    ]


def _needed(row: Called, models: Collection[str]) -> str:
    name = row.name.partition("/")[0] if row.operation == "database" else row.name
    return _target(_TYPES[row.operation], name, models)


def _target(kind: str, name: str, models: Collection[str]) -> str:
    return f"model/{name}" if name in models and kind in ("service", "endpoint") else f"{kind}/{name}"
