"""Model versions that somebody else registered in MLflow, as versions.

The window that drift is measured against is in the tags `aia.reference_start` and `aia.reference_end`, of the model version or
of its run; the version is in `aia.version`, or the number that MLflow gave. Parameters and metrics are those of the run:
`auc.low` and `auc.high` are the interval of `auc`.
"""

from datetime import UTC, datetime
from typing import Any

from core.errors import UnreadableError
from core.versions import Metric, Version

_COMMIT = "mlflow.source.git.commit"


def tags(row: dict[str, Any]) -> dict[str, str]:
    """The tags of a model version, or of the data of a run."""
    return {key: str(value) for key, value in _pairs(row, "tags").items()}


def version(row: dict[str, Any], run: dict[str, Any]) -> Version:
    """The version that a model version is.

    Args:
        row: the model version, as MLflow has it.
        run: the data of its run; empty where there is none.

    Raises:
        UnreadableError: it does not say enough; the message names the tag.
    """
    given = tags(run) | tags(row)
    try:
        return Version(
            model=str(row["name"]),
            version=given.get("aia.version") or str(row["version"]),
            reference_start=_instant(given, "aia.reference_start"),
            reference_end=_instant(given, "aia.reference_end"),
            created_at=datetime.fromtimestamp(int(row["creation_timestamp"]) / 1000, UTC),
            run_id=str(row.get("run_id") or ""),
            git=given.get(_COMMIT, ""),
            parameters=_pairs(run, "params"),
            metrics=_metrics(_pairs(run, "metrics")),
            artifact_uri=str(row.get("source") or ""),
            requested_by=given.get("aia.requested_by", ""),
            request_id=given.get("aia.request_id", ""),
            pipeline=given.get("aia.pipeline", ""),
            template=given.get("aia.template", ""),
            profile_uri=given.get("aia.profile_uri", ""),
        )
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnreadableError(f"mlflow: {row.get('name')}/{row.get('version')}: {error}") from error


def _pairs(data: dict[str, Any], name: str) -> dict[str, Any]:
    pairs = data.get(name) or ()
    return {str(pair["key"]): pair.get("value", "") for pair in pairs if isinstance(pair, dict) and "key" in pair}


def _instant(given: dict[str, str], name: str) -> datetime:
    if name not in given:
        raise ValueError(f"tag {name}: must be given, as in 2026-01-31T00:00:00Z")
    try:
        return datetime.fromisoformat(given[name])
    except ValueError as error:
        raise ValueError(f"tag {name}: must be an instant, as in 2026-01-31T00:00:00Z: {error}") from error


def _metrics(values: dict[str, Any]) -> dict[str, Metric]:
    """The metrics with their intervals; one that is no finite number is left out."""
    found = {}
    for name, value in values.items():
        stem, _, end = name.rpartition(".")
        if end in ("low", "high") and stem in values:
            continue
        low, high = values.get(f"{name}.low"), values.get(f"{name}.high")
        metric = _metric(value, low, high)
        if metric:
            found[name] = metric
    return found


def _metric(value: Any, low: Any, high: Any) -> Metric | None:  # noqa: ANN401 - as the run has them
    try:
        if low is None or high is None:
            return Metric(value=float(value))
        return Metric(value=float(value), low=float(low), high=float(high))
    except (TypeError, ValueError):
        return None
