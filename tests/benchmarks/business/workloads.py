"""Real series, cut at several days into a history and a future."""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HISTORY = 370
HORIZON = 30
CUTS = (370, 430, 500, 560, 640, 700, 761)
CARRIERS = ("UA", "DL", "B6", "AA", "WN", "VX", "F9", "YV", "US")
COUNTRIES = ("United Kingdom", "Germany", "France", "EIRE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A history and its future."""

    history: Floats
    future: Floats
    season: int


def cash(path: Path, part: int) -> list[Case]:
    """NN5: daily withdrawals from cash machines in England; part 0 is what was tuned on, part 1 what is reported."""
    cases = []
    for whole in _series(path, "nn5_daily")[part::2]:
        known = np.concatenate(whole)
        cases += [_cut(known, at, HISTORY) for at in CUTS if at + HORIZON <= known.size]
    return cases


def competition(path: Path, name: str, part: int) -> list[Case]:
    """The series of a competition with all of their history, and its test set."""
    season = 1 if name == "m4_weekly" else {"nn5_daily": 7, "m3_monthly": 12, "m4_hourly": 24}[name]
    return [Case(history=history, future=future, season=season) for history, future in _series(path, name)[part::2]]


def flights(path: Path) -> list[Case]:
    """Miles flown a day out of New York in 2013, by carrier: nearly a timetable, with days of storm."""
    table = pq.read_table(path, columns=["carrier", "scheduled", "distance"])
    days = _days(table["scheduled"])
    carriers = np.array(table["carrier"].to_pylist())
    miles = table["distance"].to_numpy().astype(np.float64)
    return [case for name in CARRIERS for case in _cuts(_daily(days, miles, carriers == name))]


def shop(path: Path) -> list[Case]:
    """What a shop of gifts earned a day in 2011, net, by country and in all: closed on Saturdays, and wholesale orders."""
    table = pq.read_table(path, columns=["InvoiceDate", "Quantity", "UnitPrice", "Country"])
    days = _days(table["InvoiceDate"])
    countries = np.array(table["Country"].to_pylist())
    dollars = table["Quantity"].to_numpy() * table["UnitPrice"].to_numpy()
    chosen = [np.ones(days.size, dtype=np.bool_), countries != "United Kingdom"]
    chosen += [countries == name for name in COUNTRIES]
    return [case for mask in chosen for case in _cuts(_daily(days, dollars, mask))]


def revenue_a_day(path: Path) -> Floats:
    """What the shop earned a day in all, net."""
    table = pq.read_table(path, columns=["InvoiceDate", "Quantity", "UnitPrice"])
    dollars = table["Quantity"].to_numpy() * table["UnitPrice"].to_numpy()
    return _daily(_days(table["InvoiceDate"]), dollars, np.ones(dollars.size, dtype=np.bool_))


def naive(case: Case) -> Floats:
    """The seasonal naive forecast."""
    return np.resize(case.history[-case.season :], case.future.size)


def _series(path: Path, name: str) -> list[tuple[Floats, Floats]]:
    with gzip.open(path, "rt") as text:
        found: Mapping[str, list[dict[str, list[float]]]] = json.load(text)[name]
    return [(np.array(one["train"]), np.array(one["test"])) for one in found["series"]]


def _days(column: object) -> NDArray[np.int64]:
    days = pc.cast(pc.cast(column, "date32"), "int32").to_numpy().astype(np.int64)
    return np.asarray(days - days.min())


def _daily(days: NDArray[np.int64], values: Floats, chosen: NDArray[np.bool_]) -> Floats:
    return np.asarray(
        np.bincount(days[chosen], weights=values[chosen], minlength=int(days.max()) + 1), dtype=np.float64
    )


def _cuts(series: Floats) -> Iterator[Case]:
    for at in range(120, series.size - HORIZON + 1, 35):
        yield _cut(series, at, series.size)


def _cut(series: Floats, at: int, history: int) -> Case:
    return Case(history=series[max(0, at - history) : at], future=series[at : at + HORIZON], season=7)
