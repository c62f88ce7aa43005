"""Claims on the delivery queues of a group: who performs their effects now.

They are saved in the document of the group, with the decision and its effects, so that claiming costs no write of its own. A claim
that is not released, as after a crash, ends by itself.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from core.incidents.outbox import IncidentGroup, QueueClaim

Wanted = Callable[[str], bool]
"""Whether a delivery queue is wanted, by its name."""


def claim_queues(group: IncidentGroup, by: str, wanted: Wanted, *, now: datetime, lease: timedelta) -> IncidentGroup:
    """The group in which `by` holds the wanted queues that have effects, but for those that somebody else holds.

    Queues that it held and that are not wanted, or have no effects any more, are released.

    Args:
        group: before.
        by: the name of the attempt, of which there is no other one.
        wanted: which queues, by name.
        now: the present.
        lease: how long the claims hold.
    """
    others = tuple(claim for claim in group.claims if claim.by != by and claim.until > now)
    taken = {claim.queue for claim in others}
    queues = dict.fromkeys(effect.queue for effect in group.pending)
    mine = (
        QueueClaim(queue=queue, by=by, until=now + lease) for queue in queues if queue not in taken and wanted(queue)
    )
    return replace(group, claims=(*others, *mine))


def release_queues(group: IncidentGroup, by: str) -> IncidentGroup:
    """The group in which `by` holds no queue."""
    return replace(group, claims=tuple(claim for claim in group.claims if claim.by != by))


def holders(group: IncidentGroup) -> dict[str, QueueClaim]:
    """The claim on each queue that is claimed."""
    return {claim.queue: claim for claim in group.claims}
