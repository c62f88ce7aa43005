"""A generated billing export, in the shape of Google's detailed export: no real account was billed.

Two billing accounts, one of them in euros, with services that an ML platform uses. What a service costs on a day follows from the date
and a fixed seed, so that every start makes the same rows. As in a real export, most of a day comes some hours after it and the rest on
the next day; some days are corrected nine days later; a month ends with its taxes; some charges have credits; some have no label.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

TABLE = "telemetry.billing_export"
SEED = 20_261_130
RATE = 0.92
"""Euros for a dollar."""
_DAY = timedelta(days=1)
_FIRST, _REST = timedelta(hours=5), timedelta(hours=29)
"""When the two parts of a day are exported, after it."""
_CORRECTED = timedelta(days=9)
_MAIN = 0.7
"""Share of a day that comes first."""
_TAX = 0.19
_INCIDENT = 23
"""On one day of so many the endpoint costs four times as much."""
Row = dict[str, Any]
_PAIRS = pa.list_(pa.struct({"key": pa.string(), "value": pa.string()}))
_INSTANT = pa.timestamp("us", "UTC")
SCHEMA = pa.schema(
    {
        "billing_account_id": pa.string(),
        "service": pa.struct({"id": pa.string(), "description": pa.string()}),
        "sku": pa.struct({"id": pa.string(), "description": pa.string()}),
        "usage_start_time": _INSTANT,
        "usage_end_time": _INSTANT,
        "project": pa.struct({"id": pa.string(), "name": pa.string(), "labels": _PAIRS}),
        "labels": _PAIRS,
        "location": pa.struct({name: pa.string() for name in ("location", "country", "region", "zone")}),
        "resource": pa.struct({"name": pa.string(), "global_name": pa.string()}),
        "export_time": _INSTANT,
        "cost": pa.float64(),
        "currency": pa.string(),
        "currency_conversion_rate": pa.float64(),
        "usage": pa.struct({"amount": pa.float64(), "unit": pa.string()}),
        "credits": pa.list_(pa.struct({"name": pa.string(), "amount": pa.float64(), "type": pa.string()})),
        "invoice": pa.struct({"month": pa.string()}),
        "cost_type": pa.string(),
        "cost_at_list": pa.float64(),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What is charged every day.

    Attributes:
        service: as the export names it.
        sku: what is paid for.
        dollars: on a usual day.
        labels: of the resource.
        weekday: the only weekday on which it is charged, 0 is Monday; None for all.
        credit: share that is credited.
        euros: whether it is of the account in euros.
        resource: its name.
        by_load: how much of it follows the days of the week, 0 to 1.
    """

    service: str
    sku: str
    dollars: float
    labels: tuple[tuple[str, str], ...] = ()
    weekday: int | None = None
    credit: float = 0.0
    euros: bool = False
    resource: str = ""
    by_load: float = 0.1


_FLIGHTS = (("model", "flight-delay"), ("team", "flight-operations"))
_TRAINING = (*_FLIGHTS, ("pipeline", "flight-delay-training"))
LINES = (
    Line(
        service="Vertex AI",
        sku="Vertex AI: Online/Batch Prediction N1 Predefined Instance Core running in Americas",
        dollars=16.4,
        labels=_FLIGHTS,
        resource="endpoints/flight-delay",
        by_load=0.5,
    ),
    Line(
        service="Vertex AI",
        sku="Vertex AI: Training N1 Predefined Instance Core",
        dollars=38.0,
        labels=_TRAINING,
        weekday=0,
    ),
    Line(service="BigQuery", sku="Analysis (us)", dollars=6.1, by_load=0.4),
    Line(service="BigQuery", sku="Analysis (us)", dollars=1.3, labels=(("service", "aia"), ("model", "flight-delay"))),
    Line(service="BigQuery", sku="Active Logical Storage (us)", dollars=2.1),
    Line(
        service="Cloud Run",
        sku="Services CPU (Request-based billing) in us-central1",
        dollars=3.2,
        labels=(("team", "ml-platform"),),
    ),
    Line(
        service="Compute Engine",
        sku="N2 Instance Core running in Iowa",
        dollars=21.0,
        labels=(("team", "data-platform"), ("pipeline", "features")),
        credit=0.1,
        resource="instances/features-1",
        by_load=0.05,
    ),
    Line(service="Cloud Storage", sku="Standard Storage US Multi-region", dollars=1.7),
    Line(service="Networking", sku="Network Inter Region Data Transfer Out", dollars=0.9, by_load=0.5),
    Line(
        service="Compute Engine",
        sku="N2 Instance Core running in Frankfurt",
        dollars=7.5,
        labels=(("team", "data-platform"),),
        euros=True,
        resource="instances/mirror-1",
    ),
)


