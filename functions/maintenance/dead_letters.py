"""Dead letters: how many there are, and sending one again to the topic that it came from."""

from datetime import datetime, timedelta

from core.errors import RefusedError
from core.events import Command, Verb
from core.maintenance.dead_letters import SENT_WITHIN, claim_key, topic_of
from functions.adapters.ports import PubsubMessage
from functions.maintenance.outside import Outside
from functions.services.dead_letters import PER_FUNCTION, find

RESENT = "resent"
"""The attribute of what is sent again: the id of the dead letter."""
_DAY = timedelta(days=1)


def send_again(outside: Outside, command: Command) -> None:
    """Publish a dead letter as it was, or as it was edited, with its attributes; once.

    A process that is killed after it has published, and before that is recorded, publishes it again: what takes it takes every
    message twice.

    Raises:
        RefusedError: there is no such dead letter, or it cannot be sent.
    """
    if command.verb is not Verb.SEND_AGAIN:
        raise RefusedError(f"verb: must be {Verb.SEND_AGAIN}, got {command.verb}")
    found = find(outside.warehouse, command.subject)
    if found is None:
        raise RefusedError(f"subject: must be the id of a dead letter, got {command.subject[:80]!r}")
    if outside.clock() - found.received_at > SENT_WITHIN:
        raise RefusedError(f"{found.id}: must not be older than {SENT_WITHIN.days} days to be sent again")
    topic = topic_of(outside.deployment(), found.subscription)
    if not topic:
        raise RefusedError(f"subscription: must be one of the deployment, got {found.subscription!r}")
    data = command.body.encode() or found.data
    if data is None:
        raise RefusedError(f"{found.id}: its message cannot be read; give what is to be sent instead")
    message = PubsubMessage(data, found.attributes | {RESENT: found.id})
    outside.ledger.once(claim_key(found.id), lambda: outside.bus.publish_raw(topic, [message]))


def publish(outside: Outside, at: datetime) -> None:
    """How many messages each function parked in the last day; 0 for those that parked none."""
    rows = outside.warehouse.query(PER_FUNCTION, since=at - _DAY, until=at)
    found = dict.fromkeys(outside.deployment()["functions"], 0) | {row["function"]: row["n"] for row in rows}
    for function, number in found.items():
        outside.metrics.gauge("aia_dead_letters", number, at=at, function=function)
