"""The compact file: what is kept of the source, and the arithmetic of its clocks."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.replay.flights import FLIGHTS, Flights
from infra.local.replay.prepare import elapsed_minutes, prepare, write

FLIGHT: dict[str, Any] = {
    "dep_time": 517.0,
    "dep_delay": 2.0,
    "arr_time": 830.0,
    "arr_delay": 11.0,
    "air_time": 227.0,
    "carrier": "UA",
    "flight": 1545,
    "origin": "EWR",
    "dest": "IAH",
    "distance": 1400,
    "hour": 5,
    "minute": 15,
    "time_hour": "2013-01-01T10:00:00Z",
}
HOUR: dict[str, Any] = {
    "origin": "EWR",
    "time_hour": "2013-01-01T10:00:00Z",
    "temp": 39.02,
    "dewp": 28.04,
    "wind_speed": None,
    "precip": 0.0,
    "pressure": 1011.9,
    "visib": 10.0,
}


def flights_of(*changes: dict[str, Any]) -> pa.Table:
    schema = pa.Table.from_pylist([FLIGHT]).schema
    return pa.Table.from_pylist([FLIGHT | change for change in changes], schema=schema)


def weather_of(*changes: dict[str, Any]) -> pa.Table:
    schema = pa.Table.from_pylist([HOUR | {"wind_speed": 1.0}]).schema
    return pa.Table.from_pylist([HOUR | change for change in changes], schema=schema)


def test_a_flight_gets_the_weather_of_its_origin_and_planned_hour() -> None:
    other_place, other_hour = {"origin": "JFK", "temp": 1.0}, {"time_hour": "2013-01-01T11:00:00Z", "temp": 2.0}
    [row] = prepare(flights_of({}), weather_of(other_place, other_hour, {})).table.to_pylist()
    assert row["temperature"] == pytest.approx(39.02, abs=1e-5)
    assert row["wind_speed"] is None
    assert row["scheduled"] == datetime(2013, 1, 1, 10, 15, tzinfo=UTC)


def test_a_flight_without_weather_is_kept_with_nothing_filled_in() -> None:
    [row] = prepare(flights_of({}), weather_of({"origin": "JFK"})).table.to_pylist()
    weather = ("temperature", "dew_point", "wind_speed", "precipitation", "pressure", "visibility")
    assert [row[name] for name in weather] == [None] * 6


def test_cancelled_and_diverted_flights_are_left_out_and_counted() -> None:
    cancelled = {"dep_time": None, "dep_delay": None, "arr_time": None, "arr_delay": None, "air_time": None}
    diverted = {"arr_delay": None, "air_time": None}
    prepared = prepare(flights_of({}, cancelled, cancelled, diverted), weather_of({}))
    assert (len(prepared.table), prepared.cancelled, prepared.diverted) == (1, 2, 1)


@pytest.mark.parametrize(("delay", "late"), [(15.0, False), (16.0, True), (-20.0, False)])
def test_late_is_more_than_fifteen_minutes(delay: float, late: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    assert prepare(flights_of({"arr_delay": delay}), weather_of({})).table["late"].to_pylist() == [late]


@pytest.mark.parametrize(
    ("flight", "minutes"),
    [
        ({}, 253),  # Houston is an hour behind
        ({"dep_time": 2350.0, "arr_time": 303.0}, 253),  # over midnight
        ({"dep_time": 2400.0, "arr_time": 313.0}, 253),  # midnight itself
        ({"dest": "BOS", "dep_time": 900.0, "arr_time": 1000.0, "air_time": 38.0}, 60),
        ({"dest": "SJU", "dep_time": 800.0, "arr_time": 1230.0, "air_time": 190.0}, 210),  # an hour ahead in winter
        (
            {
                "dest": "SJU",
                "dep_time": 800.0,
                "arr_time": 1130.0,
                "air_time": 190.0,
                "time_hour": "2013-07-01T09:00:00Z",
            },
            210,  # and level with New York in summer
        ),
    ],
)
def test_elapsed_time_is_free_of_the_clocks_of_both_ends(flight: dict[str, Any], minutes: int) -> None:
    assert elapsed_minutes(flights_of(flight)).tolist() == [minutes]


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = flights_of({}, {"flight": 7}, {"carrier": "AA"}, {"minute": 10})
    for name, order in (("a", [0, 1, 2, 3]), ("b", [3, 1, 0, 2])):
        write(prepare(source.take(order), weather_of({})).table, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_shipped_file_is_small_and_holds_what_its_sources_note_says() -> None:
    table = pq.read_table(FLIGHTS)
    assert FLIGHTS.stat().st_size < 3 << 20
    assert len(table) == 327_346
    assert {name: table[name].null_count for name in ("visibility", "temperature", "wind_speed", "pressure")} == {
        "visibility": 1527,
        "temperature": 1544,
        "wind_speed": 1605,
        "pressure": 36_142,
    }
    note = (FLIGHTS.parent / "SOURCES.md").read_text()
    assert all(words in note for words in ("327,346", "8,255", "1,175", "1,527", "36,142", "CC0"))


def test_flights_are_read_in_the_order_in_which_they_left() -> None:
    flights = Flights.read(FLIGHTS)
    assert (np.diff(flights.scored_at) >= 0).all()
    assert (flights.arrived_at - flights.scored_at >= 30).all()
    assert np.array_equal(flights.scored_at - flights.scheduled, flights.numeric["departure_delay"])
    assert flights.trained_on.stop == 49_854
