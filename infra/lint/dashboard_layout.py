"""Checks of dashboards beside their queries: valid for Google's API, and laid out to be read."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations
from typing import Any

from google.cloud.monitoring_dashboard_v1 import Dashboard
from google.protobuf.json_format import MessageToDict, ParseError

from infra.lint.dashboard_files import TITLES_ONLY, Dashboards, Tile, fault
from infra.lint.fault import Fault

KINDS = {"xyChart", "scorecard", "timeSeriesTable", *TITLES_ONLY}
"""Widgets that the page draws as well as Google does."""
COLUMNS = 48
LONGEST = 30
"""Rows of the grid that a tile is high at most: more fit on no screen."""
STAKEHOLDERS = {"executive", "technical", "operations", "business"}


def unreadable(boards: Dashboards) -> list[Fault]:
    """Files that are not JSON."""
    return list(boards.faults)


def refused(boards: Dashboards) -> list[Fault]:
    """What Google's API does not know: keys and values of no message, and what would come back otherwise than it was sent."""
    return [fault for file in boards.documents for fault in _refused(boards, file)]


def _refused(boards: Dashboards, file: str) -> Iterator[Fault]:
    try:
        back = _taken(boards.texts[file])
    except ParseError as error:
        yield fault(file, f"Google's API does not take it: {error}")
        return
    if back != boards.documents[file]:
        yield fault(file, f"comes back otherwise than it was sent: {_first_difference(boards.documents[file], back)}")


@lru_cache(maxsize=64)
def _taken(text: str) -> dict[str, Any]:
    """What Google's API makes of a dashboard that it takes."""
    return MessageToDict(Dashboard.pb(Dashboard.from_json(text, ignore_unknown_fields=False)))


def _first_difference(given: object, back: object, path: str = "$") -> str:
    """The first difference of two documents; the API omits zeros, so they must not be written."""
    if isinstance(given, dict) and isinstance(back, dict):
        for key in sorted({*given, *back}):
            if given.get(key) != back.get(key):
                return _first_difference(given.get(key), back.get(key), f"{path}.{key}")
    if isinstance(given, list) and isinstance(back, list):
        for index, (one, other) in enumerate(zip(given, back, strict=False)):
            if one != other:
                return _first_difference(one, other, f"{path}[{index}]")
    return f"{path} is {given!r}, and comes back as {back!r}"


def unnamed(boards: Dashboards) -> list[Fault]:
    """Dashboards without a name or a stakeholder, and names that the server gives."""
    faults = []
    for file, document in boards.documents.items():
        faults += [
            fault(file, f"must not have {key}, which the server gives") for key in ("name", "etag") if key in document
        ]
        if not document.get("displayName"):
            faults.append(fault(file, "must have a displayName"))
        if document.get("labels", {}).get("stakeholder") not in STAKEHOLDERS:
            faults.append(fault(file, f"labels.stakeholder must be one of {', '.join(sorted(STAKEHOLDERS))}"))
        if document.get("mosaicLayout", {}).get("columns") != COLUMNS:
            faults.append(fault(file, f"must be a mosaicLayout of {COLUMNS} columns"))
    return faults


def untitled(boards: Dashboards) -> list[Fault]:
    """Tiles without a title or with that of another, and widgets that the page does not draw."""
    times = Counter((tile.file, tile.title) for tile in boards.tiles)
    faults = [tile.fault("must have a title") for tile in boards.tiles if re.fullmatch(r"tile \d+", tile.title)]
    counted = ((tile, times[tile.file, tile.title]) for tile in boards.tiles)
    faults += [tile.fault(f"is the title of {count} tiles") for tile, count in counted if count > 1]
    strange = (tile for tile in boards.tiles if tile.kind not in KINDS)
    return faults + [tile.fault(f"must be one of {', '.join(sorted(KINDS))}, got {tile.kind!r}") for tile in strange]


def misplaced(boards: Dashboards) -> list[Fault]:
    """Tiles that are out of bounds, overlap or leave a gap."""
    return [fault for file in boards.documents for fault in _misplaced(file, boards.of(file))]


def _misplaced(file: str, tiles: list[Tile]) -> Iterator[Fault]:
    for tile in tiles:
        x, y, width, height = tile.place
        if x < 0 or y < 0 or width < 1 or not 1 <= height <= LONGEST or x + width > COLUMNS:
            yield tile.fault(f"must lie within {COLUMNS} columns and be 1 to {LONGEST} high, got {tile.place}")
    for one, other in combinations(tiles, 2):
        if _overlap(one.place, other.place):
            yield one.fault(f"lies over {other.title!r}")
    bottom = max((tile.place[1] + tile.place[3] for tile in tiles), default=0)
    covered = sum(tile.place[2] * tile.place[3] for tile in tiles)
    if covered != COLUMNS * bottom:
        yield fault(
            file, f"{COLUMNS * bottom - covered} of {COLUMNS * bottom} cells of the grid are empty, or covered twice"
        )


def _overlap(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(one[axis] < other[axis] + other[axis + 2] and other[axis] < one[axis] + one[axis + 2] for axis in (0, 1))


CHECKS = (unreadable, refused, unnamed, untitled, misplaced)
