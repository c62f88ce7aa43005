"""Delete the contents of a cache in Redis: all keys that begin with the resource's prefix, or all where there is none.

A cache refills from the service behind it, which has the whole load until then. The progress of the flush is stored
in the cache under a separate key for a day: so that a call continues where the last one timed out, so that the cache
is not flushed twice for one request, and so that it is known afterwards, when it is as full as before, that it was
empty.
"""

from collections.abc import Mapping

from core.actions.plan import Health, Plan, Step, Verification
from core.errors import ActionError, UnavailableError
from core.events import ActionRequest
from core.settings.response import Resource
from functions.adapters.actions import redis_cache
from functions.adapters.actions.calls import lookup

NOTE = "aia:flushed:"
"""The prefix of the key of the note; the request's id follows."""
NOTED_SECONDS = 86_400
DONE = " done"


class FlushCache:
    """The action `flush_cache`; see the port.

    Args:
        resources: what targets are in the cloud.
        caches: how caches are reached; as the environment has it where none is given.
    """

    def __init__(self, resources: Mapping[str, Resource], caches: redis_cache.Caches | None = None) -> None:
        self._resources = resources
        self._caches = caches or redis_cache.connect()

    def plan(self, request: ActionRequest) -> Plan:
        """How many keys would be deleted, by a sample where there are many; nothing where there is none."""
        address = lookup(self._resources, request.target, "redis")
        prefix = self._resources[request.target].prefix
        with self._caches.open(address) as cache:
            cache.require_whole()
            size = cache.size(prefix)
        which = f"beginning with {prefix!r}" if prefix else "in all"
        there = size.keys > 0 or not size.exact
        return Plan(
            summary=f"cache {address}: {size} {which} deleted",
            steps=(Step(what=f"keys {which}", before=str(size), after="none"),) if there else (),
            touched=int(there),
            resource=_resource_name(address),
            state={"address": address, "prefix": prefix, "keys": str(size.keys), "note": f"{NOTE}{request.id}"},
        )

    def apply(self, plan: Plan, key: str) -> str:
        """Delete keys within the time of one call; the next call continues."""
        state = plan.state
        with self._caches.open(state["address"]) as cache:
            process = cache.require_whole()
            noted, reached = cache.noted(state["note"]), f"{key} at {process} "
            if noted == _done(key):
                return f"cache {state['address']}: flushed under this key before"
            # A cursor means nothing to another process, or to this one after a restart.
            start = int(noted.removeprefix(reached)) if noted.startswith(reached) else 0
            gone, cursor = cache.flush(state["prefix"], start)
            cache.note(state["note"], f"{reached}{cursor}" if cursor else _done(key), NOTED_SECONDS)
        if cursor:
            raise UnavailableError(f"cache {state['address']}: {gone} keys deleted in this call, and there are more")
        return f"cache {state['address']}: {gone} keys deleted"

    def verify(self, plan: Plan) -> Verification:
        """Good when the cache answers and was flushed: it may be full again.

        If the note is missing (evicted, or lost in a failover), the number of keys decides.
        """
        state = plan.state
        with self._caches.open(state["address"]) as cache:
            size, noted = cache.size(state["prefix"]), cache.noted(state["note"])
        detail = f"cache {state['address']}: {size} now, {state['keys']} before"
        flushed = noted.endswith(DONE) or size.keys < int(state["keys"]) / 2
        return Verification(health=Health.GOOD if flushed else Health.BAD, detail=detail)

    def undo(self, plan: Plan) -> str:
        """Refused: the contents of the cache cannot be restored."""
        raise ActionError(f"cache {plan.state['address']}: what was deleted cannot be put back; it fills itself again")


def _resource_name(address: str) -> str:
    """The full name of a database, however its address is written: which keys of it are deleted makes no difference.

    >>> _resource_name("Cache.example.com:6379"), _resource_name("cache.example.com:6379/00")
    ('//redis/cache.example.com:6379/0', '//redis/cache.example.com:6379/0')
    """
    server, _, database = address.lower().partition("/")
    return f"//redis/{server}/{int(database or 0)}"


def _done(key: str) -> str:
    return f"{key}{DONE}"
