"""The template of a run whose settings name it by a tag: Vertex AI resolves the tag when the job starts, and says to what."""

import os

from core.errors import ActionError, UnavailableError
from functions.adapters.actions.calls import PATIENCE
from functions.adapters.actions.vertex import Pipelines


def template_of(job: str, *, patience: float = PATIENCE) -> str:
    """The hash of the template of a job, `sha256:…`; empty where it is not known: a version is registered without it as well.

    Args:
        job: its resource, `projects/P/locations/L/pipelineJobs/ID`.
        patience: seconds that an attempt may take, and that the call is repeated for.

    References:
        Vertex AI, PipelineTemplateMetadata: `version`, "the version_name in artifact registry", is always present in output.
    """
    pipelines = Pipelines(endpoint=os.environ.get("AIA_VERTEX_ENDPOINT", ""), patience=patience)
    try:
        return str(pipelines.get(job).template_metadata.version)
    except (ActionError, UnavailableError) as error:
        print(f"template not known: {error}")
        return ""
