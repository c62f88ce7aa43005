"""Ticks and commands: compare each challenger with its champion, and carry out what follows.

Each model has one document with its state and the changes of aliases that follow from it, saved together. So a process may be
killed anywhere:

    before the document is saved    nothing happened but perhaps the row of a look, which is written again under the same id
    before the aliases are written  the next tick writes them; each row has an id and is there once
    before a job is started         the next tick starts it, under the same id
    before a registry has them      the version in use is known from the table; the next tick sets them

Of two instances that decide at once, one saves its document, and the other begins anew from what was saved.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from core.errors import ActionError, AiaError, ConflictError, RefusedError, UnavailableError
from core.events import Command, Tick, Verb
from core.promotion import (
    Entrant,
    Transition,
    promoted_by_person,
    rolled_back_by_person,
)
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Clock, Document, Metrics, Store, Warehouse
from functions.adapters.registries import aliases
from functions.adapters.registries.port import ModelRegistry
from functions.adapters.training.port import Jobs
from functions.promotion import following, told
from functions.promotion.scoring import Scorer
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
    models: Callable[[], Mapping[str, Model]]
    time_zone: str

    @property
    def tracker(self) -> Tracker:
        """Counts verdicts and publishes the findings."""
        return Tracker(self.store, self.bus)


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
    models = {name: model for name, model in promoter.models().items() if model.promotion}
    documents = promoter.store.get_many(COLLECTION, sorted(models))
    # What a process that was killed left: until it is written, the version in use is not what was decided.
    documents = {name: _deliver(promoter, document) for name, document in documents.items()}
    known = known_versions(promoter.warehouse, models, tick.scheduled_at)
    fault: AiaError | None = None
    for name, model in sorted(models.items()):
        if name not in known:
            continue
        try:
            _follow(promoter, model, documents.get(name), known[name], tick)
        except (ConflictError, UnavailableError) as error:
            fault = error
        except AiaError:
            log.exception("promotion not evaluated: %s", name, extra=fields(model=name))
    return TickResult(fault=fault)


def _follow(promoter: Promoter, model: Model, document: Document | None, known: KnownVersions, tick: Tick) -> None:
    record, at = read_record(document), tick.scheduled_at
    scorer = Scorer(warehouse=promoter.warehouse, jobs=promoter.jobs)
    follower = following.Follower(
        warehouse=promoter.warehouse,
        store=promoter.store,
        metrics=promoter.metrics,
        scorer=scorer,
        time_zone=promoter.time_zone,
    )
    transition = follower.next(model, record.state, known, at)
    if transition and transition.state != record.state:
        _save(promoter, model.name, document, record, transition)
    state = transition.state if transition else record.state
    if state:
        told.tell(promoter.tracker, promoter.metrics, model, state, at)
    if state and model.promotion and transition:
        scorer.start(model.promotion, state)


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
        _deliver(promoter, document)
    else:
        _save(promoter, model.name, document, record, transition)


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


def _save(promoter: Promoter, model: str, document: Document | None, before: Record, transition: Transition) -> None:
    """Save the state with what follows from it, then carry that out."""
    data = record_data(Record(state=transition.state, unsent=(*before.unsent, *transition.changes)))
    store = promoter.store
    saved = store.replace(document, COLLECTION, data) if document else store.create(COLLECTION, model, data)
    for change in transition.changes:
        said = fields(model=model, version=change.version or "", alias=change.alias.value, stage=change.stage)
        log.info("%s: %s %s, %s %%: %s", model, change.alias, change.version, change.share, change.why, extra=said)
    _deliver(promoter, saved)


def _deliver(promoter: Promoter, document: Document) -> Document:
    """Write the changes that are not written yet; what a registry does not take waits for the next tick, and delays nothing."""
    record = read_record(document)
    if not record.unsent:
        return document
    for change in record.unsent:
        aliases.write(change, promoter.warehouse)
    try:
        aliases.set_aliases(record.unsent, promoter.registries())
    except UnavailableError as error:
        log.warning("aliases not set yet: %s", error, extra=fields(model=document.key))
        return document
    except ActionError:
        log.exception("aliases refused by the registry; the table of aliases counts", extra=fields(model=document.key))
    return promoter.store.replace(document, COLLECTION, record_data(replace(record, unsent=())))
