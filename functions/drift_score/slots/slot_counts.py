"""Counting by slots over BigQuery: which profiles are counted, how far each table is, and the windows that are sums of slots.

A slot is a quarter of an hour. It is counted when it has closed, an hour later and a day later, so that late rows count; the newest count
of a slot holds, so nothing doubles, whatever is delivered twice. A window is the sum of its slots. It is moved on: slots that came are
added, slots that went are subtracted, and slots that were counted again replace what they were. It is summed anew on one midnight in as many
days as it is long.

How far a table is, and which batch of sums is the newest, is one document, written last. A process that is killed before leaves rows that
nobody reads.
"""

import logging
import uuid
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from core.drift import Profile
from core.drift.joint import ROWS
from core.drift.slots import ProfileFeature, features_of
from core.errors import ConflictError, QueryError
from core.events import UsedVersion
from core.settings import Model
from functions.adapters.logs import fields
from functions.adapters.ports import Clock, Data, Document, Store, StreamedWarehouse
from functions.adapters.store import change_document
from functions.drift_score.schema import changes
from functions.drift_score.slots import statements
from functions.drift_score.slots.statements import Source
from functions.drift_score.slots.windows import WHOLE, WindowCells, window_of

COLLECTION = "slots"
PROFILES = "ops.profile_cells"
SLOT = timedelta(minutes=15)
READ_AT_ONCE = 8
"""Windows that a shard reads at once: of fifty features one has some hundred KB as text, more with its sample."""
LATE, DAY = timedelta(hours=1), timedelta(days=1)
"""How long after a slot has closed it is counted again."""
Span = tuple[datetime, datetime]
"""From an instant to just before another, both ends of slots."""
_INSTANT = timedelta(microseconds=1)
_WHOLE = ProfileFeature(feature=WHOLE, name="", is_numeric=False, origin=0, edges=[], categories=[])
"""Stands for the rows as a whole: its counts are those of rows, and it has the samples."""
_COMPLETE = ProfileFeature(feature=-1, name="", is_numeric=False, origin=0, edges=[], categories=[])
"""Stands last among the features of a profile whose window has been counted."""
_NOTHING: Span = (datetime.min.replace(tzinfo=UTC),) * 2
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Progress:
    """How far a table is.

    Attributes:
        until: the end of the newest slot that was counted.
        counted_at: when.
        batch: of the sums of the windows that end then; empty where there are none.
        profiles: of which it has sums.
    """

    until: datetime
    counted_at: datetime
    batch: str = ""
    profiles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """Counts by slots.

    Attributes:
        warehouse: has rows, slots and sums.
        store: has how far each table is.
        clock: now.
    """

    warehouse: StreamedWarehouse
    store: Store
    clock: Clock

    def registered(self, models: Sequence[Model]) -> dict[str, str]:
        """The newest profile of those of the models that are counted by slots, by the model's name."""
        names = [model.name for model in models]
        return {row["model"]: row["profile"] for row in self.warehouse.query(statements.REGISTERED, models=names)}

    def register(self, model: Model, version: str, profile: Profile, at: datetime) -> None:
        """Have a model counted by slots from now on, and count the slots of its current window.

        Args:
            model: whose window has been counted by a statement of its own.
            version: that the profile is of.
            profile: to count by.
            at: the end of the current window.

        Raises:
            QueryError: the table is missing.
            UnavailableError: the warehouse or the store does not answer.
        """
        if not can_count(model):
            return
        name, now = profile_name(model, version, profile), self.clock()
        about = {"model": model.name, "profile": name, "created_at": now}
        kept = [*features_of(profile), _WHOLE]
        self.warehouse.append(PROFILES, [about | msgspec.to_builtins(one) for one in kept])
        end = closed(at)
        progress = _progress(self._begun(Source.of(model), end, now).data)
        span = (end - model.window, max(end, progress.until))
        self._count(Source.of(model), [model], [name], (span, _NOTHING, _NOTHING), now)
        self.warehouse.append(PROFILES, [about | msgspec.to_builtins(_COMPLETE)])
        log.info("counted by slots from now on: %s", model.name, extra=fields(model=model.name, profile=name))

    def advance(self, models: Sequence[Model], profiles: Mapping[str, str], at: datetime) -> str:
        """Count the slots of a table that have closed, and sum the windows that end with the newest.

        Args:
            models: of one table, those that are counted by slots.
            profiles: their profiles, by the names of the models.
            at: the tick.

        Returns:
            The batch of the sums.

        Raises:
            QueryError: a statement is refused.
            UnavailableError: the warehouse or the store does not answer.
        """
        source, end = Source.of(models[0]), closed(at)
        document = self._begun(source, end - SLOT, self.clock())
        before = _progress(document.data)
        if before.until >= end and before.batch:
            return before.batch
        now = max(self.clock(), before.counted_at + _INSTANT)
        names = [profiles[model.name] for model in models]
        spans = ((before.until, end), _again(before.until, end, LATE), _again(before.until, end, DAY))
        batch = self._count(source, models, names, spans, now)
        self._sum(models, profiles, before, spans, batch)
        self._advanced(document, before, _Progress(until=end, counted_at=now, batch=batch, profiles=tuple(names)))
        return batch

    def read(self, models: Sequence[Model], batch: str, at: datetime) -> Iterator[WindowCells]:
        """The windows of models that are in a batch of sums, with some of their rows, in no particular order.

        They are read as they are asked for, some at once.

        Raises:
            QueryError: the statement is refused.
            UnavailableError: the warehouse does not answer.
        """
        given = {"batch": batch, "window_end": closed(at), "models": [model.name for model in models]}
        return map(window_of, self.warehouse.stream(statements.READ_COUNTED, at_once=READ_AT_ONCE, **given))

    def versions(self, models: Sequence[Model], at: datetime) -> dict[str, UsedVersion]:
        """The version of each model in use at an instant, by the names of the models."""
        rows = self.warehouse.query(statements.VERSIONS, models=[model.name for model in models], window_end=at)
        return {row["model"]: UsedVersion(**row) for row in rows}

    def _count(
        self,
        source: Source,
        models: Sequence[Model],
        profiles: Sequence[str],
        spans: tuple[Span, Span, Span],
        now: datetime,
    ) -> str:
        (new, late, day), batch = spans, uuid.uuid4().hex
        given = {
            "models": [model.name for model in models],
            "profiles": list(profiles),
            "samples": [{"model": model.name, "n": _sampled(model)} for model in models],
            "slot_seconds": _seconds(SLOT),
            "batch": batch,
            "counted_at": now,
            **_bounds(new=new, late=late, day=day),
        }
        try:
            self.warehouse.query(statements.count_slots(source, models), **given)
        except QueryError:
            changed = frozenset[str]().union(*(changes(self.warehouse, one, _columns(one)).names for one in models))
            if not changed:
                raise
            self.warehouse.query(statements.count_slots(source, models, without=changed), **given)
        return batch

    def _sum(
        self,
        models: Sequence[Model],
        profiles: Mapping[str, str],
        before: _Progress,
        spans: tuple[Span, Span, Span],
        batch: str,
    ) -> None:
        """Sum the windows that end now: moved on from the sums before, or from all their slots where it is their turn."""
        (_, end), late, day = spans
        common = {"batch": batch, "window_end": end, "before_end": before.until}
        common |= {"before_counted_at": before.counted_at, "before_batch": before.batch}
        moved = [model for model in models if _is_moved(profiles[model.name], model.window, before, end)]
        if moved:
            lengths = sorted({model.window for model in moved})
            given = common | _windows(moved, profiles, is_moved=True) | _bounds(late=late, day=day)
            for k, length in enumerate(lengths):
                given |= {f"left_{k}": before.until - length, f"leaving_{k}": end - length}
            self.warehouse.query(statements.move_windows(lengths), **given)
        names = {model.name for model in moved}
        if rest := [model for model in models if model.name not in names]:
            earliest = end - max(model.window for model in rest)
            given = common | _windows(rest, profiles, is_moved=False)
            self.warehouse.query(statements.sum_windows(), earliest=earliest, **given)

    def _begun(self, source: Source, end: datetime, now: datetime) -> Document:
        """How far a table is; where nothing is known of it, it is so far."""
        if found := self.store.get(COLLECTION, _key(source)):
            return found
        try:
            return self.store.create(COLLECTION, _key(source), _data(_Progress(until=end, counted_at=now)))
        except ConflictError:
            return self._begun(source, end, now)

    def _advanced(self, document: Document, before: _Progress, after: _Progress) -> None:
        """Keep how far the table is, unless somebody else has come farther."""
        change_document(
            self.store,
            COLLECTION,
            document.key,
            lambda data: _data(after) if data is None or _progress(data).until <= before.until else None,
            known=document,
        )


