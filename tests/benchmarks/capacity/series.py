"""The CloudWatch series of NAB (MIT), 5-minute steps, with the windows of their anomalies; beside the project, in `../shared/data`."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.business.checks import Floats

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "cloudwatch"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudWatchSeries:
    """A series as it was published: its rows count as steps, also where one is missing.

    Attributes:
        name: of its file.
        values: shape (n,).
        windows: first and last row of each labelled window.
    """

    name: str
    values: Floats
    windows: tuple[tuple[int, int], ...]


def series(folder: Path = DATA) -> Iterator[CloudWatchSeries]:
    """All series, by name; none where the folder is absent."""
    labels = folder / "anomaly_windows.json"
    windows = json.loads(labels.read_text()) if labels.exists() else {}
    for name in sorted(windows):
        with (folder / name).open() as lines:
            rows = list(csv.reader(lines))[1:]
        places = {at: place for place, (at, _) in enumerate(rows)}
        yield CloudWatchSeries(
            name=name.removesuffix(".csv"),
            values=np.array([float(value) for _, value in rows]),
            windows=tuple((places[first[:19]], places[last[:19]]) for first, last in windows[name]),
        )
