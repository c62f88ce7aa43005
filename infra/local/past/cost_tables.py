"""The costs of the business in memory: the statements on the billing export, by their rules.

Reads are answered from the rows that had been exported when the mart was written last, as if all of it had been rebuilt then.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.settings import Billing
from functions.bi_rollup.cost_anomalies import CostPoint
from functions.bi_rollup.costs import CostDay, CostOfModel, CostSpan, CostTotal, ModelCostDay

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A line of the export, or the credits of one; None where an amount or the rate is not valid."""

    day: datetime
    exported_at: datetime
    service: str
    model: str | None
    pipeline: str | None
    team: str | None
    category: str
    billed: float | None
    effective: float | None
    dollars: float | None


class CostTables:
    """The statements on the billing export.

    Args:
        rows: of the export.
        billing: the settings of it.
    """

    def __init__(self, rows: Iterable[Row], billing: Billing) -> None:
        self._charges = sorted((one for row in rows for one in charges(row, billing)), key=lambda one: one.day)
        self._exported_until = datetime.min.replace(tzinfo=UTC)
        self._model_costs: dict[tuple[datetime, str], ModelCostDay] = {}

    @property
    def statements(self) -> dict[str, Callable[..., Any]]:
        """By name."""
        return {
            "changed_cost_days": self._changed_days,
            "cost_by_model": self._by_model,
            "cost_series": self._series,
            "cost_span": self._span,
            "cost_totals": self._totals,
            "write_costs_daily": self._write,
            "write_model_costs": self._write_model_costs,
        }

    def _changed_days(self, since: datetime, oldest: datetime, exported_until: datetime) -> list[CostDay]:
        days = {one.day for one in self._charges if since <= one.exported_at < exported_until and one.day >= oldest}
        return [CostDay(day=day) for day in sorted(days)]

    def _write(
        self, day_since: datetime, day_until: datetime, days: Sequence[datetime], exported_until: datetime
    ) -> None:
        del day_since, day_until, days
        self._exported_until = exported_until

    def _known(self, since: datetime, until: datetime) -> list[Charge]:
        return [one for one in self._charges if since <= one.day < until and one.exported_at < self._exported_until]

    def _span(self, since: datetime, until: datetime) -> list[CostSpan]:
        known = [one.day for one in self._known(since, until)]
        return [CostSpan(oldest=min(known, default=None), newest=max(known, default=None))]

    def _totals(self, since: datetime, until: datetime) -> list[CostTotal]:
        groups: dict[tuple[Any, ...], list[Charge]] = defaultdict(list)
        for one in self._known(since, until):
            groups[one.day, one.service, one.model, one.pipeline, one.team].append(one)
        order = sorted(groups, key=lambda key: (*key[:2], *(name or "" for name in key[2:])))
        return [_total(key, groups[key]) for key in order]

    def _series(
        self, since: datetime, until: datetime, services: Sequence[str], models: Sequence[str]
    ) -> list[CostPoint]:
        dollars: dict[tuple[str, str, datetime], float] = defaultdict(float)
        for one in self._known(since, until):
            if one.category == "Tax":
                continue
            if one.service in services:
                dollars["service", one.service, one.day] += one.dollars or 0.0
            if one.model is not None and one.model in models:
                dollars["model", one.model, one.day] += one.dollars or 0.0
        return [
            CostPoint(dimension=dimension, name=name, day=day, dollars=amount)
            for (dimension, name, day), amount in sorted(dollars.items())
        ]

    def _write_model_costs(self, since: datetime, until: datetime, costs: Sequence[ModelCostDay]) -> None:
        kept = {key: row for key, row in self._model_costs.items() if not since <= key[0] < until}
        self._model_costs = kept | {(row.day, row.model): row for row in costs}

    def _by_model(self, since: datetime, until: datetime) -> list[CostOfModel]:
        rows: dict[str, list[ModelCostDay]] = defaultdict(list)
        for (day, model), row in self._model_costs.items():
            if since <= day < until:
                rows[model].append(row)
        return [_of_model(model, rows[model]) for model in sorted(rows)]


def charges(row: Row, billing: Billing) -> Iterator[Charge]:
    """A line of the export, and its credits, as `billing_rows.sql` has them."""
    charged, credited = _number(row["cost"]), _credited(row)
    net = None if charged is None or credited is None else charged + credited
    rate = _rate(row)
    day = (row["usage_start_time"] or row["export_time"]).replace(hour=0, minute=0, second=0, microsecond=0)
    keys = {name: _label(row, getattr(billing.labels, name)) for name in ("model", "pipeline", "team")}
    service = (row["service"] or {}).get("description") or "unknown"
    common = {"day": day, "exported_at": row["export_time"], "service": service, **keys}
    dollars = None if net is None or rate is None else net / rate
    yield Charge(**common, category=_category(row), billed=charged, effective=net, dollars=dollars)
    if row["credits"]:
        yield Charge(**common, category="Credit", billed=credited, effective=0.0, dollars=0.0)


def _credited(row: Row) -> float | None:
    amounts = [credit["amount"] for credit in row["credits"] or () if credit["amount"] is not None]
    return _number(math.fsum(amounts)) if all(map(math.isfinite, amounts)) else None


def _rate(row: Row) -> float | None:
    rate = _number(row["currency_conversion_rate"])
    if (row["currency"] or "USD") == "USD":
        return 1.0
    return rate if rate is not None and rate > 0 else None


def _category(row: Row) -> str:
    kind = row["cost_type"] or "regular"
    if kind != "regular":
        return "Tax" if kind == "tax" else "Adjustment"
    return "Purchase" if ((row["sku"] or {}).get("description") or "").startswith("Commitment") else "Usage"


def _label(row: Row, key: str) -> str | None:
    """The label of the resource, or else of its project."""
    for labels in (row["labels"], (row["project"] or {}).get("labels")):
        values = [label["value"] for label in labels or () if label["key"] == key and label["value"]]
        if values:
            return str(max(values))
    return None


def _number(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _total(key: tuple[Any, ...], found: Sequence[Charge]) -> CostTotal:
    day, service, model, pipeline, team = key
    return CostTotal(
        day=day,
        service=service,
        model=model,
        pipeline=pipeline,
        team=team,
        dollars=math.fsum(one.dollars or 0.0 for one in found if one.category != "Tax"),
        tax=math.fsum(one.dollars or 0.0 for one in found if one.category == "Tax"),
        missing_amount=sum(one.billed is None for one in found),
        invalid_rate=sum(one.effective is not None and one.dollars is None for one in found),
    )


def _of_model(model: str, rows: Sequence[ModelCostDay]) -> CostOfModel:
    counts = [row.predictions for row in rows if row.predictions is not None]
    return CostOfModel(
        model=model,
        dollars=math.fsum(row.dollars for row in rows),
        predictions=sum(counts) if counts else None,
        days_without_count=len(rows) - len(counts),
    )
