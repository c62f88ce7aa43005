"""The section `registry`: where versions of models are registered, besides `ops.model_versions`."""

from dataclasses import dataclass, field
from typing import Annotated

from core.settings.channels import Secret
from core.settings.network import SecureUrl
from core.settings.notes import Pattern


@dataclass(frozen=True, slots=True, kw_only=True)
class MlflowRegistry:
    """An MLflow server."""

    url: SecureUrl
    """URL of the server, as in `https://mlflow.example.com`."""
    token: Secret = field(default="", repr=False)
    """Bearer token, where the server asks for one."""
    webhook_secret: Secret = field(default="", repr=False)
    """Secret of its registry webhook; without it, new versions are found by `pipeline_monitor` alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexRegistry:
    """The model registry of Vertex AI."""

    project: Annotated[str, Pattern(r"[a-z][a-z0-9-]{4,28}[a-z0-9]", "must be the id of a project, as in 'my-project'")]
    """Project of the models."""
    location: Annotated[str, Pattern(r"[a-z]+-[a-z]+[0-9]+", "must be a region, as in 'europe-west1'")]
    """Region of the models."""
    image: Annotated[
        str, Pattern(r"[a-z0-9.-]+/[A-Za-z0-9._/-]+(?:[:@][A-Za-z0-9._:-]+)?", "must be the address of an image")
    ] = ""
    """Container image that serves the models; without it, versions are registered and cannot be deployed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Where versions of models are registered: in MLflow, in Vertex AI, or in both."""

    mlflow: MlflowRegistry | None = None
    """An MLflow server."""
    vertex: VertexRegistry | None = None
    """The model registry of Vertex AI."""