def rows(start: datetime, end: datetime) -> list[Row]:
    """The rows that are exported at or after `start` and before `end`, in order."""
    first = (start - _CORRECTED - 2 * _DAY).date()
    days = (first + timedelta(days=n) for n in range((end.date() - first).days + 1))
    found = [row for day in days for row in _of_day(day) if start <= row["export_time"] < end]
    return sorted(found, key=lambda row: row["export_time"])


def table(start: datetime, end: datetime) -> pa.Table:
    """The same, as a table."""
    return pa.Table.from_pylist(rows(start, end), schema=SCHEMA)


def _of_day(day: date) -> Iterator[Row]:
    """All rows about the usage of a day."""
    rng = np.random.default_rng([SEED, day.toordinal()])
    for number, line in enumerate(LINES):
        noise = float(rng.normal(1.0, 0.04))
        if line.weekday is not None and line.weekday != day.weekday():
            continue
        dollars = line.dollars * noise * (1 + line.by_load * (0.2 if day.weekday() < 5 else -0.5))  # noqa: PLR2004 - Saturday
        if line.resource == "endpoints/flight-delay" and day.toordinal() % _INCIDENT == 0:
            dollars *= 4
        cost = round(dollars * (RATE if line.euros else 1.0), 6)
        yield _row(line, day, cost * _MAIN, _FIRST)
        yield _row(line, day, cost * (1 - _MAIN), _REST)
        if (day.toordinal() + number) % 31 == 0:
            yield _row(line, day, -0.15 * cost, _CORRECTED) | {"cost_type": "adjustment"}
    if (day + _DAY).day == 1:
        yield _tax(day)


def _tax(day: date) -> Row:
    """The taxes of a month, on its last day: of the account in euros only."""
    line = next(line for line in LINES if line.euros)
    taxed = line.dollars * RATE * day.day * _TAX
    return _row(line, day, round(taxed, 2), _REST) | {"cost_type": "tax", "labels": [], "credits": []}


def _row(line: Line, day: date, cost: float, delay: timedelta) -> Row:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    region, country = ("europe-west3", "DE") if line.euros else ("us-central1", "US")
    project = "ml-mirror" if line.euros else "ml-platform"
    credit = {"name": "Sustained Usage Discount", "amount": -line.credit * cost, "type": "SUSTAINED_USAGE_DISCOUNT"}
    return {
        "billing_account_id": "01E0E0-000002-EUR000" if line.euros else "01E0E0-000001-USD000",
        "service": {"id": line.service.upper().replace(" ", "-"), "description": line.service},
        "sku": {"id": line.sku[:14], "description": line.sku},
        "usage_start_time": start,
        "usage_end_time": start + _DAY,
        "project": {"id": project, "name": project, "labels": []},
        "labels": [{"key": key, "value": value} for key, value in line.labels],
        "location": {"location": region, "country": country, "region": region, "zone": None},
        "resource": {
            "name": line.resource or None,
            "global_name": (line.resource and f"//{project}/{line.resource}") or None,
        },
        "export_time": start + _DAY + delay,
        "cost": cost,
        "currency": "EUR" if line.euros else "USD",
        "currency_conversion_rate": RATE if line.euros else 1.0,
        "usage": {"amount": 24.0, "unit": "hour"},
        "credits": [credit] if line.credit else [],
        "invoice": {"month": f"{day:%Y%m}"},
        "cost_type": "regular",
        "cost_at_list": cost,
    }
