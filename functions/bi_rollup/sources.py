"""Which sources are shown by their names: so many that neither the job nor the metrics grow without bound."""

from datetime import datetime

from functions.bi_rollup.ports import OrderTables

MOST = 100
"""Sources with figures of their own, the largest; the rest is one more, `other`."""


def named(tables: OrderTables, since: datetime, until: datetime) -> tuple[list[str], int]:
    """The sources that earned most in a span, where they are not all there are, and how many more there are.

    Returns:
        No names where each is shown by its own.
    """
    largest, everything = tables.largest_sources(since, until, MOST)
    more = max(0, everything - MOST)
    return (largest if more else []), more