def closed(at: datetime) -> datetime:
    """The end of the newest slot that has closed at an instant.

    >>> closed(datetime(2026, 1, 2, 12, 20, tzinfo=UTC)).isoformat()
    '2026-01-02T12:15:00+00:00'
    """
    return at - (at - datetime.min.replace(tzinfo=UTC)) % SLOT


def can_count(model: Model) -> bool:
    """Whether the windows of a model are whole slots."""
    return not model.window % SLOT


def profile_name(model: Model, version: str, profile: Profile) -> str:
    """Names a profile of a model, for as long as its cells are the same and samples are measured by the same."""
    return f"{model.name}:{version}:{profile.fingerprint}{profile.joint.fingerprint}"


def _is_moved(profile: str, length: timedelta, before: _Progress, end: datetime) -> bool:
    """Whether a window is moved on; else it is summed from all its slots, on one midnight in as many days as it is long.

    So what rounding has left of a value is gone after as long as the value itself was in the window, at the latest. The
    windows of a table take turns.
    """
    if not before.batch or profile not in before.profiles or end - before.until > DAY:
        return False
    days = max(length // DAY, 1)
    turn = end.date().toordinal() % days == zlib.crc32(profile.encode()) % days
    return before.until.date() == end.date() or not turn


def _windows(models: Sequence[Model], profiles: Mapping[str, str], *, is_moved: bool) -> Data:
    """Models and their windows as query parameters."""
    windows = [
        {"profile": profiles[model.name], "seconds": _seconds(model.window), "is_moved": is_moved} for model in models
    ]
    return {"models": [model.name for model in models], "windows": windows}


def _again(until: datetime, end: datetime, delay: timedelta) -> Span:
    """The slots that were counted so long ago."""
    return until - delay, end - delay


def _bounds(**spans: Span) -> Data:
    return {
        f"{name}_{edge}": at for name, span in spans.items() for edge, at in zip(("start", "end"), span, strict=True)
    }


def _columns(model: Model) -> Iterable[str]:
    return dict.fromkeys((*model.features.names, model.score))


def _sampled(model: Model) -> int:
    """How many rows of a slot are kept, so that a window has as many as are compared together."""
    return -(-ROWS // max(model.window // SLOT, 1))


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())


def _key(source: Source) -> str:
    return f"{source.table}:{source.timestamp}:{source.id}"


def _data(progress: _Progress) -> Data:
    return {
        "until": progress.until,
        "counted_at": progress.counted_at,
        "batch": progress.batch,
        "profiles": list(progress.profiles),
    }


def _progress(data: Data) -> _Progress:
    return _Progress(**data | {"profiles": tuple(data["profiles"])})
