"""The flights as columns, in the order in which they were scored."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

FLIGHTS = Path(__file__).resolve().parents[1] / "data" / "flights.parquet"
NUMERIC = (
    "departure_delay",
    "distance",
    "hour",
    "temperature",
    "dew_point",
    "wind_speed",
    "precipitation",
    "pressure",
    "visibility",
)
CATEGORICAL = ("carrier", "origin", "destination")
TRAINED_FROM = datetime(2013, 1, 1, tzinfo=UTC)
TRAINED_UNTIL = datetime(2013, 3, 1, tzinfo=UTC)

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flights:
    """Every flight of the file; all arrays have one entry a flight, ordered by `scored_at`.

    Attributes:
        scheduled: planned departure, in minutes since 1970 (UTC).
        scored_at: actual departure, when the model predicts, likewise.
        arrived_at: arrival at the gate, likewise.
        late: whether it arrived more than 15 minutes late.
        flight: the flight number.
        numeric: feature name to float32; NaN where it is missing.
        categorical: feature name to dictionary-encoded strings.
    """

    scheduled: Array
    scored_at: Array
    arrived_at: Array
    late: Array
    flight: Array
    numeric: dict[str, Array]
    categorical: dict[str, pa.DictionaryArray]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the file that `prepare` writes."""
        table = pq.read_table(path, read_dictionary=list(CATEGORICAL))
        scheduled = table["scheduled"].to_numpy().astype("datetime64[m]").astype(np.int64)
        scored_at = scheduled + table["departure_delay"].to_numpy()
        order = np.argsort(scored_at, kind="stable")
        return cls(
            scheduled=scheduled[order],
            scored_at=scored_at[order],
            arrived_at=(scored_at + table["elapsed"].to_numpy())[order],
            late=table["late"].to_numpy()[order],
            flight=table["flight"].to_numpy()[order],
            numeric={name: _numbers(table[name])[order] for name in NUMERIC},
            categorical={name: table[name].combine_chunks().take(pa.array(order)) for name in CATEGORICAL},
        )

    def __len__(self) -> int:
        return len(self.scored_at)

    @property
    def trained_on(self) -> slice:
        """The rows the model was trained on: scored in January and February, UTC."""
        first, last = np.searchsorted(self.scored_at, [minutes(TRAINED_FROM), minutes(TRAINED_UNTIL)])
        return slice(int(first), int(last))


def minutes(instant: datetime) -> int:
    """Minutes since 1970 (UTC), a started one counted in full."""
    return -int(-instant.timestamp() // 60)


def _numbers(column: pa.ChunkedArray) -> Array:
    return np.asarray(pc.cast(column, pa.float32()).to_numpy())
