"""Dashboards that are there against those that were deployed.

Cloud Monitoring gives a dashboard back with what it adds by itself, and without what is zero, false or empty. So all that was deployed
must be there; what is there in addition is compared only as far as it makes a list longer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """A dashboard: its id, and what it holds, as JSON has it."""

    id: str
    content: Mapping[str, Any]

    @property
    def title(self) -> str:
        """Its name for people."""
        return str(self.content.get("displayName", self.id))


def dashboard_differences(deployed: tuple[Dashboard, ...], found: tuple[Dashboard, ...]) -> list[str]:
    """What differs, one line a dashboard, with the first difference; dashboards that others made are left alone.

    >>> mine = Dashboard(id="1", content={"displayName": "Models", "mosaicLayout": {"tiles": [{"xPos": 0, "width": 8}]}})
    >>> dashboard_differences((mine,), (Dashboard(id="1", content={"displayName": "Models", "mosaicLayout": {"tiles": [{"width": 9}]}}),))
    ['Models: mosaicLayout.tiles[0].width must be 8, got 9']
    """
    there = {one.id: one.content for one in found}
    return sorted(
        f"{one.title}: {fault}"
        for one in deployed
        if (fault := next(_faults("", one.content, there[one.id]) if one.id in there else iter(["is missing"]), ""))
    )


def _faults(path: str, wanted: object, found: object) -> Iterator[str]:
    match wanted, found:
        case dict(), dict():
            for name, value in wanted.items():
                yield from _faults(f"{path}.{name}" if path else name, value, found.get(name))
        case list(), list() if wanted:
            yield from _list_faults(path, wanted, found)
        case _ if not _is_same(wanted, found):
            yield f"{path} {'is missing' if found is None else f'must be {wanted!r}, got {found!r}'}"


def _list_faults(path: str, wanted: list[Any], found: list[Any]) -> Iterator[str]:
    for number, (one, other) in enumerate(zip(wanted, found, strict=False)):
        yield from _faults(f"{path}[{number}]", one, other)
    if len(wanted) != len(found):
        yield f"{path} must have {len(wanted)}, got {len(found)}"


def _is_same(wanted: object, found: object) -> bool:
    """Whether two values are one: what is zero may be left out, and JSON has large whole numbers as texts."""
    if wanted == found or (found is None and _is_zero(wanted)):
        return True
    numbers = isinstance(wanted, int | float) and isinstance(found, str)
    return numbers and str(wanted) == found


def _is_zero(value: object) -> bool:
    return not value or (isinstance(value, dict) and all(map(_is_zero, value.values())))
