"""The warehouse on BigQuery, through its official client.

Statements run by `jobs.query`: the first answer has the rows, so that a short statement takes one request. A request that is
repeated after a lost answer has the id of the first one, by which BigQuery does not run a statement twice that changes a table.
"""

import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import msgspec
import requests
from google.api_core import exceptions as api
from google.api_core.retry import Retry
from google.auth import exceptions as auth
from google.cloud import bigquery
from google.cloud.bigquery import retry as retries

from core.errors import QueryError, UnavailableError
from functions.adapters import request_deadline
from functions.adapters.job_labels import SERVICE, current_labels
from functions.adapters.ports import Data

MOST_ROWS = 5_000
"""Rows of one streaming insert; BigQuery takes 50,000, and more than some thousand only make the answer slower."""
MOST_BYTES = 5_000_000
"""Bytes of one streaming insert; BigQuery takes 10 MB, with what stands around the rows."""
_GIB = 2**30
MOST_READ = 20.0
"""GiB that a statement may read, where the settings do not say otherwise."""
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"),  # before int, whose subclass it is
    (int, "INT64"),
    (float, "FLOAT64"),
    (str, "STRING"),
    (datetime, "TIMESTAMP"),  # before date, whose subclass it is
    (date, "DATE"),
    (bytes, "BYTES"),
)
_AS_IT_IS = frozenset({str, bool, int, type(None)})
_SIZED = msgspec.json.Encoder(enc_hook=str)
_BUSY = frozenset({"quotaExceeded", "rateLimitExceeded", "jobRateLimitExceeded", "backendError"})
_STOPPED = frozenset({"stopped", "timeout"})
"""The reasons of a job that BigQuery ended at its `jobTimeoutMs`."""
_DOWN = (
    api.ServerError,
    api.TooManyRequests,
    api.RetryError,
    auth.TransportError,
    requests.RequestException,  # also an answer that is no JSON
    TimeoutError,
)


