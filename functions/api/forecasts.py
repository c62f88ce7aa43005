"""Every forecast that the system keeps, as it was made, and how right those before it were."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from core.settings import Settings
from functions.adapters.ports import Clock, Data, Warehouse
from functions.api.cache import Cache
from functions.api.listing import LAST, LONGEST, Place, next_cursor, read_cursor
from functions.api.parameters import PAGED, RANGE, Parameter, Several, Text, next_step, range_of

METRICS = ("revenue", "daily_revenue", "lifetime_value", "costs", "capacity")
"""What is forecast."""
PARAMETERS = (
    Parameter("metric", Several(METRICS), "What is forecast."),
    Parameter("subject", Text(LONGEST), "Of what: a source of revenue, a resource, or an item of costs."),
    *RANGE,
    *PAGED,
)
USUAL = timedelta(days=30)
"""How far back from the end of a range it begins, where nobody says."""
PATIENCE = 12.0
"""Seconds that a page waits for the warehouse."""
FORECASTS = (Path(__file__).parent / "forecasts.sql").read_text()
ACCURACY = (Path(__file__).parent / "forecast_accuracy.sql").read_text()
_FRESH_SECONDS = 60.0
_TRACKED: Mapping[str, tuple[str, str]] = {
    "aia_forecast_total_error_ratio": ("revenue", "error"),
    "aia_forecast_total_scaled_error_ratio": ("revenue", "scaled_error"),
    "aia_forecast_total_coverage_ratio": ("revenue", "coverage"),
    "aia_forecast_totals": ("revenue", "n"),
    "aia_forecast_error_ratio": ("daily_revenue", "error"),
    "aia_forecast_coverage_ratio": ("daily_revenue", "coverage"),
    "aia_customer_purchases_error": ("lifetime_value", "error"),
}
"""What each metric of a day says about which forecasts."""
_UNITS = {"lifetime_value": "purchases"}
_NAIVE = frozenset({"seasonal_naive", "naive_count"})
_MEASURES = ("error", "naive_error", "scaled_error", "coverage", "n")


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Reads what is kept of forecasts.

    Attributes:
        warehouse: has them.
        settings: have the units of resources.
        clock: now.
    """

    warehouse: Warehouse
    settings: Settings
    clock: Clock
    _cache: Cache = field(default_factory=Cache)

    def page(self, values: Mapping[str, Any]) -> Data:
        """A page of forecasts, the newest first, with the accuracy of those that it has.

        Raises:
            BodyError: the cursor is none of ours.
            UnavailableError: the warehouse does not answer.
        """
        after, most = read_cursor(values["cursor"], Place), values["limit"]
        subject = values["subject"] or ""
        since, until = range_of(values, usual=USUAL).ending(next_step(self.clock()))
        parameters: Data = {
            "since": since,
            "until": until,
            "before": after.at if after else until,
            "before_id": after.id if after else LAST,
            "kinds": [*(values["metric"] or METRICS)],
            "subjects": [subject, _as_kept(subject)],
            "most": most + 1,
        }
        found = self._read(FORECASTS, parameters)
        names = {"names": [*_TRACKED], "until": until}
        shown = [self._shown(row) for row in found[:most]]
        of = {(one["metric"], one["subject"]) for one in shown}
        accuracy = [one for one in _accuracy(self._read(ACCURACY, names)) if (one["metric"], one["subject"]) in of]
        return {
            "forecasts": shown,
            "accuracy": accuracy,
            "next": next_cursor(found, most, lambda row: Place(row["made_at"], row["id"])),
        }

    def _read(self, statement: str, parameters: Data) -> list[Data]:
        key = (statement, *(tuple(one) if isinstance(one, list) else one for one in parameters.values()))
        return self._cache.within(
            PATIENCE, key, lambda: self.warehouse.query(statement, **parameters), seconds=_FRESH_SECONDS
        )

    def _shown(self, row: Data) -> Data:
        unit = "dollars"
        if row["metric"] == "capacity":
            known = self.settings.capacity.resources if self.settings.capacity else ()
            unit = next((one.unit for one in known if one.name == row["subject"]), "")
        subject = _item(row["subject"]) if row["metric"] == "costs" else row["subject"]
        return {name: value for name, value in row.items() if name != "id"} | {"unit": unit, "subject": subject}


def _accuracy(rows: Sequence[Data]) -> list[Data]:
    """The measures of each metric and subject."""
    found: dict[tuple[str, str], Data] = {}
    for row in rows:
        if row["name"] == "capacity":
            own = {name: row[name] for name in ("naive_error", "coverage", "n")}
            _of(found, "capacity", row["labels"], row).update(own | {"error": row["value"]})
            continue
        metric, measure = _TRACKED[row["name"]]
        labels = json.loads(row["labels"])
        is_naive = labels.get("method") in _NAIVE
        if is_naive and measure != "error":
            continue  # that of repeating the last week, which is 1
        name = "naive_error" if is_naive else measure
        value = round(row["value"]) if name == "n" else row["value"]
        _of(found, metric, labels.get("source", "customers"), row)[name] = value
    return [found[key] for key in sorted(found)]


def _of(found: dict[tuple[str, str], Data], metric: str, subject: str, row: Data) -> Data:
    unknown: Data = {"unit": _UNITS.get(metric, "ratio"), **dict.fromkeys(_MEASURES)}
    begun = {"metric": metric, "subject": subject, "measured_at": row["measured_at"]} | unknown
    return found.setdefault((metric, subject), begun)


def _item(labels: str) -> str:
    """The item of costs of which a row has the labels.

    >>> _item('{"dimension": "service", "item": "BigQuery"}')
    'service/BigQuery'
    """
    known = json.loads(labels)
    return f"{known['dimension']}/{known['item']}"


def _as_kept(subject: str) -> str:
    """A subject as the tables have it: of costs, as labels.

    >>> _as_kept("service/BigQuery"), _as_kept("shop")
    ('{"dimension": "service", "item": "BigQuery"}', 'shop')
    """
    dimension, slash, item = subject.partition("/")
    return json.dumps({"dimension": dimension, "item": item}) if slash else subject
