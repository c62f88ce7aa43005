"""The key `retraining.pipeline` of a model: what trains it, as far as Vertex AI can be asked for it."""

import math
import re
from types import MappingProxyType

from core.settings.reader import Node, Section, WrongError, a_mapping, mapping_of
from core.settings.scalars import matching, service_account
from core.settings.types import Parameter, TrainingPipeline

_TEMPLATE = re.compile(
    r"https://(?P<place>[a-z]+(?:-[a-z]+[0-9]+)?)-kfp\.pkg\.dev"
    r"/[a-z][a-z0-9-]{4,28}[a-z0-9]/[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"/[a-z0-9][a-z0-9-]{0,127}/(?:sha256:[0-9a-f]{64}|[A-Za-z0-9][A-Za-z0-9._-]{0,127})"
)
"""What the clients of Vertex AI and of Kubeflow's registry take; the API names no other registry."""
_LONGEST_TEXT = 10_000
_LARGEST = 1 << 53
"""Vertex AI takes numbers as JSON has them: beyond, whole ones are no longer exact."""
_DEEPEST = 5
_region = matching(r"[a-z]+-[a-z]+[0-9]+", "must be a region, as in 'europe-west1'")
_root = matching(
    r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[A-Za-z0-9._=-]+)*/?",
    "must be gs://bucket/folder, of letters, digits and . _ = -",
)
_parameter = matching(
    r"[A-Za-z_][A-Za-z0-9_]{0,127}", "must be a parameter: letters, digits and underscores, no digit first"
)


def read_pipeline(top: Section) -> TrainingPipeline:
    """What trains a model."""
    pipeline = TrainingPipeline(
        template=top.required("template", _template),
        location=top.optional("location", _region, ""),
        root=top.required("root", _root),
        service_account=top.optional("service_account", service_account, ""),
        parameters=MappingProxyType(top.optional("parameters", mapping_of(_free, _value), {}) or {}),
    )
    if top.sound and not pipeline.location and "-" not in pipeline.place:
        top.fault("location", f"must be given where the template is of no region, but of {pipeline.place!r}", None)
    return pipeline


def _template(node: Node) -> str:
    if not isinstance(node.value, str) or not _TEMPLATE.fullmatch(node.value):
        raise WrongError(
            "must be https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/NAME/VERSION: a pipeline in a Kubeflow repository of"
            " Artifact Registry, the version sha256:… or a tag"
        )
    return node.value


def _free(node: Node) -> str:
    name = _parameter(node)
    if name in TrainingPipeline.GIVEN:
        raise WrongError(f"must not be one that every training is given: {', '.join(TrainingPipeline.GIVEN)}")
    return name


def _value(node: Node) -> Parameter:
    return _within(node, _DEEPEST)


def _within(node: Node, depth: int) -> Parameter:
    """A value that a pipeline's parameter can have, as deep as that."""
    match node.value:
        case bool():
            return node.value
        case int() if abs(node.value) <= _LARGEST:
            return node.value
        case float() if math.isfinite(node.value):
            return node.value
        case str() if len(node.value) <= _LONGEST_TEXT:
            return node.value
        case list() if depth:
            return [
                node.item(index, item).read(lambda inner: _within(inner, depth - 1))
                for index, item in enumerate(node.value)
            ]
        case dict() if depth and all(isinstance(key, str) for key in node.value):
            return {
                str(key): node.key(key, item).read(lambda inner: _within(inner, depth - 1))
                for key, item in a_mapping(node).items()
            }
    raise WrongError(
        f"must be a text of at most {_LONGEST_TEXT} characters, a number (whole ones up to 2^53), true or false, or a list or mapping"
        f" of such, at most {_DEEPEST} deep; a day or an instant in quotes"
    )
