"""The training data of the replayed model, and its tables."""

from datetime import datetime

import pyarrow as pa

from core.versions import Version
from functions.adapters.registries import record
from infra.local.replay.history import MODEL, VERSION, Span

PREDICTIONS = "telemetry.flight_predictions"
LABELS = "telemetry.flight_labels"
VERSIONS = "ops.model_versions"
ORDERED = "telemetry.orders"


def version_row(span: Span) -> pa.Table:
    """The row of `ops.model_versions` with the training data of the model; the emulator loads whole rows only."""
    version = Version(
        model=MODEL,
        version=VERSION,
        reference_start=span.start,
        reference_end=span.end,
        created_at=span.end,
        trained_from=span.start,
        trained_until=span.end,
    )
    instant = pa.timestamp("us", "UTC")
    row = record.row(version)
    instants = {name for name, value in row.items() if isinstance(value, datetime)} | {"held_out_until"}
    return pa.table(
        {name: pa.array([value], instant if name in instants else pa.string()) for name, value in row.items()}
    )
