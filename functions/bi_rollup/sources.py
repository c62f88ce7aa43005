"""The sources with metrics of their own: a bounded number, so that neither the work nor the metrics grow without bound."""

from dataclasses import dataclass
from datetime import datetime

from functions.bi_rollup.queries import Query, Tables

MOST = 100
"""Sources with metrics of their own, the largest ones; the rest is one more, `other`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LargestSource:
    """One of the sources with the highest revenue, and the number of all sources."""

    source: str
    total: int


LARGEST_SOURCES = Query("largest_sources", LargestSource)


def listed_sources(tables: Tables, since: datetime, until: datetime) -> tuple[list[str], int]:
    """The sources with the highest revenue in a period, and the number of the others.

    Returns:
        An empty list where there are no others: each source is listed then.
    """
    largest = tables.read(LARGEST_SOURCES, since=since, until=until, most=MOST)
    others = max(0, largest[0].total - MOST) if largest else 0
    return ([row.source for row in largest] if others else []), others
