"""The result of a training: the version is registered where it is better, and the outcome is noted in either case."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from core.settings.registry import Registry
from core.versions import Version
from functions.adapters.ports import Data, Warehouse
from functions.adapters.registries.register import register
from infra.training.steps.evaluation import Evaluation

TABLE = "ops.training_results"
TRAINED, NOT_BETTER = "trained", "not better"
"""The outcomes of a run that came to its end."""
_REQUESTER = (
    "SELECT requested_by, reason FROM ops.retraining_requests WHERE id = @request_id ORDER BY requested_at DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What was trained, and where its results are.

    Attributes:
        model: the model's name.
        request_id: of the retraining request.
        run_id: of the pipeline run.
        pipeline: its name.
        trained_from: start of the training data.
        trained_until: its end, exclusive.
        held_out_until: end, exclusive, of the later data that it was evaluated on.
        artifact_uri: of the trained model.
        profile_uri: of the profile of the training data.
        parameters: of the training.
        template: the hash of the compiled pipeline, or empty.
    """

    model: str
    request_id: str
    run_id: str
    pipeline: str
    trained_from: datetime
    trained_until: datetime
    held_out_until: datetime
    artifact_uri: str
    profile_uri: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    template: str = ""


def spans(start: str, trained_until: str, end: str, comparison_days: float) -> dict[str, datetime]:
    """What a training was trained and evaluated on, as `Training` has it.

    Args:
        start: of the window, as ISO 8601.
        trained_until: where the rows that are held out begin.
        end: of the window.
        comparison_days: at its end, of which nothing is evaluated.

    >>> spans("2026-01-01", "2026-02-15", "2026-03-01", 1.0)["held_out_until"].isoformat()
    '2026-02-28T00:00:00'
    """
    return {
        "trained_from": datetime.fromisoformat(start),
        "trained_until": datetime.fromisoformat(trained_until),
        "held_out_until": datetime.fromisoformat(end) - timedelta(days=comparison_days),
    }


def version_name(training: Training) -> str:
    """The name of the version, the same for the same request: the end of its data, and six digits of the request.

    >>> from datetime import UTC
    >>> at = datetime(2026, 3, 1, tzinfo=UTC)
    >>> version_name(Training(
    ...     model="churn", request_id="churn:2026-03-02T00:00:00Z", run_id="r", pipeline="p", trained_from=at,
    ...     trained_until=at, held_out_until=at, artifact_uri="", profile_uri="",
    ... ))
    '20260301-91f514'
    """
    digest = hashlib.sha256(training.request_id.encode()).hexdigest()[:6]
    return f"{training.trained_until:%Y%m%d}-{digest}"


def conclude(
    warehouse: Warehouse, training: Training, evaluation: Evaluation, registry: Mapping[str, Any], now: datetime
) -> str:
    """Register the version where it is better, and note the outcome of the run; may be repeated.

    Args:
        warehouse: has the tables.
        training: the run.
        evaluation: of the new version.
        registry: the section `registry` of the settings; empty where versions are in the warehouse only.
        now: the instant.

    Returns:
        The version, or the empty text where it is not better.

    Raises:
        ActionError: a registry refuses it.
        QueryError: the warehouse refuses a row.
        UnavailableError: a registry or the warehouse does not answer.
    """
    version = ""
    if evaluation.better:
        known = _version(training, evaluation, _requester(warehouse, training.request_id), now)
        version = register(known, msgspec.convert(registry, Registry) if registry else None, warehouse).version
    warehouse.append(TABLE, [_row(training, evaluation, version, now)])
    return version


def _requester(warehouse: Warehouse, request_id: str) -> str:
    """Who asked for it, as versions spell it; empty where the request is not in the table yet."""
    rows = warehouse.query(_REQUESTER, request_id=request_id)
    return str(rows[0]["requested_by"] or "") if rows else ""


def _version(training: Training, evaluation: Evaluation, requested_by: str, now: datetime) -> Version:
    return Version(
        model=training.model,
        version=version_name(training),
        reference_start=training.trained_from,
        reference_end=training.trained_until,
        created_at=now,
        run_id=training.run_id,
        pipeline=training.pipeline,
        template=training.template,
        trained_from=training.trained_from,
        trained_until=training.trained_until,
        held_out_until=training.held_out_until,
        parameters=training.parameters,
        metrics=evaluation.metrics,
        artifact_uri=training.artifact_uri,
        profile_uri=training.profile_uri,
        requested_by=requested_by,
        request_id=training.request_id,
    )


def _row(training: Training, evaluation: Evaluation, version: str, now: datetime) -> Data:
    return {
        "request_id": training.request_id,
        "model": training.model,
        "run_id": training.run_id,
        "pipeline": training.pipeline,
        "outcome": TRAINED if evaluation.better else NOT_BETTER,
        "version": version or None,
        "why": evaluation.why,
        "n_rows": evaluation.rows,
        "metrics": msgspec.json.encode(evaluation.metrics).decode(),
        "finished_at": now,
    }
