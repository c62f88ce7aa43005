"""Which sources are shown by their names: so many that neither the job nor the metrics grow without bound."""

from datetime import datetime

from functions.adapters.ports import Warehouse
from functions.bi_rollup import statements

MOST = 100
"""Sources with figures of their own, the largest; the rest is one more, `other`."""


def named(warehouse: Warehouse, since: datetime, until: datetime) -> tuple[list[str], int]:
    """The sources that earned most in a span, where they are not all there are, and how many more there are.

    Returns:
        No names where each is shown by its own.
    """
    rows = warehouse.query(statements.SOURCES, since=since, until=until, most=MOST)
    more = max(0, rows[0]["sources"] - MOST) if rows else 0
    return ([row["source"] for row in rows] if more else []), more
