"""What the actions on a pipeline have in common: whose pipeline it is, and where it runs."""

from collections.abc import Mapping

from core.settings.response import Resource
from functions.adapters.actions.calls import lookup
from functions.adapters.actions.vertex import Pipelines, connect_pipelines


class PipelineAction:
    """An action on the pipeline of a target.

    Args:
        resources: what targets are in the cloud.
        pipelines: Vertex AI; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], pipelines: Pipelines | None = None) -> None:
        self._resources = resources
        self._pipelines = pipelines or connect_pipelines()

    def _where(self, target: str) -> tuple[str, str]:
        """The location and the display name of the target's pipeline; `ActionError` where the settings have none."""
        pipeline = lookup(self._resources, target, "pipeline")
        return lookup(self._resources, target, "location"), pipeline
