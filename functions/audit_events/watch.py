"""Entries of the audit log, and ticks.

    remembered   what an entry says is added to the memories of the detections
    decided      each detection concludes from its memory what the entry means
    saved        the signals are added to the cases of their targets
    tracked      the verdict on a case is counted; a change is published as a finding

Each step is saved by itself and has the same result when it is repeated, so an entry that is delivered twice, late, out of order, or
whose handling ended in the middle, has the effect of once.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from core.events import Tick
from core.security.case import SOURCE, Case, after_time, observation, with_signal
from core.security.detections import DETECTIONS, Memory, signals
from core.security.entry import AuditEntry
from core.security.marks import Marks, with_mark
from core.security.places import Places
from core.security.sign_in import SERVICE as SIGN_IN
from core.security.signal import Signal
from core.security.trail import Trail, with_entry
from core.security.trail import observation as trail_observation
from core.settings import SecuritySettings
from functions.adapters.ports import Bus, Data, Metrics, Store
from functions.adapters.store import change_document, every, update
from functions.services.detection import Tracker
from functions.services.security import (
    CASES,
    MEMORIES,
    TRAIL,
    TRAILS,
    case_data,
    marks_of,
    read_case,
    read_trail,
    trail_data,
)

NAME = SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the function uses."""

    store: Store
    bus: Bus
    metrics: Metrics
    settings: SecuritySettings
    places: Places


def handle(outside: Outside, event: AuditEntry | Tick) -> None:
    """Handle an entry or a tick; idempotent.

    Raises:
        UnavailableError: the store or the bus does not answer; it must be delivered again.
        ConflictError: concurrent writes won every time.
    """
    if isinstance(event, Tick):
        look(outside, event)
    else:
        follow(outside, event)


def follow(outside: Outside, entry: AuditEntry) -> None:
    """Decide what an entry means, and publish what changes."""
    outside.metrics.count("aia_audit_entries_total", log=entry.log)
    for signal in _signals(outside, entry):
        case = _save(outside.store, signal)
        Tracker(outside.store, outside.bus).track(observation(case))
    update(outside.store, TRAILS, TRAIL, partial(_arrived, entry))


def _signals(outside: Outside, entry: AuditEntry) -> Iterable[Signal]:
    # A call that failed changed nothing; a sign-in that failed is what is looked for.
    if not entry.succeeded and entry.service != SIGN_IN:
        return
    for detection in DETECTIONS.values():
        if detection.memory is None or detection.memory.subject(entry):
            marks = _remember(outside.store, detection.memory, entry) if detection.memory else ()
            yield from signals(detection, entry, marks, outside.settings, outside.places)


def _remember(store: Store, memory: Memory, entry: AuditEntry) -> Marks:
    key = f"{memory.name}:{memory.subject(entry)}"[:500]
    return marks_of(update(store, MEMORIES, key, partial(_remembered, memory, entry)))


def _remembered(memory: Memory, entry: AuditEntry, data: Data | None) -> Data | None:
    before = marks_of(data or {})
    after = with_mark(before, memory.mark(entry), memory.keep, memory.most)
    condensed = memory.condense(after) if memory.condense else after
    return None if condensed == before else {"marks": [[one.at, one.id, one.key, one.value] for one in condensed]}


def _save(store: Store, signal: Signal) -> Case:
    """The case of a signal after it."""
    key = f"{signal.target}:{signal.detection}"

    def change(data: Data | None) -> Data | None:
        before = read_case(data) if data else None
        after = with_signal(before, signal)
        return None if after is before else case_data(after)

    return read_case(update(store, CASES, key, change))


def _arrived(entry: AuditEntry, data: Data | None) -> Data | None:
    before = read_trail(data) if data else None
    after = with_entry(before, entry.at)
    return None if after is before else trail_data(after)


def look(outside: Outside, tick: Tick) -> None:
    """What time does: events end, what lasts is reported again, and a gap in the log is found."""
    tracker, at = Tracker(outside.store, outside.bus), tick.scheduled_at
    document = outside.store.get(TRAILS, TRAIL)
    trail = read_trail(document.data) if document else None
    numbers = dict.fromkeys(DETECTIONS, 0)
    for found in every(outside.store, CASES, where={"open": True}):
        case = _aged(read_case(found.data), tick, trail, outside.settings)
        tracker.record(observation(case))  # before it is saved: a case that is over is not found again
        change = partial(_saved_aged, tick, trail, outside.settings)
        change_document(outside.store, CASES, found.key, change, known=found)
        numbers[case.detection] += bool(case.open)
    tracker.record(trail_observation(trail, at, outside.settings))
    tracker.publish_unsent(SOURCE)
    if trail:  # before the first entry it is not known what is open
        for detection, number in numbers.items():
            outside.metrics.gauge("aia_security_open", number, at=at, detection=detection.value)
        outside.metrics.gauge("aia_audit_newest_timestamp_seconds", trail.newest.timestamp(), at=at)


def _aged(case: Case, tick: Tick, trail: Trail | None, settings: SecuritySettings) -> Case:
    return after_time(case, tick.scheduled_at, trail.newest if trail else case.seen_at, settings.quiet_for)


def _saved_aged(tick: Tick, trail: Trail | None, settings: SecuritySettings, data: Data | None) -> Data | None:
    if data is None:
        return None
    before = read_case(data)
    after = _aged(before, tick, trail, settings)
    return None if after == before else case_data(after)
