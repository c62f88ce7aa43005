"""Rows of somebody's table that make no sense: left out, counted and told, and no reason to measure nothing."""

import logging
from collections.abc import Iterator, Mapping

from functions.adapters.logs import fields
from functions.bi_rollup.figures import Figure

log = logging.getLogger(__name__)
WHAT = {
    ("orders", "unknown"): "orders not counted: their amount or outcome is not understood",
    ("orders", "without_id"): "orders without an id: one that is delivered twice counts twice",
    ("orders", "source"): "sources without figures of their own: the largest are shown, the rest as one more, other",
    ("market", "without_amount"): "sales not counted: their amount is no number",
    ("market", "without_id"): "sales without an id: one that is delivered twice counts twice",
    ("market", "company"): "companies left out: what they sold is not known, or below 0",
    ("spending", "without_amount"): "amounts not counted: they are no number",
    ("spending", "kind"): "kinds left out: what was spent on them is not known",
}
"""What is told, by the table (a key of `business` in the settings) and the flaw."""


def told(table: str, counts: Mapping[str, int]) -> Iterator[Figure]:
    """How many rows have each flaw, as figures and in the log.

    Args:
        table: which.
        counts: by flaw.
    """
    for flaw, count in counts.items():
        if count:
            log.warning(WHAT[table, flaw], extra=fields(count=count))
        yield Figure("aia_business_flawed_rows", float(count), {"table": table, "flaw": flaw})
