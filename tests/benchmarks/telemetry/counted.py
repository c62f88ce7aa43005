"""Events by OTLP/HTTP at a steady rate, until each of their rows is counted in the warehouse.

A process of its own sends spans, points of metrics and log records with ids of their own to the function, which publishes rows to the local
Pub/Sub, whose subscriptions write them to the emulator of BigQuery: the path of `aia local`, each part a process. A row is lost
where the function said that it took it and no table has it, doubled where one has it more than once.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from google.cloud import bigquery
from google.protobuf.message import Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from functions.adapters.bus import open_bus
from infra import stage
from infra.local.ports import assign, listens
from infra.local.pubsub.topology import apply_topology
from infra.local.warehouse import Emulator, write_credentials
from infra.local.warehouse.tables import create_tables
from tests.support.fakes.otlp import Otlp, attributes, nanoseconds, served, span, traces

PROJECT = "bench"
BATCH = 500
LONGEST = 300.0
"""Seconds within which each row must be counted."""
SIGNALS = ("traces", "traces", "metrics", "traces", "logs")
"""What the batches are, over and over."""
IDS = {
    "traces": ("spans", "CONCAT(trace_id, span_id)"),
    "metrics": ("metric_points", "point_id"),
    "logs": ("log_records", "record_id"),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What the sender printed."""

    taken: list[str]
    seconds: list[float]
    again: int
    started: float
    ended: float

    def rows(self, signal: str) -> int:
        """Rows that the function said it took."""
        return BATCH * sum(name.endswith(signal) for name in self.taken)


