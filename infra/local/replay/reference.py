"""What the replayed model was trained on, and the tables that hold it."""

import pyarrow as pa

from infra.local.replay.history import MODEL, VERSION, Span

PREDICTIONS = "telemetry.flight_predictions"
LABELS = "telemetry.flight_labels"
VERSIONS = "ops.model_versions"
ORDERED = "telemetry.orders"


def version_row(span: Span) -> pa.Table:
    """The row of `ops.model_versions` that says what the model was trained on."""
    instant = pa.timestamp("us", "UTC")
    return pa.table(
        {
            "model": [MODEL],
            "version": [VERSION],
            "reference_start": pa.array([span.start], instant),
            "reference_end": pa.array([span.end], instant),
            "created_at": pa.array([span.end], instant),
        }
    )