class BigQueryWarehouse:
    """BigQuery.

    Args:
        client: BigQuery's own client.
        patience: seconds that one request is retried for while BigQuery does not answer.
        request_timeout: seconds that one request may take.
        timeout: seconds that one statement may take; BigQuery stops it then, as far as it can.
        maximum_bytes_billed: a statement that would read more is refused before it costs anything.
        function: the label of that name on every job.
    """

    def __init__(
        self,
        client: bigquery.Client,
        *,
        patience: float = 5.0,
        request_timeout: float = 30.0,
        timeout: float = 120.0,
        maximum_bytes_billed: int = int(MOST_READ * _GIB),
        function: str = "",
    ) -> None:
        self._client = client
        self._request_timeout = request_timeout
        self._timeout = timeout
        self._maximum = maximum_bytes_billed
        self._labels = {"service": SERVICE} | ({"function": function} if function else {})
        self._patience = patience

    def query(self, sql: str, **parameters: Any) -> list[Data]:  # noqa: ANN401 - a parameter is any JSON value
        """Run a GoogleSQL statement; see the port.

        A parameter's type follows from its value: `datetime` is TIMESTAMP, a list is ARRAY, a mapping is STRUCT, a list
        of mappings is ARRAY<STRUCT>. `None` and the empty list carry no type and are sent as STRING: cast them in the
        text.
        """
        with translated():
            rows = self._client.query_and_wait(
                sql,
                job_config=self._config(parameters, maximum_bytes_billed=self._maximum),
                api_timeout=request_deadline.within(self._request_timeout),
                wait_timeout=request_deadline.within(self._timeout),
                retry=self._retry(),
                job_retry=None,  # type: ignore[arg-type] # as the documentation has it: no retries of jobs
            )
            return [dict(row.items()) for row in rows]

    def stream(self, sql: str, *, at_once: int, **parameters: Any) -> Iterator[Data]:  # noqa: ANN401 - as of `query`
        """Run a statement and give its rows page by page (`jobs.getQueryResults` with `maxResults`); see the port."""
        with translated():
            job = self._insert(sql, parameters, maximum_bytes_billed=self._maximum)
            seconds = request_deadline.within(self._timeout)
            rows = iter(job.result(page_size=at_once, retry=self._retry(), job_retry=None, timeout=seconds))
        while True:
            with translated():
                request_deadline.within(self._timeout)  # a page was asked for with what was left before
                row = next(rows, None)
            if row is None:
                return
            yield dict(row.items())

    def bytes_of(self, sql: str, **parameters: Any) -> int:  # noqa: ANN401 - as of `query`
        """The bytes that a statement would read, by a dry run (`jobs.insert` with `dryRun`), which costs nothing.

        It is an upper bound for clustered tables. BigQuery's emulator answers 0 for every statement.

        Raises:
            QueryError: the statement is refused.
            UnavailableError: BigQuery does not answer.
        """
        with translated():
            job = self._insert(sql, parameters, dry_run=True, use_query_cache=False)
            return int(job.total_bytes_processed or 0)

    def _insert(self, sql: str, parameters: Mapping[str, Any], **options: Any) -> bigquery.QueryJob:  # noqa: ANN401 - of the client's configuration
        # Without job_retry=None the client repeats the insert for ten minutes, whatever `retry` says.
        config = self._config(parameters, **options)
        return self._client.query(
            sql,
            job_config=config,
            retry=self._retry(),
            job_retry=None,
            timeout=request_deadline.within(self._request_timeout),
        )

    def _retry(self) -> Retry:
        seconds = request_deadline.within(self._patience)
        return retries.DEFAULT_RETRY.with_timeout(seconds).with_delay(initial=0.2, maximum=2.0)

    def _config(self, parameters: Mapping[str, Any], **options: Any) -> bigquery.QueryJobConfig:  # noqa: ANN401 - of the client's configuration
        return bigquery.QueryJobConfig(
            query_parameters=[_parameter(name, value) for name, value in parameters.items()],
            labels=self._labels | current_labels(),
            job_timeout_ms=math.ceil(request_deadline.within(self._timeout) * 1000),
            **options,
        )

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        """Append rows by streaming inserts (`tabledata.insertAll`); see the port.

        Raises:
            QueryError: a row does not fit the table, or there is no such table.
            UnavailableError: BigQuery does not answer.
        """
        for part in parts(rows, together):
            with translated():
                # No row ids: BigQuery's own deduplication is no guarantee, and lowers the quota of rows a second.
                faults = self._client.insert_rows_json(
                    table,
                    part,
                    row_ids=bigquery.AutoRowIDs.DISABLED,
                    retry=self._retry(),
                    timeout=request_deadline.within(self._request_timeout),
                )
            if faults:
                raise QueryError(f"BigQuery refused rows of {table}: {_first_fault(faults)}")


def parts(rows: Sequence[Data], together: str = "") -> Iterator[list[Data]]:
    """Rows as JSON, in parts that one streaming insert takes: at most `MOST_ROWS` rows and `MOST_BYTES` bytes.

    Args:
        rows: of one table.
        together: a column; neighbours with the same value of it are in one part, unless they alone exceed it.
    """
    part: list[Data] = []
    size = 0
    for _, group in itertools.groupby(rows, key=lambda row: row[together] if together else id(row)):
        for piece, added in _pieces([_plain(row) for row in group]):
            if part and not _fits(len(part) + len(piece), size + added):
                yield part
                part, size = [], 0
            part += piece
            size += added
    if part:
        yield part


def _pieces(rows: list[Data]) -> Iterator[tuple[list[Data], int]]:
    """Rows that belong together and their bytes: as a whole where one streaming insert takes them, else row by row."""
    size = _bytes(rows)
    if _fits(len(rows), size):
        yield rows, size
    else:
        yield from (([row], _bytes([row])) for row in rows)


def _bytes(rows: list[Data]) -> int:
    """Their size as JSON: by an encoder that takes a tenth of the time of the client's, which escapes what is not ASCII."""
    text = _SIZED.encode(rows)
    return len(text) if text.isascii() else len(json.dumps(rows))


def _fits(rows: int, size: int) -> bool:
    return rows <= MOST_ROWS and size <= MOST_BYTES


def open_warehouse(project: str, function: str = "", *, most_read: float = MOST_READ) -> BigQueryWarehouse:
    """BigQuery of a project, for a function; the client finds credentials, and an emulator, by the environment.

    Args:
        project: the Google Cloud project.
        function: the label of that name on every job.
        most_read: GiB that a statement may read; one that would read more is refused.

    Raises:
        UnavailableError: there are no credentials.
    """
    maximum = int(most_read * _GIB)
    try:
        return BigQueryWarehouse(bigquery.Client(project=project), function=function, maximum_bytes_billed=maximum)
    except auth.DefaultCredentialsError as error:
        raise UnavailableError(f"bigquery: no credentials: {error}") from error


