"""The IAM policies of resources, as they were set."""

from typing import Final

from infra.local.pubsub.store import Store

KIND: Final = "policy"


class Policies:
    """Serialised policies by the name of their resource.

    Args:
        store: has them.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policies = store.resources(KIND)

    def get(self, resource: str) -> bytes | None:
        """The policy of a resource, if one was set."""
        return self._policies.get(resource)

    async def save(self, resource: str, policy: bytes) -> None:
        """Replace the policy of a resource."""
        await self._store.save_resource(KIND, resource, policy)
        self._policies[resource] = policy

    async def drop(self, resource: str) -> None:
        """The resource is deleted, and its policy with it."""
        if self._policies.pop(resource, None) is not None:
            await self._store.remove_resources(KIND, [resource])
