"""Flights that never were: predictions, labels and versions with known distributions, loaded as a job loads them."""

import io
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Any

import msgspec
import numpy as np
from google.cloud import bigquery

from core.events import stamp

TICK = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TRAINED = TICK - 30 * DAY
"""Where the reference window ends."""

Row = dict[str, Any]


def flights(
    count: int,
    end: datetime,
    *,
    seed: int,
    span: timedelta = DAY,
    shift: float = 0.0,
    **fixed: Any,
) -> list[Row]:
    """Predictions spread evenly over the `span` before `end`; `shift` moves the temperature, `fixed` columns override."""
    rng = np.random.default_rng(seed)
    temperature = rng.normal(50 + shift, 10, count).round(3)
    distance = rng.exponential(900, count).round(3)
    carrier = rng.choice(["UA", "DL", "AA"], count, p=[0.5, 0.3, 0.2])
    probability = rng.uniform(0, 1, count).round(4)
    return [
        {
            "prediction_id": f"{seed}-{n}",
            "model": "delay",
            "version": "1",
            "scored_at": stamp(end - span + span * n / count),
            "temperature": float(temperature[n]),
            "distance": float(distance[n]),
            "carrier": str(carrier[n]),
            "probability": float(probability[n]),
        }
        | fixed
        for n in range(count)
    ]


def labels(rows: Iterable[Row], arrived_at: datetime, *, right: float) -> list[Row]:
    """A label for each prediction, of which the share `right`, evenly spread, agrees with it."""
    truths = []
    for n, row in enumerate(rows):
        agrees = int((n + 1) * right) > int(n * right)
        truths.append(
            {
                "prediction_id": row["prediction_id"],
                "late": (row["probability"] >= 0.5) is agrees,
                "arrived_at": stamp(arrived_at),
            }
        )
    return truths


def version(name: str = "1", end: datetime = TRAINED, model: str = "delay") -> Row:
    """A version trained on the ten days before `end`."""
    return {
        "model": model,
        "version": name,
        "reference_start": stamp(end - 10 * DAY),
        "reference_end": stamp(end),
        "created_at": stamp(end + DAY),
    }


def load(client: bigquery.Client, table: str, rows: Iterable[Row]) -> None:
    """Append rows by a load job."""
    append(client, table, lines(rows))


def lines(rows: Iterable[Row]) -> bytes:
    """Rows as a load job reads them; NaN and infinities as BigQuery spells them in JSON."""
    spelt = (
        {name: value if not isinstance(value, float) or isfinite(value) else str(value) for name, value in row.items()}
        for row in rows
    )
    return msgspec.json.Encoder(enc_hook=lambda value: value.item()).encode_lines(spelt)


def append(client: bigquery.Client, table: str, data: bytes) -> None:
    """Append rows that are spelt already.

    The file is given without its size, so that it goes up as a resumable upload: the emulator takes no other kind of JSON.
    """
    config = bigquery.LoadJobConfig(source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
    client.load_table_from_file(io.BytesIO(data), table, job_config=config).result()
