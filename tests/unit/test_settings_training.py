"""What trains a model: what of it is read, and that what Vertex AI would refuse is refused with the reason."""

from typing import Any

import pytest
from hypothesis import given

from core.settings import TrainingPipeline, parse
from tests.support.builders import settings as support
from tests.support.builders.settings import JUNK, Path, faults, told

TEMPLATE = "https://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay/sha256:" + "0a" * 32
PIPELINE: dict[str, Any] = {
    "template": TEMPLATE,
    "location": "europe-west1",
    "root": "gs://my-trainings/delay",
    "service_account": "trainer@my-project.iam.gserviceaccount.com",
    "parameters": {"rounds": 300, "rate": 0.1, "table": "telemetry.delay", "early": True, "depths": [3, {"most": 5}]},
}
SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "models": [
        support.MODEL | {"label": {"column": "late", "arrives_within": "12h"}, "retraining": {"pipeline": PIPELINE}}
    ],
}
PLACE: Path = ("models", 0, "retraining", "pipeline")


def changed(*path: str | int, to: object) -> dict[str, Any]:
    return support.changed(SAMPLE, (*PLACE, *path), to)


def read(raw: object) -> TrainingPipeline:
    [model] = parse(raw).models
    assert model.retraining is not None
    assert model.retraining.pipeline is not None
    return model.retraining.pipeline


def test_a_pipeline_is_read_whole() -> None:
    pipeline = read(SAMPLE)
    assert pipeline == TrainingPipeline(
        template=TEMPLATE,
        location="europe-west1",
        root="gs://my-trainings/delay",
        service_account="trainer@my-project.iam.gserviceaccount.com",
        parameters=PIPELINE["parameters"],
    )
    assert (pipeline.name, pipeline.region) == ("train-delay", "europe-west1")


def test_where_nothing_else_is_said_it_runs_where_its_template_is_and_is_given_nothing_more() -> None:
    pipeline = read(changed(to={"template": TEMPLATE.rpartition("/")[0] + "/v1.2", "root": "gs://my-trainings"}))
    assert (pipeline.region, pipeline.service_account, dict(pipeline.parameters)) == ("europe-west4", "", {})


def test_a_model_need_not_have_one() -> None:
    retraining = parse(changed(to=...)).models[0].retraining
    assert retraining is not None
    assert retraining.pipeline is None


@pytest.mark.parametrize(
    "template",
    [
        "gs://my-trainings/pipeline.yaml",
        "https://example.com/pipeline.yaml",
        "https://europe-west4-docker.pkg.dev/my-project/pipelines/train-delay/v1",
        "http://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay/v1",
        "https://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay",
        "https://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay/",
        "https://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay/sha256:0a",
        "https://europe-west4-kfp.pkg.dev/my-project/pipelines/train-delay/v1/more",
        "https://europe-west4-kfp.pkg.dev/my-project/pipelines/Train/v1",
        "https://europe-west4-kfp.pkg.dev.evil.com/my-project/pipelines/train-delay/v1",
        TEMPLATE + "\n",
        7,
        None,
    ],
)
def test_a_template_is_a_pipeline_of_artifact_registry(template: object) -> None:
    [found] = faults(changed("template", to=template))
    assert found.startswith(
        "models[0].retraining.pipeline.template: must be https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/NAME/VERSION"
    )


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        (("template",), ..., "template: must be given"),
        (("root",), ..., "root: must be given"),
        (("root",), "my-trainings/delay", "root: must be gs://bucket/folder"),
        (("root",), "gs://my trainings", "root: must be gs://bucket/folder"),
        (("root",), "gs://My-trainings", "root: must be gs://bucket/folder"),
        (("location",), "europe", "location: must be a region, as in 'europe-west1', got 'europe'"),
        (("location",), "projects/p/locations/europe-west1", "location: must be a region"),
        (("service_account",), "ada@example.com", "service_account: must be the e-mail address of a service account"),
        (("parameters",), ["rounds"], "parameters: must be a mapping, got 'a list of 1'"),
        (("parameters", "a b"), 1, "parameters.a b: must be a parameter: letters, digits and underscores"),
        (("parameters", "model"), "x", "parameters.model: must not be one that every training is given: model, model_"),
        (("parameters", "window_end"), "x", "parameters.window_end: must not be one that every training is given"),
        (("parameters", "rounds"), None, "parameters.rounds: must be a text of at most 10000 characters, a number"),
        (("parameters", "rounds"), 2**53 + 1, "parameters.rounds: must be a text"),
        (("parameters", "rounds"), 10**400, "parameters.rounds: must be a text"),
        (("parameters", "rounds"), float("nan"), "parameters.rounds: must be a text"),
        (("parameters", "table"), "x" * 10_001, "parameters.table: must be a text"),
        (("parameters", "depths", 1, "most"), {1: 2}, "parameters.depths[1].most: must be a text"),
        (("parameters", "depths", 0), [[[[[1]]]]], "parameters.depths[0][0][0][0][0]: must be a text"),
        (("machine",), "large", "machine: must be a known key"),
    ],
)
def test_what_vertex_ai_would_not_take_is_refused(path: Path, value: object, fault: str) -> None:
    [found] = faults(changed(*path, to=value))
    assert found.startswith(f"models[0].retraining.pipeline.{fault}")


def test_a_template_of_several_regions_needs_a_location() -> None:
    raw = changed("template", to=TEMPLATE.replace("europe-west4", "us"))
    assert read(raw).region == "europe-west1"
    del raw["models"][0]["retraining"]["pipeline"]["location"]
    assert faults(raw) == [
        "models[0].retraining.pipeline.location: must be given where the template is of no region, but of 'us', got None"
    ]


def test_a_name_that_is_no_label_is_refused() -> None:
    name = "a" * 64
    [found] = faults(support.changed(SAMPLE, ("models", 0, "name"), name))
    assert found == (
        "models[0].retraining.pipeline: must not be given where the name has more than 63 characters: it labels the"
        f" trainings, got '{name}'"
    )
    assert read(support.changed(SAMPLE, ("models", 0, "name"), name[1:]))


@given(JUNK)
def test_whatever_stands_there_is_read_or_refused(value: Any) -> None:
    assert told(changed(to=value))
    assert told(changed("parameters", to={"rounds": value}))
    assert told(changed("template", to=value))
