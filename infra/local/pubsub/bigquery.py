"""Delivery to a BigQuery table, with the official client: https://cloud.google.com/pubsub/docs/bigquery.

Whatever waits is written at once. While the warehouse is away, messages wait and no attempt is counted; a message that
does not fit the table fails by itself, rests, and ends as a dead letter like any other.
"""

import asyncio
import io
import json
import logging
import os
import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import google.auth.exceptions
import requests
from google.api_core import exceptions
from google.api_core.retry import Retry

from infra.local.pubsub.backlog import MAX_TAKEN_BYTES, Backlog, Item
from infra.local.pubsub.rows import MisfitError, RowFormat
from infra.local.pubsub.rpc import invalid
from infra.local.pubsub.wire import Proto

if TYPE_CHECKING:
    from google.cloud import bigquery

log = logging.getLogger(__name__)

MAX_ROWS: Final = 20_000
MAX_STREAMED: Final = 250
"""More rows than that go as a load job, which costs more to start and far less a row."""
MAX_REFUSED: Final = 20
"""A warehouse that refuses more single rows of one batch is ill, since all were checked before."""
TIMEOUT: Final = 60.0
PAUSES: Final = (0.5, 10.0)
SCHEMA_AGE: Final = 2.0
"""Seconds until the schema is read again because a message does not fit it."""

_NO_RETRY: Final = Retry(predicate=lambda _: False)  # the sink has its own pauses
_AWAY: Final = (
    exceptions.NotFound,
    exceptions.BadGateway,
    exceptions.ServiceUnavailable,
    exceptions.GatewayTimeout,
    exceptions.TooManyRequests,
    exceptions.RetryError,
    requests.RequestException,
    google.auth.exceptions.GoogleAuthError,
    TimeoutError,
)


class AwayError(Exception):
    """The warehouse or the table is not there; says why."""


