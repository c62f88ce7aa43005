"""Roll back an endpoint: all traffic to the model that was deployed before the newest one that serves."""

from google.cloud.aiplatform_v1.types import Endpoint

from functions.adapters.actions.split import ALL, Split, SplitAction, former, serving


class RollbackModel(SplitAction):
    """The action `rollback_model`: the way back is one deployment at a time, and skips those that have no replica."""

    def _choose(self, endpoint: Endpoint) -> Split:
        return {former(endpoint, serving(endpoint)).id: ALL}
