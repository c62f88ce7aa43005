"""The pipelines: one for each trainer, the same steps around it, and one for each scorer."""

# mypy: disable-error-code="untyped-decorator"
from collections.abc import Callable, Mapping
from typing import Any

from kfp import dsl

from infra.training import components, flight_delay

TRAINERS: Mapping[str, Any] = {"train-flight-delay": flight_delay.train}
"""The trainer of each pipeline, by the pipeline's name, which no component may have: KFP's local runner would take it for the pipeline."""


SCORERS: Mapping[str, Any] = {"score-flight-delay": flight_delay.score}
"""What has a version score logged predictions, by the pipeline's name, as above."""


def named(name: str) -> Any:  # noqa: ANN401 - KFP has no types
    """The pipeline of a name."""
    return pipeline(name, TRAINERS[name]) if name in TRAINERS else scoring_pipeline(name, SCORERS[name])


def pipeline(name: str, trainer: Callable[..., Any]) -> Any:  # noqa: ANN401 - KFP has no types
    """The pipeline of a trainer, under a name."""

    @dsl.pipeline(name=name, description="Trains a version of a model and compares it with the champion.")
    def training_pipeline(  # noqa: PLR0917 - KFP calls by name alone
        model: str,
        model_version: str,
        window_start: str,
        window_end: str,
        request_id: str,
        project: str,
        source: dict,  # type: ignore[type-arg] # KFP knows no other spelling
        options: dict = {},  # type: ignore[type-arg]  # noqa: B006 - as above, and KFP reads the default
        registry: dict = {},  # type: ignore[type-arg]  # noqa: B006 - as above
        holdout_days: float = 14.0,
        comparison_days: float = 0.0,
        minimum_rows: int = 500,
        minimum_gain: float = 0.0,
        template: str = "",
    ) -> None:
        span = {"window_start": window_start, "window_end": window_end, "comparison_days": comparison_days}
        which = {"project": project, "model": model, **span}
        rows = components.extract(**which, model_version=model_version, holdout_days=holdout_days, source=source)
        data = {"training": rows.outputs["training"], "holdout": rows.outputs["holdout"]}
        checked = components.validate(source=source, minimum_rows=minimum_rows, **data)
        trained = trainer(source=source, options=options, **data).after(checked)
        compared = _compared(data["holdout"], trained, checked, minimum_gain)
        run = {"pipeline": name, "request_id": request_id, "template": template, "parameters": options}
        _register(rows, checked, trained, compared, **which, **run, registry=registry)
        for task in (rows, checked, trained, compared):
            task.set_caching_options(enable_caching=False)

    return training_pipeline


def _compared(holdout: Any, trained: Any, checked: Any, minimum_gain: Any) -> Any:  # noqa: ANN401 - as above
    """The task that compares what was trained with the champion."""
    predictions = trained.outputs["predictions"]
    return components.evaluate(
        holdout=holdout, predictions=predictions, checked=checked.outputs["Output"], minimum_gain=minimum_gain
    )


def _register(rows: Any, checked: Any, trained: Any, compared: Any, **inputs: Any) -> None:  # noqa: ANN401 - as above
    """The task that registers what was trained."""
    registered = components.register(
        job=dsl.PIPELINE_JOB_RESOURCE_NAME_PLACEHOLDER,
        run_id=dsl.PIPELINE_JOB_NAME_PLACEHOLDER,
        trained_until=rows.outputs["Output"],
        evaluation=compared.outputs["Output"],
        trained=trained.outputs["model"],
        profile=checked.outputs["profile"],
        **inputs,
    )
    registered.set_retry(num_retries=5, backoff_duration="3s", backoff_factor=2.0)  # a registry that restarts


def scoring_pipeline(name: str, scorer: Callable[..., Any]) -> Any:  # noqa: ANN401 - KFP has no types
    """The pipeline that has a version score the logged predictions of a window, under a name."""

    @dsl.pipeline(name=name, description="Has a version of a model score logged predictions, for its comparison.")
    def scoring(  # noqa: PLR0917 - KFP calls by name alone
        model: str,
        model_version: str,
        window_start: str,
        window_end: str,
        artifact_uri: str,
        project: str,
        source: dict,  # type: ignore[type-arg] # KFP knows no other spelling
    ) -> None:
        trained = dsl.importer(artifact_uri=artifact_uri, artifact_class=dsl.Model, reimport=False)
        scored = scorer(
            project=project,
            model=model,
            model_version=model_version,
            window_start=window_start,
            window_end=window_end,
            source=source,
            trained=trained.output,
        )
        scored.set_caching_options(enable_caching=False)

    return scoring
