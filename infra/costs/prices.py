"""List prices of Google Cloud in the United States, in US dollars, with what is free every month: the only place where one is written."""

from dataclasses import dataclass

from core.business.prices import SCAN_DOLLARS_PER_TIB

AS_OF = "2026-11-29"
"""The day on which the prices were looked up."""
MIB, GIB, TIB = 2.0**20, 2.0**30, 2.0**40
DAYS = 30
"""Of a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """A price.

    Attributes:
        name: what is paid for.
        dollars: of so many units.
        per: units.
        unit: how a number of `per` units is written; `per` is one of them.
        free: units that are free every month.
        source: the page that lists it.
    """

    name: str
    dollars: float
    per: float
    unit: str
    free: float
    source: str

    def cost(self, units: float) -> float:
        """Dollars of so many units a month.

        >>> PRICES["scan"].cost(TIB), PRICES["scan"].cost(3 * TIB)
        (0.0, 12.5)
        """
        return max(units - self.free, 0.0) / self.per * self.dollars


_BIGQUERY = "https://cloud.google.com/bigquery/pricing"
_FIRESTORE = "https://cloud.google.com/firestore/pricing"
_RUN = "https://cloud.google.com/run/pricing"
_PUBSUB = "https://cloud.google.com/pubsub/pricing"
_OBSERVABILITY = "https://cloud.google.com/products/observability/pricing"

PRICES = {
    "scan": Price(
        name="BigQuery, bytes scanned on demand",
        dollars=SCAN_DOLLARS_PER_TIB,
        per=TIB,
        unit="TiB",
        free=TIB,
        source=_BIGQUERY,
    ),
    "storage": Price(
        name="BigQuery, active logical storage", dollars=0.02, per=GIB, unit="GiB", free=10 * GIB, source=_BIGQUERY
    ),
    "old_storage": Price(
        name="BigQuery, storage of partitions that did not change for 90 days",
        dollars=0.01,
        per=GIB,
        unit="GiB",
        free=0,
        source=_BIGQUERY,
    ),
    "inserts": Price(
        name="BigQuery, streaming inserts, a row counts 1 KiB at least",
        dollars=0.01,
        per=200 * MIB,
        unit="x 200 MiB",
        free=0,
        source=_BIGQUERY,
    ),
    "messages": Price(
        name="Pub/Sub, bytes published and delivered, a message counts 1 KiB at least",
        dollars=40,
        per=TIB,
        unit="TiB",
        free=10 * GIB,
        source=_PUBSUB,
    ),
    "reads": Price(
        name="Firestore, document reads", dollars=0.03, per=1e5, unit="x 100,000", free=50_000 * DAYS, source=_FIRESTORE
    ),
    "writes": Price(
        name="Firestore, document writes",
        dollars=0.09,
        per=1e5,
        unit="x 100,000",
        free=20_000 * DAYS,
        source=_FIRESTORE,
    ),
    "deletes": Price(
        name="Firestore, documents deleted by their TTL",
        dollars=0.01,
        per=1e5,
        unit="x 100,000",
        free=0,
        source=_FIRESTORE,
    ),
    "documents": Price(name="Firestore, storage", dollars=0.15, per=GIB, unit="GiB", free=GIB, source=_FIRESTORE),
    "cpu": Price(
        name="Cloud Run, vCPU while requests are handled", dollars=0.000024, per=1, unit="s", free=180_000, source=_RUN
    ),
    "memory": Price(
        name="Cloud Run, memory while requests are handled",
        dollars=0.0000025,
        per=1,
        unit="GiB s",
        free=360_000,
        source=_RUN,
    ),
    "samples": Price(
        name="Managed Service for Prometheus, samples",
        dollars=0.06,
        per=1e6,
        unit="million",
        free=0,
        source=_OBSERVABILITY,
    ),
    "conditions": Price(
        name="Cloud Monitoring, alert conditions", dollars=0.10, per=1, unit="conditions", free=0, source=_OBSERVABILITY
    ),
    "points": Price(
        name="Cloud Monitoring, points that alert conditions return",
        dollars=0.35,
        per=1e6,
        unit="million",
        free=0,
        source="https://docs.cloud.google.com/monitoring/alerts/cost-control",
    ),
    "logs": Price(name="Cloud Logging, bytes", dollars=0.50, per=GIB, unit="GiB", free=50 * GIB, source=_OBSERVABILITY),
    "jobs": Price(
        name="Cloud Scheduler, jobs",
        dollars=0.10,
        per=1,
        unit="jobs",
        free=3,
        source="https://cloud.google.com/scheduler/pricing",
    ),
}
