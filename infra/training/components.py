"""The components of the training pipeline: each reads its inputs, calls its step, and writes its outputs.

KFP takes the source of each function alone, so that what it uses is imported within it. What it imports of this repository is
in the archive that `infra.training.archive` puts into the component.
"""

# ruff: noqa: PLC0415, PLR0917 - see above, and KFP calls by name alone
# mypy: disable-error-code="valid-type,misc,untyped-decorator"
from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Metrics, Output

from infra.training.locked import IMAGE, packages

_PACKAGES = packages("training")


@dsl.component(base_image=IMAGE, packages_to_install=_PACKAGES)
def extract(
    project: str,
    model: str,
    model_version: str,
    window_start: str,
    window_end: str,
    holdout_days: float,
    comparison_days: float,
    source: dict,  # type: ignore[type-arg] # KFP knows no other spelling
    training: Output[Dataset],
    holdout: Output[Dataset],
) -> str:
    """Read the labelled predictions of the window but its last days; the later part is held out. Returns where it begins."""
    from datetime import datetime, timedelta
    from typing import Any

    from functions.adapters.warehouse import open_warehouse
    from infra.training.steps import table
    from infra.training.steps.extract import Source, split_at
    from infra.training.steps.extract import extract as read

    columns: Any = {name: tuple(names) if isinstance(names, list) else names for name, names in source.items()}
    start, end = (
        datetime.fromisoformat(window_start),
        datetime.fromisoformat(window_end) - timedelta(days=comparison_days),
    )
    length = timedelta(days=holdout_days)
    rows = read(
        open_warehouse(project),
        Source(model=model, **columns),
        version=model_version,
        start=start,
        end=end,
        holdout=length,
    )
    for part, output in zip(rows, (training, holdout), strict=True):
        table.write(part, output.path)
        output.metadata["rows"] = table.rows(part)
    return split_at(start, end, length).isoformat()


@dsl.component(base_image=IMAGE, packages_to_install=_PACKAGES)
def validate(
    source: dict,  # type: ignore[type-arg] # as above
    minimum_rows: int,
    training: Input[Dataset],
    holdout: Input[Dataset],
    profile: Output[Artifact],
) -> str:
    """Refuse data that cannot be trained on; the profile of the training rows is the reference of the version."""
    from pathlib import Path

    from core.drift.storage import dump_profile
    from infra.training.steps import table
    from infra.training.steps.validate import Limits
    from infra.training.steps.validate import validate as check

    categorical = tuple(source["categorical"])
    fitted, issues = check(
        table.read(training.path),
        table.read(holdout.path),
        features=(*source["numeric"], *categorical),
        categorical=categorical,
        limits=Limits(training_rows=minimum_rows),
    )
    Path(profile.path).write_bytes(dump_profile(fitted))
    profile.metadata["rows"] = fitted.rows
    return "; ".join(f"{issue.feature} {issue.kind} {issue.value:.3g}" for issue in issues)


@dsl.component(base_image=IMAGE, packages_to_install=_PACKAGES)
def evaluate(
    holdout: Input[Dataset], predictions: Input[Dataset], checked: str, minimum_gain: float, metrics: Output[Metrics]
) -> str:
    """Compare the new version with the champion on the held-out rows; returns the evaluation as JSON."""
    import msgspec

    from infra.training.steps import table
    from infra.training.steps.evaluate import evaluate as compare

    print(f"data quality issues of the held-out rows: {checked or 'none'}")
    found = compare(table.read(holdout.path), table.read(predictions.path), minimum_gain=minimum_gain)
    for name, one in found.metrics.items():
        metrics.log_metric(name, one.value)
    print(found.why)
    return msgspec.json.encode(found).decode()


@dsl.component(base_image=IMAGE, packages_to_install=packages("registration"))
def register(
    job: str,
    project: str,
    model: str,
    request_id: str,
    run_id: str,
    pipeline: str,
    template: str,
    window_start: str,
    trained_until: str,
    window_end: str,
    comparison_days: float,
    evaluation: str,
    parameters: dict,  # type: ignore[type-arg] # as above
    registry: dict,  # type: ignore[type-arg] # as above
    trained: Input[Artifact],
    profile: Input[Artifact],
) -> str:
    """Register the version where it is better, and note the outcome; returns the version, or nothing."""
    from datetime import UTC, datetime

    import msgspec

    from functions.adapters.warehouse import open_warehouse
    from infra.training.steps.evaluation import Evaluation
    from infra.training.steps.register import Training, conclude, spans
    from infra.training.steps.template import template_of

    training = Training(
        model=model,
        request_id=request_id,
        run_id=run_id,
        pipeline=pipeline,
        template=template or template_of(job),
        **spans(window_start, trained_until, window_end, comparison_days),
        artifact_uri=trained.uri,
        profile_uri=profile.uri,
        parameters=parameters,
    )
    found = msgspec.json.decode(evaluation, type=Evaluation)
    return conclude(open_warehouse(project), training, found, registry, datetime.now(UTC))