class Warehouse:
    """The connection, opened when it is first used."""

    def __init__(self, project: str) -> None:
        self._project = project

    @cached_property
    def client(self) -> "bigquery.Client":
        """The official client, against the local emulator."""
        from google.cloud import bigquery  # noqa: PLC0415 - with Arrow a quarter of the start, and few servers write tables

        return bigquery.Client(project=self._project)

    @staticmethod
    def check() -> None:
        """Refuse to write anywhere but to an emulator.

        Raises:
            RefusalError: there is none.
        """
        if not os.environ.get("BIGQUERY_EMULATOR_HOST"):
            raise invalid("bigquery_config: needs BIGQUERY_EMULATOR_HOST in the environment of the Pub/Sub server")

    def schema(self, table: str) -> Sequence["bigquery.SchemaField"]:
        """The columns of a table.

        Raises:
            AwayError: the warehouse or the table is not there.
        """
        try:
            columns: Sequence[bigquery.SchemaField] = self.client.get_table(
                table, retry=_NO_RETRY, timeout=TIMEOUT
            ).schema
        except (*_AWAY, exceptions.GoogleAPICallError) as error:
            raise AwayError(f"{table}: {_brief(error)}") from error
        return columns

    def append(self, table: str, rows: dict[int, bytes]) -> dict[int, str]:
        """Append rows; the result says which were refused, and why.

        Raises:
            AwayError: the warehouse or the table is unavailable; rows that were not refused may have been written.
        """
        refused: dict[int, str] = {}
        batches = [list(rows)] if rows else []
        while batches:
            batch = batches.pop()
            fault = self._try(table, {number: rows[number] for number in batch})
            if fault and len(batch) > 1:
                batches += [batch[: len(batch) // 2], batch[len(batch) // 2 :]]
            elif fault:
                refused[batch[0]] = fault
                if len(refused) > MAX_REFUSED:
                    raise AwayError(f"{table}: refuses everything: {fault}")
        return refused

    def _try(self, table: str, rows: dict[int, bytes]) -> str:
        """Why the batch was refused, or nothing."""
        try:
            return self._stream(table, rows) if len(rows) <= MAX_STREAMED else self._load(table, rows)
        except _AWAY as error:
            raise AwayError(f"{table}: {_brief(error)}") from error
        except exceptions.GoogleAPICallError as error:
            return _brief(error)

    def _stream(self, table: str, rows: dict[int, bytes]) -> str:
        faults = self.client.insert_rows_json(
            table,
            [json.loads(row) for row in rows.values()],
            row_ids=[str(number) for number in rows],
            retry=_NO_RETRY,
            timeout=TIMEOUT,
        )
        return str(faults[0]["errors"]) if faults else ""

    def _load(self, table: str, rows: dict[int, bytes]) -> str:
        from google.cloud import bigquery  # noqa: PLC0415 - as above

        config = bigquery.LoadJobConfig(
            source_format=bigquery.SourceFormat.NEWLINE_DELIMITED_JSON,
            write_disposition=bigquery.WriteDisposition.WRITE_APPEND,
        )
        file = io.BytesIO(b"\n".join(rows.values()))
        self.client.load_table_from_file(file, table, job_config=config, timeout=TIMEOUT).result(timeout=TIMEOUT)
        return ""


class TableSink:
    """Writes the messages of one subscription."""

    def __init__(self, config: Proto, backlog: Backlog, warehouse: Warehouse) -> None:
        self._config = config
        self._table = config.bigquery_config.table.replace(":", ".", 1)
        self._backlog = backlog
        self._warehouse = warehouse
        self._format: RowFormat | None = None
        self._format_read = 0.0

    async def run(self) -> None:
        """Write until cancelled."""
        pause = PAUSES[0]
        while True:
            items: list[Item] = []
            try:
                await self._gather(items)
                await self._write(items)
                pause = PAUSES[0]
            except AwayError as error:
                log.warning("%s: not available, retried in %g s: %s", self._config.name, pause, error)
                self._backlog.give_back(item.id for item in items)
                await asyncio.sleep(pause)
                pause = min(PAUSES[1], pause * 2)
            finally:
                self._backlog.give_back(item.id for item in items)  # those not settled, when cancelled

    async def _gather(self, items: list[Item]) -> None:
        items += await self._backlog.wait(MAX_ROWS)
        while (room := self._room(items)) > 0 and (more := self._backlog.take(MAX_ROWS - len(items), room)):
            items += more
            await asyncio.sleep(0)  # others are waiting too

    @staticmethod
    def _room(items: list[Item]) -> int:
        """How many bytes may be added to a batch."""
        return MAX_TAKEN_BYTES - sum(item.size for item in items) if len(items) < MAX_ROWS else 0

    async def _write(self, items: list[Item]) -> None:
        misfits = await asyncio.to_thread(self._append, items)
        self._backlog.acknowledge(item.id for item in items if item.id not in misfits)
        for item in items:
            if item.id in misfits and not item.failures:  # the reason stays the same
                log.warning(
                    "%s: message %d does not match the schema: %s", self._config.name, item.id, misfits[item.id]
                )
        self._backlog.fail(misfits)

    def _append(self, items: list[Item]) -> dict[int, str]:
        rows, misfits = self._rows(items)
        if misfits and time.monotonic() - self._format_read > SCHEMA_AGE:
            self._format = None  # the table may have been changed
            rows, misfits = self._rows(items)
        return misfits | self._warehouse.append(self._table, rows)

    def _rows(self, items: list[Item]) -> tuple[dict[int, bytes], dict[int, str]]:
        form = self._current_format()
        rows, misfits = {}, {}
        for item in items:
            try:
                rows[item.id] = form.row(item)
            except MisfitError as error:
                misfits[item.id] = str(error)
        return rows, misfits

    def _current_format(self) -> RowFormat:
        if self._format is None:
            self._format = RowFormat(self._warehouse.schema(self._table), self._config)
            self._format_read = time.monotonic()
        return self._format


def _brief(error: Any) -> str:  # noqa: ANN401 - any of several libraries' errors
    return f"{type(error).__name__}: {str(error)[:300]}"
