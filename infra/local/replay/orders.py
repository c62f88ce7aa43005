"""The orders of a shop, shifted so that their year ends today, like the flights.

The last day of the data, 2011-12-09, becomes the anchor day. After it the first one comes again, 53 weeks after it came
before: whole weeks, so that the days on which the shop is closed come every seven days for ever.

`amount_dollars` is what the data say; the amount in the shop's currency, with all that the data lack, is made up
(`order_details`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from functions.adapters.ports import PubsubMessage
from infra.local.replay.flights import Array, minutes
from infra.local.replay.order_details import details

ORDERS = Path(__file__).resolve().parents[1] / "data" / "orders.parquet"
TABLE = "orders"

_LAST_DAY = date(2011, 12, 9)
_DAY_MINUTES = 24 * 60
_CYCLE_MINUTES = 53 * 7 * _DAY_MINUTES
_ATTRIBUTES = {"table": TABLE}
_COLUMNS = (
    *(
        "order_id",
        "customer_id",
        "ordered_at",
        "source",
        "amount_dollars",
        "outcome",
        "amount",
        "currency",
        "discount",
        "tax",
    ),
    *("is_test", "model", "model_version", "arm", "device", "country"),
)

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Orders:
    """Every order of the file; all arrays have one entry an order, ordered by `ordered_at`.

    Attributes:
        anchor: the day on which the last day lies.
        ordered_at: minutes since 1970 (UTC), as the data have it.
        source: the shop.
        customer: the number of the customer, 0 if unknown.
        dollars: the amount paid, negative for a refund.
    """

    anchor: date
    ordered_at: Array
    source: Array
    customer: Array
    dollars: Array

    @classmethod
    def read(cls, path: Path, anchor: date) -> Self:
        """Read the file that `prepare_orders` writes."""
        table = pq.read_table(path)
        return cls(
            anchor=anchor,
            ordered_at=table["ordered_at"].to_numpy().astype("datetime64[m]").astype(np.int64),
            source=np.array(table["source"].to_pylist(), dtype=object),
            customer=table["customer"].fill_null(0).to_numpy(),
            dollars=table["dollars"].to_numpy(),
        )

    @property
    def first(self) -> datetime:
        """The instant of the very first order."""
        return datetime.fromtimestamp((int(self.ordered_at[0]) + self._shift) * 60, UTC)

    def messages(self, start: datetime, end: datetime) -> Iterator[PubsubMessage]:
        """Orders at or after `start` and before `end`, as messages of the topic `telemetry`."""
        columns = self._columns(start, end)
        for row in zip(*columns.values(), strict=True):
            yield PubsubMessage(_encode(dict(zip(columns, row, strict=True))), _ATTRIBUTES)

    def rows(self, start: datetime, end: datetime) -> pa.Table:
        """The same, as `telemetry.orders` holds it."""
        arrays = {name: pa.array(values) for name, values in self._columns(start, end).items()}
        texts = ("customer_id", "model", "model_version", "arm")  # all may be null
        strings = {name: arrays[name].cast(pa.string()) for name in texts}
        return pa.table(arrays | strings | {"ordered_at": arrays["ordered_at"].cast(pa.timestamp("us", "UTC"))})

    @property
    def _shift(self) -> int:
        return (self.anchor - _LAST_DAY).days * _DAY_MINUTES

    def _columns(self, start: datetime, end: datetime) -> dict[str, list[object]]:
        columns: dict[str, list[object]] = {name: [] for name in _COLUMNS}
        for shift, index in self._due(start, end):
            for name, values in self._chunk(index, self.ordered_at[index] + shift).items():
                columns[name] += values
        return columns

    def _due(self, start: datetime, end: datetime) -> Iterator[tuple[int, slice]]:
        """The orders of the span, cycle after cycle, and by how many minutes each is moved."""
        first, last = minutes(start) - self._shift, minutes(end) - self._shift
        latest = int(self.ordered_at[-1])
        for cycle in range(
            max(0, -(-(first - latest) // _CYCLE_MINUTES)), (last - int(self.ordered_at[0])) // _CYCLE_MINUTES + 1
        ):
            moved = cycle * _CYCLE_MINUTES
            low, high = np.searchsorted(self.ordered_at, [first - moved, last - moved])
            if low < high:
                yield self._shift + moved, slice(int(low), int(high))

    def _chunk(self, index: slice, ordered_at: Array) -> dict[str, list[object]]:
        """The row number distinguishes orders of one minute, and the instant distinguishes cycles."""
        at = np.datetime_as_string(ordered_at.astype("datetime64[m]"), "s", timezone="UTC")
        number, days = np.arange(index.start, index.stop), ordered_at // _DAY_MINUTES
        made_up = details(
            number, days, source=self.source[index], customer=self.customer[index], dollars=self.dollars[index]
        )
        dollars = self.dollars[index].tolist()
        return {
            "order_id": [f"{when[:16]}-{number:05d}" for number, when in enumerate(at.tolist(), index.start)],
            "customer_id": [str(customer) if customer else None for customer in self.customer[index].tolist()],
            "ordered_at": at.tolist(),
            "source": self.source[index].tolist(),
            "amount_dollars": dollars,
            "outcome": ["refunded" if amount < 0 else "taken" for amount in dollars],
            **made_up,
        }
