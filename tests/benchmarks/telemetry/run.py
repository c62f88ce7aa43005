"""Telemetry of applications: percentiles of merged histograms, events until their rows are counted, and the rollup of a million of them.

    python tests/benchmarks/telemetry/run.py [accuracy] [intake] [rollup] [--seconds 60] [--rate 5000] [--events 1000000]

Accuracy: real values are divided among 24 senders, each of which sends its histogram by the SDK; the percentiles of the sum are
compared with the exact ones. Intake: `counted.py`, by OTLP/HTTP at a steady rate until each row is counted in the warehouse. Rollup: events of 15
minutes on the emulator of BigQuery.
"""

import argparse
import gzip
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from counted import intake
from google.cloud import bigquery
from numpy.typing import NDArray
from opentelemetry.sdk.metrics import Histogram, MeterProvider
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import Aggregation, View
from opentelemetry.sdk.metrics.view import ExplicitBucketHistogramAggregation as Explicit
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation as Exponential

from core.settings import OpenTelemetry
from core.telemetry import buckets
from functions.adapters.warehouse import BigQueryWarehouse
from functions.service_rollup.rollup import recent, tasks, write_minutes
from infra.local.warehouse import Emulator, write_credentials
from infra.local.warehouse.tables import create_tables
from tests.support.builders import genai_trace, public_data

SENDERS, SHARES = 24, (0.5, 0.95, 0.99)
MOST_SECONDS = 10.0
BOUNDS = (0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10000.0)
"""The default of the SDK, meant for milliseconds."""
OCTAVES = tuple(2.0**power for power in range(-4, 28))


def values() -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Real values that are there."""
    if path := public_data.found("apache_access.log.gz"):
        sizes = re.findall(r'" \d{3} (\d+) "', gzip.decompress(path.read_bytes()).decode(errors="replace"))
        yield "bytes of the web log", np.array([float(one) for one in sizes])
    if path := public_data.found(genai_trace.REQUESTS):
        seconds = genai_trace.requests(path)["exec_time_seconds"]
        yield "seconds of generative requests", seconds[np.isfinite(seconds)]


def sent(given: NDArray[np.float64], aggregation: Aggregation) -> Any:
    """The point that a sender has of its values."""
    reader = InMemoryMetricReader({Histogram: AggregationTemporality.DELTA})
    provider = MeterProvider([reader], views=[View(instrument_name="*", aggregation=aggregation)])
    histogram = provider.get_meter("bench").create_histogram("x")
    for one in given:
        histogram.record(float(one))
    data = reader.get_metrics_data()
    provider.shutdown()
    return data.resource_metrics[0].scope_metrics[0].metrics[0].data.data_points[0]


def exponential(point: Any) -> dict[int, float]:
    return buckets.of_exponential(
        point.scale, point.zero_count, point.positive.offset, list(point.positive.bucket_counts)
    )


def explicit(point: Any) -> dict[int, float]:
    return buckets.of_explicit(point.explicit_bounds, point.bucket_counts, point.min, point.max)


def is_within(estimate: float, exact: float, bounds: Sequence[float]) -> bool:
    """Whether the stated bound holds: that of a bucket of the sender, or without explicit bounds of one of its scale."""
    edges = (0.0, *bounds, np.inf)
    place = int(np.searchsorted(edges, exact))
    return bool(edges[place - 1] * (1 - buckets.ERROR) <= estimate <= edges[place] * (1 + buckets.ERROR) * (1 + 1e-9))


def of_scale(scale: int) -> list[float]:
    """The bounds of a scale."""
    return [2.0 ** (place * 2.0**-scale) for place in range(int(-10 * 2.0**scale), int(30 * 2.0**scale))]


def accuracy() -> int:
    """Print the errors; 1 where one is beyond its bound."""
    missed = 0
    print("| values | histogram | p50 | p95 | p99 | within the stated bound |\n|---|---|---|---|---|---|")
    for name, given in values():
        parts = np.array_split(np.random.default_rng(1).permutation(given), SENDERS)
        exact = [float(np.quantile(given, share, method="inverted_cdf")) for share in SHARES]
        points = [sent(part, Exponential()) for part in parts]
        scale = min(point.scale for point in points)
        kinds = {
            "one by one": ([{buckets.index(float(one)): 1.0} for one in given], of_scale(buckets.SCALE)),
            f"exponential of the SDK, scale {scale} and more": (
                list(map(exponential, points)),
                of_scale(min(scale, buckets.SCALE)),
            ),
            "explicit, a bound an octave": ([explicit(sent(part, Explicit(OCTAVES))) for part in parts], OCTAVES),
            "explicit, bounds of the SDK": ([explicit(sent(part, Explicit(BOUNDS))) for part in parts], BOUNDS),
        }
        for kind, (histograms, bounds) in kinds.items():
            whole = buckets.merged(histograms)
            found = [buckets.quantile(whole, share) or 0.0 for share in SHARES]
            errors = [(estimate - true) / true for estimate, true in zip(found, exact, strict=True)]
            held = all(is_within(one, true, bounds) for one, true in zip(found, exact, strict=True))
            if kind == "one by one":
                held &= max(map(abs, errors)) <= buckets.ERROR
            missed |= not held
            print(
                f"| {name}, {given.size:,} | {kind} | "
                + " | ".join(f"{one:+.1%}" for one in errors)
                + f" | {'yes' if held else 'NO'} |"
            )
    return missed


EVENTS = """
INSERT INTO telemetry.spans (
  trace_id, span_id, parent_span_id, ended_at, service, span_name, kind, operation, name, seconds, bucket, failed, error_type, tokens_in, tokens_out,
  dollars, attributes
)
SELECT
  TO_HEX(MD5(CAST(DIV(number, 8) AS STRING))), SUBSTR(TO_HEX(MD5(CAST(number AS STRING))), 1, 16), NULL,
  TIMESTAMP_SUB(@until, INTERVAL MOD(number, 900000) + 1 MILLISECOND), CONCAT('service-', CAST(MOD(number, 30) AS STRING)), 'x', 'server',
  CASE MOD(number, 8) WHEN 0 THEN 'agent' WHEN 1 THEN 'tool' WHEN 2 THEN 'model' WHEN 3 THEN 'database' ELSE 'request' END,
  CONCAT('/route/', CAST(MOD(DIV(number, 30), 40) AS STRING)), MOD(number, 997) / 1000, MOD(number, 70) - 60, MOD(number, 50) = 0, NULL, NULL, NULL, NULL,
  '{}'
