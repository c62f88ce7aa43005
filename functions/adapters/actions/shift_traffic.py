"""Shift traffic away from the newest model of an endpoint: half of its share goes to the model deployed before it."""

from google.cloud.aiplatform_v1.types import Endpoint

from functions.adapters.actions.split import Split, SplitAction, former, serving


class ShiftTraffic(SplitAction):
    """The action `shift_traffic`: the shares of other models stay; of an odd share the larger half moves."""

    def _choose(self, endpoint: Endpoint) -> Split:
        newest = serving(endpoint)
        older = former(endpoint, newest)
        split = {model: share for model, share in endpoint.traffic_split.items() if share}
        kept = split[newest.id] // 2
        moved = split[newest.id] - kept
        changed = {**split, newest.id: kept, older.id: split.get(older.id, 0) + moved}
        return {model: share for model, share in changed.items() if share}
