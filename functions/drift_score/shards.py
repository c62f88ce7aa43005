"""A tick is planned as messages that any instance of the function takes: tables to count, and shards of models to score.

So no request scores all models, and a model that is slow or fails delays no other: the models of a shard are scored side by
side, and those that fail while others succeed go on as a shard of their own, with the retries of its subscription. Models of
large windows are scored once their table has been counted, which is done once for all of them.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

import msgspec

from core.errors import QueryError
from core.events import ScoringShard, TableCount, Tick, UsedVersion
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Data, Warehouse
from functions.drift_score.compare import is_asking
from functions.drift_score.past import unreported
from functions.drift_score.prepared import prepare
from functions.drift_score.scoring import Faults, most_telling, score_each, score_once
from functions.drift_score.slots.predictions import CountedPredictions
from functions.drift_score.slots.slot_counts import SlotCounts, can_count
from functions.drift_score.slots.statements import Source
from functions.drift_score.watch import CountedWindow, Outside
from functions.runtime.endpoint import read_part
from functions.runtime.push import Message
from functions.services.models import Models

TOPIC = "scoring"
MODELS_A_SHARD = 200
COUNTED_A_SHARD = 334
"""Of a table none of whose models asks the warehouse for more than its counts: a shard of them takes some seconds, and, most of it for
their stored profiles, half of the memory of an instance. A thousand models are three shards."""
_NONE: Mapping[str, UsedVersion] = MappingProxyType({})
Part = Tick | TableCount | ScoringShard
log = logging.getLogger(__name__)


def read(message: Message, cron: str) -> Part:
    """The event that a message carries.

    Args:
        message: from either of the function's subscriptions.
        cron: the schedule of the function's job, in UTC.

    Raises:
        PoisonError: it carries none of them.
    """
    part: Part = read_part(message, cron, ScoringShard, TableCount)
    return part


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """Plans ticks, counts tables and scores shards.

    Attributes:
        models: of the deployment.
        slots: counts by slots.
        warehouse: says which columns have changed.
        outside: what scoring needs.
    """

    models: Models
    slots: SlotCounts
    warehouse: Warehouse
    outside: Outside

    def handle(self, event: Part) -> None:
        """Do the part of a tick that an event asks for; safe to call again with the same event.

        Raises:
            UnavailableError: something outside does not answer; the event must come again.
            BusyError: another instance scores the models of the shard right now.
        """
        match event:
            case Tick():
                self.plan(event)
            case TableCount():
                self.count(event)
            case ScoringShard():
                self.score(event)

    def plan(self, tick: Tick) -> None:
        """Publish the parts of a tick: tables with models that are counted by slots, and shards of the other models."""
        at = tick.scheduled_at
        models = {name: model for name, model in self.models.all().items() if model.end is None or at <= model.end}
        counted = self._counted(models.values())
        for source in sorted({Source.of(model) for model in counted}):
            part = TableCount(scheduled_at=at, table=source.table, timestamp=source.timestamp, row_id=source.id)
            self.outside.bus.publish(TOPIC, part)
        names = {model.name for model in counted}
        publish_shards(self.outside.bus, at, [name for name in models if name not in names])

    def count(self, table: TableCount) -> None:
        """Count the slots of a table that have closed, and publish the shards of its models.

        If BigQuery refuses the statement, each model is scored without, so that the messages name those at fault.
        """
        source, at = Source(table.table, table.timestamp, table.row_id), table.scheduled_at
        whole = [model for model in self.models.all().values() if can_count(model) and Source.of(model) == source]
        profiles = self.slots.registered(whole) if whole else {}
        models = [model for model in whole if model.name in profiles]
        if not models:
            return
        batch, versions = "", dict[str, UsedVersion]()
        try:
            batch = self.slots.advance(models, profiles, at)
            versions = self.slots.versions(models, at)
        except QueryError as error:
            log.warning("not counted by slots: %s: %s", source.table, error, extra=fields(table=source.table))
        asking = not batch or any(is_asking(model, model.exact_rows + 1) for model in models)
        most = MODELS_A_SHARD if asking else COUNTED_A_SHARD
        names = [model.name for model in models]
        publish_shards(self.outside.bus, at, names, batch=batch, versions=versions, most=most)

    def score(self, shard: ScoringShard) -> None:
        """Score the models of a shard that still exist.

        Those that fail are published as a smaller shard if any other succeeds; else the shard fails as a whole, and comes
        again with the back-off of its subscription. So a model that fails every time ends up in a shard of its own.
        """
        known, at = self.models.all(shard.models), shard.scheduled_at
        wanted = [known[name] for name in shard.models if name in known]
        if shard.past:
            if faults := score_each(at, wanted, unreported(self.outside)):
                raise most_telling(faults.values())
            return
        names = [model.name for model in wanted]

        def score() -> Faults:
            return score_each(at, wanted, self._reading(shard, wanted))

        def leave(faults: Faults) -> None:
            if len(faults) == len(names):
                raise most_telling(faults.values())
            versions = {one.model: one for one in shard.versions}
            publish_shards(self.outside.bus, at, list(faults), batch=shard.batch, versions=versions)
            said = fields(models=", ".join(faults))
            log.info("left for another shard: %d of %d models", len(faults), len(names), extra=said)

        score_once(self.outside.ledger, at, names, score, leave)
        prepare(wanted, at, self.warehouse, self.outside.profiles)

    def _counted(self, models: Iterable[Model]) -> list[Model]:
        """The models that are counted by slots."""
        whole = [model for model in models if can_count(model)]
        profiles = self.slots.registered(whole) if whole else {}
        return [model for model in whole if model.name in profiles]

    def _reading(self, shard: ScoringShard, models: Sequence[Model]) -> Outside:
        """What scoring needs, where windows that have been counted are not read again."""
        at, outside = shard.scheduled_at, self.outside
        # A tenth of the time of `asdict`.
        versions = {one.model: msgspec.to_builtins(one, builtin_types=(datetime,)) for one in shard.versions}
        predictions = CountedPredictions(rest=outside.predictions, slots=self.slots, warehouse=self.warehouse, at=at)
        counted = self._windows(shard, models, predictions, versions) if shard.batch else None
        return replace(outside, predictions=predictions, versions=versions, counted=counted)

    def _windows(
        self,
        shard: ScoringShard,
        models: Sequence[Model],
        predictions: CountedPredictions,
        versions: Mapping[str, Data],
    ) -> Iterator[CountedWindow]:
        """The windows of a shard that were counted, read as they are asked for."""
        for window in self.slots.read(models, shard.batch, shard.scheduled_at):
            own = replace(predictions, window=window, version=versions.get(window.model))
            yield CountedWindow(window.model, window.rows, own)


def publish_shards(
    bus: Bus,
    at: datetime,
    names: Sequence[str],
    *,
    batch: str = "",
    versions: Mapping[str, UsedVersion] = _NONE,
    most: int = MODELS_A_SHARD,
) -> None:
    """Publish models as shards of at most so many, in the order of their names, with those of their versions that are known."""
    ordered = sorted(names)
    for first in range(0, len(ordered), most):
        shard = tuple(ordered[first : first + most])
        used = tuple(versions[name] for name in shard if name in versions)
        bus.publish(TOPIC, ScoringShard(scheduled_at=at, models=shard, batch=batch, versions=used))