FROM UNNEST(GENERATE_ARRAY(@first, @last)) AS number
"""


def rollup(events: int) -> int:
    """Print how long a tick's statements take; 1 where it is longer than the target."""
    with tempfile.TemporaryDirectory() as folder, Emulator(data=Path(folder) / "warehouse") as emulator:
        os.environ["BIGQUERY_EMULATOR_HOST"] = emulator.url
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(write_credentials(Path(folder) / "key.json"))
        client = bigquery.Client(project="bench")
        create_tables(client)
        warehouse = BigQueryWarehouse(client, patience=120.0, request_timeout=600.0, timeout=600.0)
        at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        for first in range(0, events, 100_000):
            warehouse.query(EVENTS, first=first, last=min(first + 100_000, events) - 1, until=at)
        times = {}
        for name, act in {
            "minutes written": lambda: write_minutes(warehouse, OpenTelemetry(), at),
            "the same again": lambda: write_minutes(warehouse, OpenTelemetry(), at),
            "operations read": lambda: recent(warehouse, at),
            "tasks of agents read": lambda: tasks(warehouse, at, 10),
        }.items():
            started = time.perf_counter()
            act()
            times[name] = time.perf_counter() - started
    print(f"| {events:,} spans of 15 minutes | s |\n|---|---|")
    for name, seconds in times.items():
        print(f"| {name} | {seconds:.1f} |")
    tick = sum(times.values()) - times["the same again"]
    print(f"| a tick (target {MOST_SECONDS:.0f}) | {tick:.1f} |")
    return int(tick > MOST_SECONDS)


def main() -> int:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", choices=["accuracy", "intake", "rollup", []])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rate", type=int, default=5000)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    runs = {
        "accuracy": accuracy,
        "intake": lambda: intake(options.rate, options.seconds),
        "rollup": lambda: rollup(options.events),
    }
    missed = 0
    for name in options.parts or runs:
        missed |= runs[name]()
        print()
    return missed


if __name__ == "__main__":
    sys.exit(main())
