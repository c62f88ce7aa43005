"""The public series that forecasts are judged on: histories with what followed."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import workloads
from workloads import Case, Floats

ORIGINS = 26
"""Of a single series."""
_MIN_HISTORY = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    """Some histories with what followed.

    Attributes:
        name: of it.
        file: in the folder of the public data.
        cases: what is judged.
    """

    name: str
    file: str
    cases: tuple[Case, ...]


def sets(data: Path, part: int = 1) -> Iterator[Set]:
    """All sets; of competitions the series of a part: 0 is what was tuned on, 1 what is reported."""
    competitions = data / "forecast_series.json.gz"
    names = {
        "nn5_daily": "NN5, daily",
        "m3_monthly": "M3, monthly",
        "m4_hourly": "M4, hourly",
        "m4_weekly": "M4, weekly",
    }
    for key, name in names.items():
        cases = tuple(workloads.competition(competitions, key, part))
        yield Set(name=name, file=competitions.name, cases=cases)
    yield Set(name="CDNOW, dollars a day", file="CDNOW_master.txt.gz", cases=_rolling(_cdnow(data)))
    yield Set(name="Elec2, demand a day", file="elec2.csv.gz", cases=_rolling(_elec2(data)))
    yield Set(
        name="UCI retail, dollars a day",
        file="online_retail.parquet",
        cases=_rolling(workloads.revenue_a_day(data / "online_retail.parquet")),
    )


def _rolling(series: Floats, season: int = 7, horizon: int = 30) -> tuple[Case, ...]:
    origins = np.linspace(_MIN_HISTORY, series.size - horizon, ORIGINS).astype(int)
    return tuple(Case(history=series[:at], future=series[at : at + horizon], season=season) for at in origins)


def _cdnow(data: Path) -> Floats:
    with gzip.open(data / "CDNOW_master.txt.gz", "rt") as lines:
        next(lines)
        rows = [line.split() for line in lines if line.strip()]
    days = np.array([f"{row[1][:4]}-{row[1][4:6]}-{row[1][6:]}" for row in rows], dtype="datetime64[D]").astype(int)
    return np.asarray(
        np.bincount(days - days.min(), weights=np.array([float(row[3]) for row in rows])), dtype=np.float64
    )


def _elec2(data: Path) -> Floats:
    with gzip.open(data / "elec2.csv.gz", "rt") as lines:
        at = next(lines).strip().split(",").index("nswdemand")
        demand = np.array([float(line.split(",")[at]) for line in lines])
    return np.asarray(demand.reshape(-1, 48).sum(axis=1))
