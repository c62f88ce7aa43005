"""From a finding to an incident that is saved, published and told.

One document a target, its desk, decides. The decision and what it entails are saved in one write; only then is anything
done, and what is done leaves the desk. So a crash at any point is repaired by the next delivery, of this finding or of any
other of the target:

    before the write         nothing happened; the finding comes again
    after the write          the finding counts as a duplicate, and what is pending is done
    while something is done  the ledger knows what is done; one effect at most is repeated, with the same key
    before the clearing      the ledger knows that everything is done
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial

from core.errors import AiaError, BusyError, PoisonError, UnavailableError
from core.events import Finding, Severity
from core.incidents.fold import fold, refuse
from core.incidents.messages import messages
from core.incidents.model import Decision, Policy, Watch
from core.incidents.outbox import Desk, Effect, after, lanes, without
from core.settings.types import Route
from functions.adapters import events, logs
from functions.adapters.ports import Clock, Data, Metrics, Store
from functions.adapters.push import Message
from functions.adapters.store import update
from functions.incident_router.documents import DESKS, INCIDENTS, desk_data, incident_data, read_desk
from functions.incident_router.effects import Lane, Performer, Spread, at_once

log = logging.getLogger(__name__)
ROUNDS = 5
"""Refusals are written down and published in a further round; a round can bring no more than the one before."""
NAME_LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """What the handling of a finding needs.

    Attributes:
        store: keeps the desks and the incidents.
        performer: does what is pending.
        metrics: counts.
        clock: now, for what runs ahead of it and for the time of a refusal.
        routes: which severities go to which channels.
        url: the address of the pages.
        policy: how findings become incidents.
        spread: runs lanes side by side.
    """

    store: Store
    performer: Performer
    metrics: Metrics
    clock: Clock
    routes: Sequence[Route]
    url: str
    policy: Policy = field(default_factory=Policy)
    spread: Spread = at_once


@dataclass(slots=True, kw_only=True)
class _Turn:
    """The folding of a finding into the document of its desk; called again when somebody else wrote in between.

    Where a new incident takes the place of the former one, the former one's copy must be made first: nothing else knows
    it. Then the turn changes nothing and waits.

    Attributes:
        router: what it needs.
        finding: what is folded.
        copied: the revision of the desk whose incident is known to be copied.
        desk: what is saved now; where nothing was to be saved, what was found.
        decision: what the finding means.
        gone: what made room, and will not happen.
        waits: whether the desk's incident must be copied first.
    """

    router: Router
    finding: Finding
    copied: int = -1
    desk: Desk = field(init=False)
    decision: Decision = field(init=False)
    gone: tuple[Effect, ...] = ()
    waits: bool = True

    def __call__(self, data: Data | None) -> Data | None:
        router = self.router
        self.desk, self.gone = _desk(self.finding.target, data), ()
        self.decision = fold(self.desk.watch, self.finding, now=router.clock(), policy=router.policy)
        watch, changes = self.decision.watch, self.decision.changes
        self.waits = _replaces(self.desk.watch, watch) and self.desk.revision != self.copied
        if self.waits or (data is not None and watch == self.desk.watch):
            return None
        told = messages(watch, changes, routes=router.routes, url=router.url)
        self.desk, self.gone = after(self.desk, watch, changes, told)
        return desk_data(self.desk)


def read(message: Message) -> Finding:
    """The finding that a message carries.

    Raises:
        PoisonError: it carries none, or one whose names cannot stand in a key.
    """
    finding = events.decode(message.data, Finding)
    for name in ("target", "kind"):
        given: str = getattr(finding, name)
        if not given.strip() or not given.isprintable() or given.startswith("__") or len(given.encode()) > NAME_LIMIT:
            allowed = f"1 to {NAME_LIMIT} bytes of printable text, not starting with '__'"
            raise PoisonError(f"{name}: must be {allowed}, got {given[:80]!r}")
    return finding


def handle(router: Router, finding: Finding) -> None:
    """Fold the finding into its incident and do all that is pending for the target; safe to call again.

    Raises:
        BusyError: somebody else is at the same target or effect.
        UnavailableError: something outside does not answer; whatever else was pending is done.
    """
    turn = _decide(router, finding)
    desk = turn.desk
    failures: list[AiaError] = []
    for _ in range(ROUNDS):
        results = list(router.spread([partial(_copy, router, desk), *_lanes(router, desk)]))
        failures = [result.error for result in results if result.error]
        if any(result.done for result in results):
            desk = _clear(router, desk.watch.target, results)
        if failures or not any(result.refused for result in results):
            break  # without a refusal nothing new of ours is pending; what others add meanwhile, they do
    if turn.decision.changes:
        _count_open(router)
    _raise(failures)


def _decide(router: Router, finding: Finding) -> _Turn:
    """Fold the finding and save what it entails, in one write."""
    turn = _Turn(router=router, finding=finding)
    update(router.store, DESKS, finding.target, turn)
    while turn.waits:
        _save_copy(router.store, turn.desk)
        turn.copied = turn.desk.revision
        update(router.store, DESKS, finding.target, turn)
    _record(turn)
    return turn


def _desk(target: str, data: Data | None) -> Desk:
    return read_desk(data) if data else Desk(watch=Watch(target=target))


def _replaces(old: Watch, new: Watch) -> bool:
    return old.incident is not None and new.incident is not None and old.incident.id != new.incident.id


def _record(turn: _Turn) -> None:
    incident, reason = turn.decision.watch.incident, turn.decision.reason
    names = [change.change.value for change in turn.decision.changes]
    details = logs.fields(finding=turn.finding.id, reason=reason, incident=incident and incident.id)
    log.info("%s: %s", turn.finding.condition, ", ".join(names) or f"no change ({reason})", extra=details)
    metrics = turn.router.metrics
    for name in names:
        metrics.count("aia_incident_changes_total", change=name)
    for effect in turn.gone:
        log.error("%s: too many wait, the oldest is given up", effect.lane, extra=logs.fields(key=effect.key))
        if effect.message is not None:
            metrics.count("aia_notifications_total", channel=effect.message.channel, outcome="superseded")


def _lanes(router: Router, desk: Desk) -> list[partial[Lane]]:
    return [partial(router.performer.lane, effects) for effects in lanes(desk.pending)]


def _copy(router: Router, desk: Desk) -> Lane:
    try:
        _save_copy(router.store, desk)
    except AiaError as error:
        return Lane(error=error)
    return Lane()


def _save_copy(store: Store, desk: Desk) -> None:
    incident = desk.watch.incident
    if incident is None:
        return

    def newer(data: Data | None) -> Data | None:
        return None if data is not None and data["revision"] >= desk.revision else incident_data(desk)

    update(store, INCIDENTS, incident.id, newer)


def _clear(router: Router, target: str, results: Sequence[Lane]) -> Desk:
    done = {key for result in results for key in result.done}
    refused = [refusal for result in results for refusal in result.refused]

    def clear(data: Data | None) -> Data | None:
        desk = _desk(target, data)
        cleared = _with_refusals(without(desk, done), desk, refused, router)
        return None if cleared == desk else desk_data(cleared)

    return _desk(target, update(router.store, DESKS, target, clear))


def _with_refusals(desk: Desk, before: Desk, refused: Iterable[tuple[Effect, str]], router: Router) -> Desk:
    still = {effect.key for effect in before.pending}
    for effect, detail in refused:
        if effect.key in still and effect.message is not None:
            channel = effect.message.channel
            decision = refuse(desk.watch, effect.change, channel=channel, detail=detail, at=router.clock())
            desk, _ = after(desk, decision.watch, decision.changes, ())
    return desk


def _count_open(router: Router) -> None:
    try:
        found = router.store.find(INCIDENTS, where={"open": True})
    except UnavailableError as error:
        log.warning("open incidents not counted: %s", error)
        return
    severities = [document.data["severity"] for document in found]
    for severity in Severity:
        router.metrics.gauge("aia_incidents_open", severities.count(severity), severity=severity)


def _raise(failures: Sequence[AiaError]) -> None:
    if not failures:
        return
    error = next((failure for failure in failures if not isinstance(failure, BusyError)), failures[0])
    text = "; ".join(dict.fromkeys(str(failure) for failure in failures))
    raise (BusyError if isinstance(error, BusyError) else UnavailableError)(text)