@contextmanager
def translated(what: str = "the statement") -> Iterator[None]:
    """Errors of the client as ours: transient ones as unavailable, others as a refusal of what was asked."""
    try:
        yield
    except _DOWN as error:
        raise request_deadline.no_answer(f"BigQuery does not answer: {_first_line(error)}") from error
    except api.ClientError as error:
        if not error.errors:  # BigQuery always gives a reason: something that stands before it has answered
            raise request_deadline.no_answer(f"BigQuery does not answer: {_first_line(error)}") from error
        reason = error.errors[0].get("reason")
        if reason in _BUSY:
            raise UnavailableError(f"BigQuery is busy ({reason}): {_first_line(error)}") from error
        if reason in _STOPPED:
            raise UnavailableError(f"BigQuery stopped the statement ({reason}): {_first_line(error)}") from error
        raise QueryError(f"BigQuery refused {what}: {_first_line(error)}") from error
    except auth.GoogleAuthError as error:
        raise UnavailableError(f"BigQuery: no credentials: {_first_line(error)}") from error
    except api.GoogleAPICallError as error:
        raise request_deadline.no_answer(f"BigQuery does not answer: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    """What went wrong, without the candidates, the place in the text and the job's id that follow it."""
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).split("; reason:")[0].strip().splitlines()[0]


def _first_fault(faults: Sequence[Mapping[str, Any]]) -> str:
    fault = faults[0]["errors"][0]
    place = f" at column {fault['location']}" if fault.get("location") else ""
    return f"row {faults[0]['index']}{place}: {fault.get('reason')}: {fault.get('message')}"


def _plain(row: Data) -> Data:
    return {name: value if type(value) in _AS_IT_IS else _as_python(value) for name, value in row.items()}


def _as_python(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    """The value as streaming inserts expect it: JSON has neither instants nor NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _instant(value) if isinstance(value, date) else value


@lru_cache(maxsize=1024)  # all rows of a window have the same instants
def _instant(value: date) -> str:
    return value.isoformat()


def _parameter(name: str | None, value: Any) -> Any:  # noqa: ANN401 - one of the client's three parameter classes
    if isinstance(value, Mapping):
        return _struct(name, value, {key: _type_name(f"{name}.{key}", [item]) for key, item in value.items()})
    if not isinstance(value, (list, tuple)):
        return bigquery.ScalarQueryParameter(name, _type_name(str(name), [value]), value)
    if value and isinstance(value[0], Mapping):
        return _structs(str(name), value)
    return bigquery.ArrayQueryParameter(name, _type_name(str(name), value), list(value))


def _structs(name: str, rows: Sequence[Mapping[str, Any]]) -> bigquery.ArrayQueryParameter:
    """Rows as ARRAY<STRUCT>; every row must have the fields of the first."""
    types = {key: _type_name(f"{name}.{key}", [row[key] for row in rows]) for key in rows[0]}
    return bigquery.ArrayQueryParameter(name, "STRUCT", [_struct(None, row, types) for row in rows])


def _struct(name: str | None, row: Mapping[str, Any], types: Mapping[str, str]) -> bigquery.StructQueryParameter:
    fields = [bigquery.ScalarQueryParameter(key, kind, row[key]) for key, kind in types.items()]
    return bigquery.StructQueryParameter(name, *fields)


def _type_name(name: str, values: Sequence[Any]) -> str:
    """The common type of the values; integers and floats together are FLOAT64."""
    types = {_scalar_type(name, value) for value in values if value is not None}
    if types == {"INT64", "FLOAT64"}:
        return "FLOAT64"
    if len(types) > 1:
        raise TypeError(f"query parameter {name}: values must be of one type, got {sorted(types)}")
    return types.pop() if types else "STRING"


def _scalar_type(name: str, value: object) -> str:
    for kind, spelt in _TYPES:
        if isinstance(value, kind):
            return spelt
    allowed = ", ".join(kind.__name__ for kind, _ in _TYPES)
    raise TypeError(f"query parameter {name}: must be {allowed}, or a list of them or of mappings, got {value!r}")
