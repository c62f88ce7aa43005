"""A tick is planned as shards: messages with the names of some models, which any instance of the function scores.

So no request scores all models, and a model that is slow or fails delays no other: the models of a shard are scored side by
side, and those that fail while others succeed go on as a shard of their own, with the retries of its subscription.
"""

import logging
from collections.abc import Iterable

from core.errors import PoisonError
from core.events import ScoringShard, Tick
from functions.adapters import events
from functions.adapters.logs import fields
from functions.adapters.ports import Bus
from functions.drift_score.scoring import Outside, most_telling, score_each
from functions.runtime.endpoint import read_tick
from functions.runtime.push import Message
from functions.services.models import Models

TOPIC = "scoring"
MODELS_A_SHARD = 200
log = logging.getLogger(__name__)


def read(message: Message, cron: str) -> Tick | ScoringShard:
    """The event that a message carries.

    Args:
        message: from either of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it carries neither.
    """
    kind = events.type_of(message.data)
    if kind == ScoringShard.TYPE:
        return events.decode(message.data, ScoringShard)
    if kind == Tick.TYPE:
        return read_tick(message, cron)
    raise PoisonError(f"type: must be {ScoringShard.TYPE!r} or {Tick.TYPE!r}, got {kind!r:.80}")


def handle(event: Tick | ScoringShard, models: Models, outside: Outside) -> None:
    """Plan a tick, or score a shard; safe to call again with the same event.

    Raises:
        UnavailableError: something outside does not answer; the event must come again.
        BusyError: another instance scores the models of the shard right now.
    """
    if isinstance(event, Tick):
        plan(event, models.all(), outside.bus)
    else:
        score_shard(event, models, outside)


def plan(tick: Tick, models: Iterable[str], bus: Bus) -> None:
    """Publish the shards of a tick, by the names of the models."""
    names = sorted(models)
    for first in range(0, len(names), MODELS_A_SHARD):
        shard = ScoringShard(scheduled_at=tick.scheduled_at, models=tuple(names[first : first + MODELS_A_SHARD]))
        bus.publish(TOPIC, shard)


def score_shard(shard: ScoringShard, models: Models, outside: Outside) -> None:
    """Score the models of a shard that still exist.

    Those that fail are published as a smaller shard if any other succeeds; else the shard fails as a whole, and comes
    again with the back-off of its subscription. So a model that fails every time ends up in a shard of its own.
    """
    known = models.all(shard.models)
    wanted = [known[name] for name in shard.models if name in known]
    faults = score_each(shard.scheduled_at, wanted, outside)
    if not faults:
        return
    if len(faults) == len(wanted):
        raise most_telling(faults.values())
    left = ScoringShard(scheduled_at=shard.scheduled_at, models=tuple(faults))
    outside.bus.publish(TOPIC, left)
    log.info(
        "left for another shard: %d of %d models", len(faults), len(wanted), extra=fields(models=", ".join(faults))
    )
