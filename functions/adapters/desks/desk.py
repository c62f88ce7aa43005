"""From a decision to incidents that are saved, published and told.

One document a group of targets, its desk, decides. The decision and what it entails are saved in one write; only then is
anything done, and what is done leaves the desk. So a crash at any point is repaired by the next delivery, of this event or
of any other of the group, or by the sweep:

    before the write         nothing happened; the event comes again
    after the write          the event counts as a duplicate, and what is pending is done
    while something is done  the ledger knows what is done; one effect at most is repeated, with the same key
    before the clearing      the ledger knows that everything is done
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from threading import Lock

from core.errors import AiaError, BusyError, UnavailableError
from core.events import IncidentChange
from core.incidents.charter import Charter
from core.incidents.commands import refuse
from core.incidents.messages import compose
from core.incidents.model import Decision, Watch
from core.incidents.mute import Silence
from core.incidents.notice import inform, mute_of
from core.incidents.outbox import Desk, Effect, after, lanes, without
from core.incidents.respond import requests
from functions.adapters import logs
from functions.adapters.desks.channels import FailingChannels, delivered
from functions.adapters.desks.documents import DESKS, desk_data, read_desk
from functions.adapters.desks.perform import NOTIFY, Lane, Performer, Spread, at_once
from functions.adapters.ports import Clock, Data, Metrics, Store
from functions.adapters.store import update
from functions.services.detection import Tracker

log = logging.getLogger(__name__)
RETRIED_FOR = timedelta(minutes=2)
"""For so long a message that a channel does not take makes the event come again, within seconds; later it is swept."""
ROUNDS = 5
"""Refusals are written down and published in a further round; a round can bring no more than the one before."""
PATIENCE = 2.0
"""Seconds that a thread waits for another one at the same group: a channel that hangs must not hold up the others."""
_LOCKS = tuple(Lock() for _ in range(64))
Decide = Callable[[Watch, datetime], Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desks:
    """What deciding over incidents needs.

    Attributes:
        store: keeps the desks and the incidents.
        performer: does what is pending.
        metrics: counts.
        clock: now.
        charter: what decisions go by.
        failing: the channels that do not take messages.
        silences: those that people made.
        spread: runs lanes side by side.
    """

    store: Store
    performer: Performer
    metrics: Metrics
    clock: Clock
    charter: Charter
    failing: FailingChannels
    silences: Callable[[], Sequence[Silence]] = tuple
    spread: Spread = at_once


@dataclass(slots=True, kw_only=True)
class Turn:
    """One decision over the document of a desk; called again when somebody else wrote in between.

    Attributes:
        desks: what it needs.
        group: whose desk it is.
        decide: what is decided; pure.
        at: the instant of what is decided on; None where time alone has passed.
        desk: what is saved now; where nothing was to be saved, what was found.
        decision: what was decided.
        changes: what was decided and told, as it is published.
        gone: what made room, and will not happen.
    """

    desks: Desks
    group: str
    decide: Decide
    at: datetime | None
    desk: Desk = field(init=False)
    decision: Decision = field(init=False)
    changes: tuple[IncidentChange, ...] = ()
    gone: tuple[Effect, ...] = ()

    def __call__(self, data: Data | None) -> Data | None:
        """Decide; the document as it shall be, or None where nothing is to be saved."""
        charter, now = self.desks.charter, self.desks.clock()
        self.desk, self.changes, self.gone = _desk(self.group, data), (), ()
        self.decision = self.decide(self.desk.watch, now)
        if self.at is not None and self.decision.watch == self.desk.watch:
            return None
        silences = self.desks.silences()
        informed = inform(self.decision.watch, at=self.at or now, now=now, charter=charter, silences=silences)
        changes = self.changes = (*self.decision.changes, *informed.changes)
        watch, asked = requests(
            informed.watch,
            charter.playbooks,
            now=now,
            quiet=lambda one: mute_of(one, now, charter, silences) is not None,
        )
        if watch == self.desk.watch and informed.waits == self.desk.waits:
            return None
        told = [
            message
            for notice in informed.notices
            for message in compose(watch, notice, url=charter.url, runbooks=charter.runbooks)
        ]
        self.desk, self.gone = after(
            self.desk,
            watch,
            changes=changes,
            messages=told,
            requests=asked,
            waits=informed.waits,
            now=now,
            reopen_within=charter.policy.reopen_within,
        )
        return desk_data(self.desk)


def act(desks: Desks, group: str, decide: Decide, *, at: datetime | None) -> None:
    """Decide over a group, and do all that is pending for it; safe to call again.

    Args:
        desks: what it needs.
        group: whose desk it is.
        decide: given what is remembered and now, says what follows; called again when somebody else was faster.
        at: the instant of what is decided on; None where time alone has passed.

    Raises:
        BusyError: somebody else is at the same group or effect.
        UnavailableError: something outside does not answer; whatever else was pending is done.
    """
    with _alone(group):
        turn = take(desks, group, decide, at=at)
        results = perform(desks, turn.desk)
    _raise([lane.error for lane in results if lane.error and not _left(lane, desks.clock())])


@contextmanager
def _alone(group: str) -> Iterator[None]:
    """Let the threads of this process come to a group one after the other: else one would find the other at it, and give up."""
    lock = _LOCKS[hash(group) % len(_LOCKS)]
    held = lock.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if held:
            lock.release()


def _left(lane: Lane, now: datetime) -> bool:
    """Whether it is left to the sweep: a channel that is down for long must not slow down whoever delivers findings."""
    return lane.name.startswith(NOTIFY) and lane.since is not None and now - lane.since > RETRIED_FOR


def take(desks: Desks, group: str, decide: Decide, *, at: datetime | None) -> Turn:
    """Decide over a group and save it with what it entails, but do none of that yet; see `act`."""
    turn = Turn(desks=desks, group=group, decide=decide, at=at)
    update(desks.store, DESKS, group, turn)
    _record(turn)
    return turn


def perform(desks: Desks, desk: Desk, wanted: Callable[[str], bool] = lambda _: True) -> list[Lane]:
    """Do what is pending on a desk.

    Args:
        desks: what it needs.
        desk: as it was saved.
        wanted: which lanes, by their names.

    Returns:
        How far each lane came; of several rounds, the last one's.
    """
    results: list[Lane] = []
    for _ in range(ROUNDS):
        work = [effects for effects in lanes(desk.pending) if wanted(effects[0].lane)]
        if not work:
            break
        results = list(desks.spread([partial(desks.performer.lane, desk, effects) for effects in work]))
        _report(desks, results)
        if any(result.done for result in results):
            desk = _clear(desks, desk.watch.group, results)
        if any(result.error for result in results) or not any(result.refused for result in results):
            break  # without a refusal nothing new of ours is pending; what others add meanwhile, they do
    return results


def _desk(group: str, data: Data | None) -> Desk:
    return read_desk(data) if data else Desk(watch=Watch(group=group))


def _record(turn: Turn) -> None:
    names = [change.change.value for change in turn.changes]
    details = logs.fields(group=turn.group, reason=turn.decision.reason)
    log.info("%s: %s", turn.group, ", ".join(names) or f"no change ({turn.decision.reason})", extra=details)
    metrics = turn.desks.metrics
    for name in names:
        metrics.count("aia_incident_changes_total", change=name)
    for effect in turn.gone:
        log.error("%s: too many wait, the oldest is given up", effect.lane, extra=logs.fields(key=effect.key))
        if effect.message is not None:
            metrics.count("aia_notifications_total", channel=effect.message.channel, outcome="superseded")


def _clear(desks: Desks, group: str, results: Sequence[Lane]) -> Desk:
    done = {key for result in results for key in result.done}
    refused = [refusal for result in results for refusal in result.refused]

    def clear(data: Data | None) -> Data | None:
        desk = _desk(group, data)
        cleared = _with_refusals(without(desk, done), desk, refused, desks)
        return None if cleared is desk else desk_data(cleared)

    return _desk(group, update(desks.store, DESKS, group, clear))


def _with_refusals(desk: Desk, before: Desk, refused: Iterable[tuple[Effect, str]], desks: Desks) -> Desk:
    still = {effect.key for effect in before.pending}
    for effect, detail in refused:
        if effect.key in still and effect.message is not None:
            now, channel = desks.clock(), effect.message.channel
            decision = refuse(desk.watch, effect.incident_id, channel=channel, detail=detail, at=now)
            within = desks.charter.policy.reopen_within
            desk, _ = after(
                desk, decision.watch, changes=decision.changes, waits=desk.waits, now=now, reopen_within=within
            )
    return desk


def _report(desks: Desks, results: Sequence[Lane]) -> None:
    """Tell of channels that do not take messages, or do again; that must hold up nothing else."""
    for lane in results:
        name = lane.name.removeprefix(NOTIFY)
        fault = lane.refused[-1][1] if lane.refused else str(lane.error or "")
        known = name in desks.performer.channels
        if not known or isinstance(lane.error, BusyError) or not (fault or lane.done):
            continue
        try:
            if fault or name in desks.failing():
                track_delivery(desks, name, fault=fault, final=bool(lane.refused))
        except AiaError as error:
            log.warning("not reported how %s takes messages: %s", name, error)


def track_delivery(desks: Desks, channel: str, *, fault: str, final: bool = False) -> None:
    """Count how a delivery to a channel went, and publish what that changes; see `channels.delivered`."""
    observation = delivered(channel, fault=fault, final=final, at=desks.clock())
    Tracker(desks.performer.store, desks.performer.bus).track(observation)
    desks.failing.forget()


def _raise(failures: Sequence[AiaError]) -> None:
    if not failures:
        return
    error = next((failure for failure in failures if not isinstance(failure, BusyError)), failures[0])
    text = "; ".join(dict.fromkeys(str(failure) for failure in failures))
    raise (BusyError if isinstance(error, BusyError) else UnavailableError)(text)
