"""The bill of a month for the settings as they are, in ten lines: an estimate by list prices (docs/costs.md)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from core.text import money
from infra.costs import report
from infra.costs.bill import BIGQUERY, OTHER_SERVICES, reckon
from infra.costs.facts import facts
from infra.costs.prices import AS_OF, PRICES
from infra.costs.workload import BY_SLOTS, Workload

SETTINGS: Final = Path(__file__).resolve().parent / "monitoring.yaml"
OLDER_CONDITION: Final = 1.50
"""Dollars a month of a condition by the guide that announced charges for alert policies; docs/deploy.md has both sources."""

PARTS: Final = {"BigQuery": tuple(key for keys in BIGQUERY.values() for key in keys), **OTHER_SERVICES}


def workload(settings: Mapping[str, Any]) -> Workload:
    """The models of the settings; what these do not say, such as rows a day, is that of the stated workloads.

    >>> found = workload({"models": [{"table": "telemetry.a", "label": {}}, {"table": "telemetry.a"}]})
    >>> found.models, found.tables, found.labelled
    (2, 1, 0.5)
    """
    models = settings.get("models") or []
    count = max(len(models), 1)
    return Workload(
        models=count,
        tables=len({model["table"] for model in models}) or 1,
        labelled=sum("label" in model for model in models) / count,
    )


def bill(load: Workload, *, verbose: bool = False) -> str:
    """A line for each service, what is free, and the sum; then, where it is wanted, every line with its factors.

    Args:
        load: that of the settings.
        verbose: whether the arithmetic follows.
    """
    found, conditions = reckon(load, BY_SLOTS, facts()), facts().conditions
    rows = [(name, f"{found.of(*keys):,.2f}") for name, keys in PARTS.items()]
    rows += [("less what is free every month", f"-{found.free:,.2f}"), ("sum", f"{found.dollars:,.2f}")]
    more = conditions * (OLDER_CONDITION - PRICES["conditions"].dollars)
    models = f"{load.models:,} model{'s' * (load.models > 1)}"
    head = f"Bill of a month in $, by list prices of {AS_OF}: {models}, {load.rows:,} predictions of each a day"
    older = f"{conditions} conditions of alerts at the older price of {money(OLDER_CONDITION)} would add {money(more)}; instances that always run, $10 each"
    lines = [head, *(f"  {name:<40}{amount:>12}" for name, amount in rows), older]
    return "\n".join([*lines, "", report.arithmetic(load)] if verbose else lines)
