"""Ticks and commands: compare each challenger with its champion, and carry out what follows.

Each model has one document with its state and the changes of aliases that follow from it, saved together. So a process may be
killed anywhere:

    before the document is saved    nothing happened but perhaps the row of a look, which is written again under the same id
    before the traffic is moved     the next tick moves it; a label of the endpoint says that it was moved before
    before the aliases are written  the next tick writes them; each row has an id and is there once
    before a job is started         the next tick starts it, under the same id
    before a registry has them      the version in use is known from the table; the next tick sets them

Of two instances that decide at once, one saves its document, and the other begins anew from what was saved.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from core.errors import AiaError, ConflictError, RefusedError, UnavailableError
from core.events import Command, Tick, Verb
from core.promotion import (
    Entrant,
    TrafficMove,
    Transition,
    promoted_by_person,
    rolled_back_by_person,
)
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Clock, Document, Metrics, Store, Warehouse
from functions.adapters.registries.port import ModelRegistry
from functions.adapters.training.port import Jobs
from functions.promotion import told
from functions.promotion.delivery import Delivery
from functions.promotion.following import Follower
from functions.promotion.scoring import Scorer
from functions.promotion.traffic import Traffic
from functions.promotion.versions import KnownVersions, is_registered, known_versions
from functions.runtime.endpoint import TickResult, read_part
from functions.runtime.push import Message
from functions.services.detection import Tracker
from functions.services.promotions import COLLECTION, Record, read_record, record_data

NAME = "promotion"
log = logging.getLogger(__name__)


def read(message: Message, cron: str) -> Tick | Command:
    """The event that a message carries; see `read_part`."""
    event: Tick | Command = read_part(message, cron, Command)
    return event


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoter:
    """Dependencies of the function.

    Attributes:
        store: keeps the state of each model.
        bus: takes findings.
        warehouse: has versions, aliases, predictions and customers.
        metrics: counts.
        clock: now, for the version in use when a person commands.
        jobs: score what challengers are compared on; opened at the first use.
        registries: where aliases are set as well; opened at the first change.
        traffic: of the endpoints that the settings name.
        models: by name, as they are now.
        time_zone: of the days of the business.
    """

    store: Store
    bus: Bus
    warehouse: Warehouse
    metrics: Metrics
    clock: Clock
    jobs: Callable[[], Jobs]
    registries: Callable[[], Sequence[ModelRegistry]]
    traffic: Traffic
    models: Callable[[], Mapping[str, Model]]
    time_zone: str

    @property
    def tracker(self) -> Tracker:
        """Counts verdicts and publishes the findings."""
        return Tracker(self.store, self.bus)

    @property
    def delivery(self) -> Delivery:
        """Carries out what is saved."""
        return Delivery(store=self.store, warehouse=self.warehouse, traffic=self.traffic, registries=self.registries)

    @property
    def scorer(self) -> Scorer:
        """Has challengers score what they are compared on."""
        return Scorer(warehouse=self.warehouse, jobs=self.jobs)

    @property
    def follower(self) -> Follower:
        """Says what follows at a tick."""
        return Follower(
            warehouse=self.warehouse,
            store=self.store,
            metrics=self.metrics,
            scorer=self.scorer,
            traffic=self.traffic,
            time_zone=self.time_zone,
        )


def handle(promoter: Promoter, event: Tick | Command) -> TickResult | None:
    """Follow every challenger, or promote or roll back as a person commands; idempotent.

    Raises:
        ConflictError: another instance decided at the same moment.
        RefusedError: the command cannot be carried out.
        UnavailableError: a dependency does not answer.
    """
    if isinstance(event, Command):
        _carry_out(promoter, event)
        return None
    return _tick(promoter, event)


def _tick(promoter: Promoter, tick: Tick) -> TickResult:
    """Every model by itself: one that fails delays no other."""
    models = {name: model for name, model in sorted(promoter.models().items()) if model.promotion}
    documents = promoter.store.get_many(COLLECTION, list(models))
    faults: list[AiaError] = []
    ready: dict[str, Document | None] = {}
    for name, model in models.items():
        with _by_itself(name, faults):
            # What a process that was killed left: until it is done, what serves is not what was decided.
            document = _carried_out(promoter, model, documents.get(name), tick)
            if read_record(document).move is None:
                ready[name] = document
    known = known_versions(promoter.warehouse, ready, tick.scheduled_at)
    for name in ready.keys() & known.keys():
        with _by_itself(name, faults):
            _follow(promoter, models[name], ready[name], known[name], tick)
    return TickResult(fault=faults[-1] if faults else None)


@contextmanager
def _by_itself(name: str, faults: list[AiaError]) -> Iterator[None]:
    """One model: what may be better when the tick is delivered again is kept, everything else is logged."""
    try:
        yield
    except (ConflictError, UnavailableError) as error:
        faults.append(error)
    except AiaError:
        log.exception("promotion not evaluated: %s", name, extra=fields(model=name))


def _carried_out(promoter: Promoter, model: Model, document: Document | None, tick: Tick) -> Document | None:
    """The document of a model once what was saved is carried out, or told why it cannot be."""
    if document is None:
        return None
    at = tick.scheduled_at
    try:
        document = promoter.delivery.carry_out(model, document, at)
    except UnavailableError as error:
        if told.is_late(record := read_record(document), at):
            told.tell_waiting(promoter.tracker, model, replace(record, waits=str(error)), at)
        raise
    if (record := read_record(document)).move is not None:
        told.tell_waiting(promoter.tracker, model, record, at)
    return document


def _follow(promoter: Promoter, model: Model, document: Document | None, known: KnownVersions, tick: Tick) -> None:
    record, at = read_record(document), tick.scheduled_at
    transition, waits = promoter.follower.next_possible(model, record, known, at)
    if (transition and transition.state != record.state) or waits != record.waits:
        record = read_record(_save(promoter, model, document, transition, waits=waits, at=at))
    told.tell_waiting(promoter.tracker, model, record, at)
    if record.state:
        told.tell(promoter.tracker, promoter.metrics, model, record.state, at)
    if record.state and model.promotion and transition:
        promoter.scorer.start(model.promotion, record.state)


def _carry_out(promoter: Promoter, command: Command) -> None:
    model = promoter.models().get(command.subject)
    if model is None or command.verb not in (Verb.PROMOTE, Verb.ROLL_BACK):
        raise RefusedError(
            f"command: must be promote or roll_back of a model, got {command.verb} {command.subject[:80]!r}"
        )
    document = promoter.store.get(COLLECTION, model.name)
    record = read_record(document)
    at = max(promoter.clock(), command.at)
    known = known_versions(promoter.warehouse, [model.name], at).get(model.name)
    if known is None:
        raise RefusedError(f"{model.name}: no version is registered")
    transition = _commanded(promoter, model, record, known, command)
    if transition.state == record.state and document:
        promoter.delivery.carry_out(model, document, at)
        return
    if transition.move and transition.move.forward and (why := _objection(promoter, model, record, transition.move)):
        raise RefusedError(f"traffic: {why}")
    _save(promoter, model, document, transition, waits="", at=at)


def _objection(promoter: Promoter, model: Model, record: Record, move: TrafficMove) -> str:
    """Why the traffic may not be moved as a person commands, in one line; empty where it may."""
    if record.move is not None:
        return f"that of the step before is not in place yet: {record.waits or 'the endpoint does not answer'}"
    return promoter.traffic.hindrance(model, move)


def _commanded(promoter: Promoter, model: Model, record: Record, known: KnownVersions, command: Command) -> Transition:
    state = record.state
    if command.verb is Verb.ROLL_BACK:
        former = Entrant(model=model.name, champion=known.champion, version=known.former) if known.former else None
        return rolled_back_by_person(state, former, command)
    version = command.to or (state.challenger if state and state.is_open else "") or known.entrant
    if not version or not is_registered(promoter.warehouse, model.name, version):
        raise RefusedError(f"version: must be a registered version of {model.name}, got {version[:80]!r}")
    entrant = Entrant(model=model.name, champion=known.champion, version=version)
    return promoted_by_person(state, entrant, model.promotion, command)


def _save(
    promoter: Promoter,
    model: Model,
    document: Document | None,
    transition: Transition | None,
    *,
    waits: str,
    at: datetime,
) -> Document:
    """Save the state with what follows from it, then carry that out."""
    before = read_record(document)
    after = replace(before, waits=waits)
    if transition:
        move = transition.move if promoter.traffic.endpoint(model) else None
        unsent = (*before.unsent, *transition.changes)
        after = replace(after, state=transition.state, unsent=unsent, move=move or before.move)
    store, data = promoter.store, record_data(after)
    saved = store.replace(document, COLLECTION, data) if document else store.create(COLLECTION, model.name, data)
    for change in transition.changes if transition else ():
        said = fields(model=model.name, version=change.version or "", alias=change.alias.value, stage=change.stage)
        log.info("%s: %s %s, %s %%: %s", model.name, change.alias, change.version, change.share, change.why, extra=said)
    return promoter.delivery.carry_out(model, saved, at)
