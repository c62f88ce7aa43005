"""The places of networks, of a file that the user gives: the columns `network`, `latitude` and `longitude`, as GeoLite2's blocks have them."""

import csv
import logging
from collections.abc import Iterator
from pathlib import Path

from core.security.places import Place, Places

FOLDER = Path(__file__).resolve().parents[2] / "infra" / "places"
"""Its place in an archive, and in the sources."""
MOST = 300_000
"""Networks; the memory of an instance has room for as many."""
log = logging.getLogger(__name__)


def read_places(name: str | None, folder: Path = FOLDER) -> Places:
    """The places of a file; none where no file is named.

    Raises:
        ValueError: a row is not as it must be; the message has its number.
        OSError: the file cannot be read.
    """
    if name is None:
        return Places()
    with (folder / name).open(newline="", encoding="utf-8") as file:
        return Places(_rows(csv.DictReader(file), name))


def _rows(rows: Iterator[dict[str, str]], name: str) -> Iterator[tuple[str, Place]]:
    for number, row in enumerate(rows, 2):
        if number > MOST:
            log.warning("%s: only the first %d networks are read", name, MOST)
            return
        if row.get("latitude") and row.get("longitude"):  # GeoLite2 leaves them empty where it knows none
            try:
                yield row["network"], Place(float(row["latitude"]), float(row["longitude"]))
            except (KeyError, ValueError) as error:
                raise ValueError(f"{name}:{number}: must have network, latitude and longitude: {error}") from error
