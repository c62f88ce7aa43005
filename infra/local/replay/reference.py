"""The training data of the replayed model, and its tables."""

import pyarrow as pa

from infra.local.replay.history import MODEL, VERSION, Span

PREDICTIONS = "telemetry.flight_predictions"
LABELS = "telemetry.flight_labels"
VERSIONS = "ops.model_versions"
ORDERED = "telemetry.orders"


def version_row(span: Span) -> pa.Table:
    """The row of `ops.model_versions` with the training data of the model."""
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
