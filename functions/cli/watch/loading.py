"""Load jobs of `aia watch`, each of which loads its rows once, however often they are asked for."""

import io
import time
from collections.abc import Iterator
from hashlib import blake2b
from itertools import count
from typing import Final, cast

import pyarrow as pa
import pyarrow.parquet as pq
from google.api_core import exceptions as api
from google.cloud import bigquery
from google.cloud.bigquery import retry as retries
from google.cloud.bigquery.table import RowIterator

from functions.cli.watch.log import ROW

PATIENT: Final = retries.DEFAULT_RETRY.with_timeout(60.0)
"""For one request: by itself the client asks for ten minutes, in which nothing would be said."""
PAUSES: Final = (2.0, 5.0, 15.0, 30.0)
"""Seconds before rows are given again that a quota refused."""
_BUSY: Final = frozenset({"quotaExceeded", "rateLimitExceeded", "jobRateLimitExceeded", "backendError"})
_UPLOADS: Final = 3
"""How often the client repeats a request of an upload, after 1, 2 and 4 seconds."""
_CONFIG: Final = {
    "source_format": bigquery.SourceFormat.PARQUET,
    "create_disposition": bigquery.CreateDisposition.CREATE_NEVER,
    "write_disposition": bigquery.WriteDisposition.WRITE_APPEND,
}


def load_once(client: bigquery.Client, table: bigquery.Table, rows: pa.Table) -> None:
    """Append rows that a table does not have.

    The id of the job is made of theirs: a job goes on when the command that asked for it is killed, and the next command waits for it.

    Raises:
        GoogleAPICallError: they are refused; by a quota, for about a minute.
    """
    digest = blake2b("\0".join([table.table_id, *rows[ROW].to_pylist()]).encode(), digest_size=16).hexdigest()
    pauses = iter(PAUSES)
    for attempt in count():
        job, is_new = _asked(client, table, rows, f"aia_watch_{digest}_{attempt}", pauses)
        try:
            job.result(retry=PATIENT)
        except api.GoogleAPICallError as error:
            if is_new:
                _pause(error, pauses)
            continue
        if is_new or not missing(client, table.dataset_id + "." + table.table_id, rows).num_rows:
            return


def missing(client: bigquery.Client, table: str, rows: pa.Table) -> pa.Table:
    """Those of the rows whose ids a table does not have, or which is not there; each id once."""
    known, kept = ids(client, table), []
    for index, row in enumerate(rows[ROW].to_pylist()):
        if row not in known:
            known.add(row)
            kept.append(index)
    return rows.take(pa.array(kept, pa.int64()))


def ids(client: bigquery.Client, table: str) -> set[str]:
    """Of the rows of a table; none where it is not there."""
    try:
        statement = f"SELECT {ROW} AS id FROM `{table.replace('.', '`.`')}`"  # noqa: S608 - a name of ours
        return {row.id for row in run(client, statement)}
    except api.NotFound:
        return set()


def run(client: bigquery.Client, statement: str, *parameters: bigquery.ArrayQueryParameter) -> RowIterator:
    """Run a statement of ours; the rows of its result."""
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    # Without job_retry=None the client repeats it for ten minutes, whatever `retry` says.
    return client.query_and_wait(statement, job_config=config, retry=PATIENT, job_retry=None)  # type: ignore[arg-type] # as the documentation has it


def _asked(
    client: bigquery.Client, table: bigquery.Table, rows: pa.Table, job_id: str, pauses: Iterator[float]
) -> tuple[bigquery.LoadJob, bool]:
    """The job of an id, and whether it was not there before."""
    file = io.BytesIO()
    pq.write_table(rows, file)
    config = bigquery.LoadJobConfig(**_CONFIG)
    named = {"job_id": job_id, "location": table.location}
    while True:
        try:
            job = client.load_table_from_file(
                file, table.reference, rewind=True, num_retries=_UPLOADS, job_config=config, **named
            )
        except api.Conflict:
            return cast("bigquery.LoadJob", client.get_job(**named, retry=PATIENT)), False
        except api.GoogleAPICallError as error:
            _pause(error, pauses)
        else:
            return job, True


def _pause(error: api.GoogleAPICallError, pauses: Iterator[float]) -> None:
    """Wait where a quota refused; raise any other error, and that of a quota where it was waited for."""
    is_busy = any(one.get("reason") in _BUSY for one in error.errors)
    seconds = next(pauses, None) if is_busy else None
    if seconds is None:
        raise error
    time.sleep(seconds)