class Counts(NamedTuple):
    """Rows in the warehouse, and how many different ones."""

    rows: int
    ids: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a run is judged by: the rate that was asked for, what was sent, and what the warehouse has `last` seconds after the last event."""

    rate: int
    seconds: int
    sent: Sent
    cpu: float
    counts: dict[str, Counts]
    last: float

    @property
    def events(self) -> int:
        """How many were sent."""
        return BATCH * len(self.sent.seconds)

    @property
    def taken(self) -> int:
        """How many the function said it took."""
        return BATCH * len(self.sent.taken)

    @property
    def reached(self) -> float:
        """Events a second."""
        return self.events / max(self.sent.ended - self.sent.started, self.seconds)

    @property
    def lost(self) -> int:
        """Events that were taken and are in no table."""
        return sum(max(0, self.sent.rows(signal) - found.ids) for signal, found in self.counts.items())

    @property
    def doubled(self) -> int:
        """Rows beyond the first one of an event."""
        return sum(found.rows - found.ids for found in self.counts.values())

    @property
    def is_reached(self) -> bool:
        """Whether the target is met."""
        whole = self.taken == self.events and self.lost == self.doubled == 0
        return whole and self.reached >= 0.98 * self.rate and self.last <= LONGEST

    def lines(self) -> Iterator[tuple[str, str, str]]:
        """What was measured, its target, and what was found."""
        times = sorted(self.sent.seconds)
        middle, high = times[len(times) // 2], times[int(len(times) * 0.95)]
        yield "events a second", f"{self.rate:,} for {self.seconds} s", f"{self.reached:,.0f}"
        yield "sent", "", f"{self.events:,}"
        yield "taken", "all", f"{self.taken:,}; {self.sent.again} batches of {BATCH} sent again"
        yield "counted in the warehouse", "all", f"{sum(found.ids for found in self.counts.values()):,}"
        yield "lost", "0", f"{self.lost:,}"
        yield "doubled", "0", f"{self.doubled:,}"
        yield "seconds after the last event until all are counted", f"{LONGEST:.0f}", f"{self.last:.0f}"
        yield "a request, median and p95", "", f"{middle * 1e3:.0f} ms, {high * 1e3:.0f} ms"
        yield "CPU of the function", "", f"{self.cpu / self.seconds:.0%} of a core"
        yield "load of the machine", "", f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"


def body(number: int, now: datetime) -> tuple[str, Message]:
    """The signal and the message of a batch, which has ids that no other one has."""
    signal, first = SIGNALS[number % len(SIGNALS)], number * BATCH + 1
    if signal == "traces":
        given = range(first, first + BATCH)
        return signal, traces(
            *(span(now, seconds=n % 997 / 1000, span_id=n.to_bytes(8), http__route=f"/r{n % 20}") for n in given)
        )
    return signal, _points(first, now) if signal == "metrics" else _records(first, now)


def _points(first: int, now: datetime) -> Message:
    request = ExportMetricsServiceRequest()
    group = request.resource_metrics.add()
    group.resource.attributes.extend(attributes(service__name="shop"))
    gauge = group.scope_metrics.add().metrics.add(name="queue.length", unit="1").gauge
    for number in range(first, first + BATCH):
        gauge.data_points.add(time_unix_nano=nanoseconds(now), as_int=number, attributes=attributes(queue=number))
    return request


def _records(first: int, now: datetime) -> Message:
    request = ExportLogsServiceRequest()
    group = request.resource_logs.add()
    group.resource.attributes.extend(attributes(service__name="shop"))
    records = group.scope_logs.add().log_records
    for number in range(first, first + BATCH):
        records.add(time_unix_nano=nanoseconds(now), severity_number=9, attributes=attributes(order=number))
    return request


@contextmanager
def running(folder: Path) -> Iterator[bigquery.Client]:
    """The warehouse with its tables, and Pub/Sub with what writes them."""
    ports = assign(["pubsub", "metrics"], fixed=False)
    with Emulator(data=folder / "warehouse", project=PROJECT, log=folder / "warehouse.log") as emulator:
        os.environ["BIGQUERY_EMULATOR_HOST"] = emulator.url
        os.environ["GOOGLE_APPLICATION_CREDENTIALS"] = str(write_credentials(folder / "key.json"))
        os.environ["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{ports['pubsub']}"
        client = bigquery.Client(project=PROJECT)
        create_tables(client)
        command = [sys.executable, "-m", "infra.local.pubsub", "--port", str(ports["pubsub"]), "--project", PROJECT]
        command += ["--data", str(folder / "pubsub.sqlite"), "--metrics-port", str(ports["metrics"])]
        server = subprocess.Popen(command)
        try:
            while not listens(ports["pubsub"]):
                time.sleep(0.1)
            deployment = yaml.load((stage.ROOT / "infra" / "functions.yaml").read_text(), Loader=yaml.CSafeLoader)
            apply_topology(
                PROJECT, deployment | {"topics": ["telemetry"], "functions": {}, "tables": _tables(deployment)}, {}
            )
            yield client
        finally:
            server.terminate()
            server.wait()


def _tables(deployment: dict[str, Any]) -> dict[str, Any]:
    return {name: one for name, one in deployment["tables"].items() if one["topic"] == "telemetry"}


def counted(client: bigquery.Client, signal: str) -> Counts:
    """What the warehouse has of a signal."""
    table, identity = IDS[signal]
    sql = f"SELECT COUNT(*) AS n, COUNT(DISTINCT {identity}) AS ids FROM telemetry.{table}"
    [row] = client.query_and_wait(sql)
    return Counts(row["n"], row["ids"])


def intake(rate: int, seconds: int) -> int:
    """Print what was sent, taken and counted; 1 where a row is missing or double, or the sender fell behind."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bodies = folder / "bodies"
        bodies.mkdir()
        now = datetime.now(UTC)
        for number in range(rate * seconds // BATCH):
            signal, message = body(number, now)
            (bodies / f"{number:06}.{signal}").write_bytes(gzip.compress(message.SerializeToString(), 1))
        with running(folder) as client:
            sent, cpu = _sent(bodies, BATCH / rate)
            counts, last = _until_counted(client, sent)
    outcome = Outcome(rate=rate, seconds=seconds, sent=sent, cpu=cpu, counts=counts, last=last)
    print("| | target | found |\n|---|---|---|")
    for line in outcome.lines():
        print("| " + " | ".join(line) + " |")
    return int(not outcome.is_reached)


def _sent(bodies: Path, between: float) -> tuple[Sent, float]:
    """What was sent, and the seconds of CPU that the function had."""
    otlp = Otlp(now=None)
    otlp.bus = open_bus(PROJECT)  # type: ignore[assignment] # the real one
    with served(otlp) as url:
        sender = [sys.executable, str(Path(__file__).parent / "sender.py"), url, str(bodies), str(between)]
        cpu = time.process_time()
        done = subprocess.run(sender, check=True, capture_output=True, text=True)
        cpu = time.process_time() - cpu
    return Sent(**json.loads(done.stdout)), cpu


def _until_counted(client: bigquery.Client, sent: Sent) -> tuple[dict[str, Counts], float]:
    """The counts of each signal, and the seconds after the last event until all were there, or time ran out."""
    while True:
        counts = {signal: counted(client, signal) for signal in IDS}
        after = time.time() - sent.ended
        if after > LONGEST or all(found.ids >= sent.rows(signal) for signal, found in counts.items()):
            return counts, after
        time.sleep(1)


if __name__ == "__main__":
    sys.exit(intake(int(sys.argv[1]), int(sys.argv[2])))
