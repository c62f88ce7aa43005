"""What the tables of the settings cost to read: dry runs once a day, which read nothing."""

import logging
from collections.abc import Iterator
from datetime import datetime

from core.business.scans import Partitioning, TableScan, scan_sources
from core.errors import QueryError
from core.settings import Settings
from functions.adapters.logs import fields
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import DAY, HOUR
from functions.services.table_scans import as_data, measure

MOST = 100
"""Tables that are measured: three dry runs each."""
log = logging.getLogger(__name__)


def scans(outside: Outside, due: datetime) -> Iterator[TableScan]:
    """The tables that can be measured; one that is refused is logged, and reported by the rollup that reads it."""
    sources = list(scan_sources(outside.settings.business, outside.models().values()))
    if len(sources) > MOST:
        log.warning("tables that are not measured", extra=fields(count=len(sources) - MOST))
    for source in sources[:MOST]:
        try:
            scan = measure(source, outside.bytes_of, due)
        except QueryError as error:
            log.warning("%s: its bytes are not known: %s", source.table, error)
            continue
        if scan.partitioning is not Partitioning.NOT_KNOWN:
            yield scan


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Measure each table."""
    found = list(scans(outside, due))
    for scan in found:
        level = logging.WARNING if scan.advice else logging.INFO
        log.log(level, "what a table costs to read", extra=fields(**as_data(scan)))
    names = dict.fromkeys(scan.source.name for scan in found)
    issues = [
        value
        for name in names
        for value in data_issues(
            name, {"unpartitioned": sum(bool(scan.advice) for scan in found if scan.source.name == name)}
        )
    ]
    return RollupResult(due=due, metrics=(*_metrics(found), *issues))


def _metrics(found: list[TableScan]) -> Iterator[MetricValue]:
    for scan in found:
        labels = {"table": scan.source.table}
        yield MetricValue("aia_table_scan_bytes", float(scan.period), labels)
        yield MetricValue("aia_table_scan_monthly_dollars", scan.dollars_per_month, labels)


def _has_tables(settings: Settings) -> bool:
    return any(scan_sources(settings.business, settings.models))


JOB = RollupJob(name="table_scans", every=DAY, max_age=DAY + HOUR, enabled=_has_tables, run=run)
