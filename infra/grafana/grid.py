"""Places tiles of 48 columns on Grafana's 24, whose rows are twice as high and whose headings take one."""

from collections.abc import Sequence
from itertools import pairwise

from grafana_foundation_sdk.models.dashboard import GridPos

from functions.api.layout import Tile

COLUMNS = 24


def places(tiles: Sequence[Tile], columns: int) -> list[GridPos]:
    """The place of each tile, in order; relative positions stay.

    Raises:
        ValueError: a tile would start or end between two columns.
    """
    heights = _heights(tiles)
    return [
        GridPos(
            x=_column(tile.x_pos, columns),
            y=sum(height for start, height in heights.items() if start < tile.y_pos),
            w=_column(tile.width, columns),
            h=sum(height for start, height in heights.items() if tile.y_pos <= start < tile.y_pos + tile.height),
        )
        for tile in tiles
    ]


def _heights(tiles: Sequence[Tile]) -> dict[int, int]:
    """How high each band of the grid becomes, by where it starts: a band lies between two edges of tiles."""
    edges = sorted({edge for tile in tiles for edge in (tile.y_pos, tile.y_pos + tile.height)})
    headings = {tile.y_pos for tile in tiles if tile.widget.section_header}
    return {start: 1 if start in headings else max(1, (end - start) // 2) for start, end in pairwise(edges)}


def _column(given: int, columns: int) -> int:
    if given * COLUMNS % columns:
        raise ValueError(f"xPos, width: must be a multiple of {columns // COLUMNS}, got {given}")
    return given * COLUMNS // columns
