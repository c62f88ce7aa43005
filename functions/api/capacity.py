"""What is known of each resource with a limit: its usage, the forecast of an hour, and the replicas that it needs."""

from dataclasses import dataclass

from functions.adapters.capacity import COLLECTION
from functions.adapters.ports import Data, Store
from functions.adapters.store import every


@dataclass(frozen=True, slots=True)
class Capacity:
    """Reads what `capacity` has stored."""

    store: Store

    def all(self) -> list[Data]:
        """The resources by name, without the forecasts of the last hour, which wait for their error."""
        documents = every(self.store, COLLECTION)
        return [{key: value for key, value in one.data.items() if key != "forecasts"} for one in documents]
