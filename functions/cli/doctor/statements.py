"""Every statement of the functions, by dry runs: whether BigQuery takes it, what it reads, and what that costs a day."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, Final

from core.business.prices import SCAN_DOLLARS_PER_TIB
from core.business.scans import Partitioning, ScanSource, TableScan
from core.settings.cron import starts_on
from core.text import money
from functions.cli.doctor.findings import Finding, Verdict
from functions.cli.doctor.google import AskError, Google, Json
from functions.services.table_scans import measure

FUNCTIONS: Final = Path(__file__).resolve().parents[2]
LEAST_BYTES: Final = 10 * 2**20
"""That BigQuery bills for each table of a statement."""
LARGE_BYTES: Final = 2**30
"""A statement that reads less is not worth pruning."""
_DAY: Final = date(2026, 1, 5)
"""By which runs are counted: a Monday."""
_TIB: Final = 2**40
_WHOLE: Final = 0.95
_REFUSED: Final = 400
_ABSENT: Final = (_REFUSED, 404)
_DAYS_A_MONTH: Final = 30


def texts() -> dict[str, str]:
    """The statements that are whole as they stand, by their file; the others are built from the settings."""
    files = sorted(FUNCTIONS.rglob("*.sql"))
    found = {path.relative_to(FUNCTIONS).as_posix(): path.read_text() for path in files}
    return {name: text for name, text in found.items() if "{" not in text and "cli/" not in name}


def statements(google: Google, jobs: Mapping[str, str]) -> Iterator[Finding]:
    """A finding for each statement.

    Args:
        google: runs them, dry: nothing is read or paid.
        jobs: the schedules by function, by which a statement runs so often.
    """
    sizes: dict[str, int] = {}
    for name, sql in texts().items():
        try:
            query = _dry_run(google, sql)
        except AskError as error:
            verdict = Verdict.BAD if error.status == _REFUSED else Verdict.NOT_KNOWN
            yield Finding(check="statement", subject=name, verdict=verdict, detail=str(error))
            continue
        cron = jobs.get(name.partition("/")[0])
        yield _judged(google, name, query, starts_on(cron, _DAY) if cron else 0, sizes)


def tables(google: Google, sources: Iterable[ScanSource], at: datetime) -> Iterator[Finding]:
    """The tables of the settings, as the statements that are built from these read them; bad where all of one is read.

    Args:
        google: runs the reads, dry.
        sources: what is read of each, how far back, and how often.
        at: now.
    """
    for source in sorted(sources, key=attrgetter("table", "timestamp")):
        try:
            scan = measure(source, partial(_bytes_of, google), at)
            yield _scanned(scan, partitioned=scan.whole > 0 or _is_partitioned(google, source.table))
        except AskError as error:
            verdict = Verdict.BAD if error.status in _ABSENT else Verdict.NOT_KNOWN
            yield Finding(check="table", subject=source.table, verdict=verdict, detail=str(error))


def _scanned(scan: TableScan, *, partitioned: bool) -> Finding:
    dollars = scan.dollars_per_month / _DAYS_A_MONTH
    detail = f"{_told(scan.period)} of {_told(scan.whole)} each time, {dollars:,.2f} $ a day"
    if scan.partitioning is Partitioning.UNPARTITIONED or not partitioned:
        detail = (
            f"not partitioned, so that every statement reads all of it: {scan.advice or 'aia costs tables'}; {detail}"
        )
        return Finding(check="table", subject=scan.source.table, verdict=Verdict.BAD, detail=detail, dollars=dollars)
    return Finding(check="table", subject=scan.source.table, verdict=Verdict.GOOD, detail=detail, dollars=dollars)


def _is_partitioned(google: Google, table: str) -> bool:
    """What the table says of itself, where it has no row to read."""
    *_, dataset, name = table.split(".")
    project = table.split(".", maxsplit=1)[0] if table.count(".") > 1 else google.project
    found = _table(google, {"projectId": project, "datasetId": dataset, "tableId": name})
    return bool(found.keys() & {"timePartitioning", "rangePartitioning", "view"})


def _bytes_of(google: Google, sql: str, **parameters: Any) -> int:  # noqa: ANN401 - as of `BytesOf`
    given = [
        {"name": name, "parameterType": {"type": "TIMESTAMP"}, "parameterValue": {"value": value.isoformat()}}
        for name, value in parameters.items()
    ]
    return int(_dry_run(google, sql, given).get("totalBytesProcessed", 0))


def _judged(google: Google, name: str, query: Json, runs: int, sizes: dict[str, int]) -> Finding:
    tables: list[Json] = query.get("referencedTables", [])
    read = int(query.get("totalBytesProcessed", 0))
    billed = max(read, LEAST_BYTES * len(tables))
    dollars = runs * billed / _TIB * SCAN_DOLLARS_PER_TIB
    detail = f"{_told(read)}, " + (f"{money(dollars)} a day" if runs else "when somebody asks")
    judged = Finding(check="statement", subject=name, verdict=Verdict.GOOD, detail=detail, dollars=dollars)
    if read < LARGE_BYTES:
        return judged
    whole = sum(_size(google, table, sizes) for table in tables)
    if read >= _WHOLE * whole:
        return replace(
            judged, verdict=Verdict.BAD, detail=f"{detail}: it reads its tables whole, no partition is pruned"
        )
    return replace(judged, detail=f"{detail}, of {_told(whole)}")


def _told(size: int) -> str:
    """Bytes for people.

    >>> _told(0), _told(15 * 2**20), _told(3 * 2**40)
    ('0 MiB', '15 MiB', '3,072 GiB')
    """
    return f"{size / 2**20:,.0f} MiB" if size < LARGE_BYTES else f"{size / LARGE_BYTES:,.0f} GiB"


def _dry_run(google: Google, sql: str, parameters: Sequence[Json] = ()) -> Json:
    """The statistics of a statement; a dry run takes parameters that nobody gave, and infers their types."""
    query = {"query": sql, "useLegacySql": False, "parameterMode": "NAMED", "queryParameters": list(parameters)}
    body = {"configuration": {"dryRun": True, "query": query}}
    job = google.call("POST", "bigquery", f"bigquery/v2/projects/{google.project}/jobs", body)
    found: Any = job.get("statistics", {}).get("query")
    if not isinstance(found, dict):
        raise AskError("bigquery answers a dry run without statistics")
    return found


def _size(google: Google, table: Json, sizes: dict[str, int]) -> int:
    key = ".".join(str(table.get(part, "")) for part in ("projectId", "datasetId", "tableId"))
    if key not in sizes:
        sizes[key] = int(_table(google, table).get("numBytes", 0))
    return sizes[key]


def _table(google: Google, table: Json) -> Json:
    path = f"bigquery/v2/projects/{table['projectId']}/datasets/{table['datasetId']}/tables/{table['tableId']}"
    return google.call("GET", "bigquery", path)
