"""What is known of each resource with a limit: written by `capacity`, shown by the page, and read by the action that scales out."""

from datetime import datetime, timedelta

from functions.adapters.ports import Store

COLLECTION = "capacity"
MAX_AGE = timedelta(hours=1)
"""Age from which a proposal no longer counts: its forecast is over."""


def needed_replicas(store: Store, target: str, at: datetime) -> int:
    """The most replicas that a resource of a target needs for the next hour; 0 where nothing is known that is at most an hour old.

    Raises:
        UnavailableError: the store does not answer.
    """
    found = [one.data for one in store.find(COLLECTION, where={"target": target})]
    proposals = [data["proposal"] for data in found if data["proposal"] and at - data["at"] <= MAX_AGE]
    return max((proposal["needed"] or 0 for proposal in proposals), default=0)
