"""The key `retraining.pipeline` of a model: what trains it on Vertex AI."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.kinds import ServiceAccount
from core.settings.notes import Default, Pattern, Reads
from core.settings.reader import Node, WrongError
from core.settings.values import matching

Parameter = bool | int | float | str | list["Parameter"] | dict[str, "Parameter"]
"""A value of a pipeline's parameter."""
GIVEN = ("model", "model_version", "window_start", "window_end", "request_id", "template")
_LONGEST_TEXT = 10_000
_LARGEST = 1 << 53
"""Vertex AI takes numbers as JSON has them: beyond, whole ones are no longer exact."""
_DEEPEST = 5
_PARAMETER = Pattern(
    r"[A-Za-z_][A-Za-z0-9_]{0,127}", "must be a parameter: letters, digits and underscores, no digit first"
)


def _free(node: Node) -> str:
    name = matching(node.value, _PARAMETER)
    if name in GIVEN:
        raise WrongError(f"must not be one that every training is given: {', '.join(GIVEN)}")
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
                for key, item in node.value.items()
            }
    raise WrongError(
        f"must be a text of at most {_LONGEST_TEXT} characters, a number (whole ones up to 2^53), true or false, or a list or mapping"
        f" of such, at most {_DEEPEST} deep; a day or an instant in quotes"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingPipeline:
    """The Vertex AI pipeline that trains the model; without it, requests are only stored."""

    GIVEN: ClassVar[tuple[str, ...]] = GIVEN
    """The parameters that every training is given: from the request."""

    template: Annotated[
        str,
        Pattern(
            r"https://[a-z]+(?:-[a-z]+[0-9]+)?-kfp\.pkg\.dev"
            r"/[a-z][a-z0-9-]{4,28}[a-z0-9]/[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
            r"/[a-z0-9][a-z0-9-]{0,127}/(?:sha256:[0-9a-f]{64}|[A-Za-z0-9][A-Za-z0-9._-]{0,127})",
            "must be https://REGION-kfp.pkg.dev/PROJECT/REPOSITORY/NAME/VERSION: a pipeline in a Kubeflow repository of"
            " Artifact Registry, the version sha256:… or a tag",
        ),
    ]
    """The compiled pipeline."""
    root: Annotated[
        str,
        Pattern(
            r"gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](?:/[A-Za-z0-9._=-]+)*/?",
            "must be gs://bucket/folder, of letters, digits and . _ = -",
        ),
    ]
    """Folder for the output of runs."""
    location: Annotated[
        str, Pattern(r"[a-z]+-[a-z]+[0-9]+", "must be a region, as in 'europe-west1'"), Default("the template's")
    ] = ""
    """Region of the run; required if the template is in a multi-region."""
    service_account: Annotated[ServiceAccount, Default("Vertex AI's own")] = ""
    """E-mail address of the service account."""
    parameters: Mapping[
        Annotated[str, Reads(_free, "letters, digits and underscores")],
        Annotated[Parameter, Reads(_value, "text, numbers, booleans, and lists and mappings of them", {})],
    ] = field(default_factory=dict)
    """Parameters beside those that every job is given: `model`, `model_version`, `window_start`, `window_end`, and `request_id` and
    `template` of a training, `artifact_uri` of a scoring job."""

    @property
    def place(self) -> str:
        """The region or multi-region of the template's repository."""
        return self.template.removeprefix("https://").partition("-kfp.")[0]

    @property
    def region(self) -> str:
        """Where it runs."""
        return self.location or self.place

    @property
    def label(self) -> str:
        """The name of the pipeline as a label of its jobs has it, by which the bill knows their costs."""
        return self.name[:63]

    @property
    def version(self) -> str:
        """The hash of the template, `sha256:…`; empty where a tag names it, which is only resolved when a job starts."""
        last = self.template.split("/")[-1]
        return last if last.startswith("sha256:") else ""

    @property
    def name(self) -> str:
        """The name of the pipeline, which its template has in the repository."""
        return self.template.split("/")[-2]


@validator(TrainingPipeline, "template", "location")
def _it_runs_in_a_region(pipeline: TrainingPipeline) -> Faults:
    if not pipeline.location and "-" not in pipeline.place:
        allowed = f"must be given where the template is of no region, but of {pipeline.place!r}"
        yield Fault("location", allowed)
