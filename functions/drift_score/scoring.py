"""The models of a shard at one tick: scored together, once, and what each of them changes is counted."""

import functools
import hashlib
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from core.drift import ProfileError
from core.drift.judge import of_scoring
from core.errors import BusyError, ConflictError, QueryError, UnavailableError
from core.events import Tick, stamp
from core.settings import Model
from functions.adapters.job_labels import job_labels
from functions.adapters.ledger import Ledger
from functions.adapters.logs import fields
from functions.drift_score.compare import compare_counted, is_asking
from functions.drift_score.conditions import Kind, spec
from functions.drift_score.ports import Results
from functions.drift_score.reference import references_of
from functions.drift_score.watch import Outside, conclude, open_counted, score_model, track, track_unscored
from functions.services.detection import Tracker, Verdicts

NAME = "drift_score"
LEASE = timedelta(minutes=5)
"""How long nobody else scores the same shard: as long as the subscription waits for an answer."""
BUDGET_SECONDS = 200.0
"""After which no further model is begun: what is left has time to be published before the subscription's deadline."""
THREADS = 8
"""Models that are scored side by side where each waits for the warehouse."""
AT_ONCE = 8
"""Models whose windows are compared by the same calls of numpy where none waits for anything; more of them take more memory, and no less time."""
_CLAIMS = f"{NAME}_shard:"
"""The beginning of the keys of shards in the ledger."""
_PASSING = (UnavailableError, BusyError, ConflictError)
"""Errors that may not be there at another time: the model is scored again."""
Faults = Mapping[str, Exception]
"""What went wrong, by the names of models."""
log = logging.getLogger(__name__)
A = TypeVar("A")
B = TypeVar("B")


def score_models(tick: Tick, models: Sequence[Model], outside: Outside) -> None:
    """Score models at a tick, unless they were; one that fails keeps none of the others from it.

    Raises:
        UnavailableError: something outside does not answer; the tick must come again.
        BusyError: another scores the models at the tick right now.
    """

    def leave(faults: Faults) -> None:
        raise most_telling(faults.values())

    at = tick.scheduled_at
    score_once(outside.ledger, at, [model.name for model in models], lambda: score_each(at, models, outside), leave)


def score_once(
    ledger: Ledger, at: datetime, names: Sequence[str], score: Callable[[], Faults], leave: Callable[[Faults], None]
) -> None:
    """Score the models of a shard at an instant, unless this shard was scored.

    One claim covers all models of a shard. It is confirmed for those that were scored, once those that failed are left to
    another shard. So a shard that ends before is scored again as a whole, and a model may be scored by two shards: its rows
    take the place of those before, and a verdict on an instant that was counted does not count again.

    Args:
        ledger: has the claims.
        at: the instant.
        names: of the models.
        score: scores them; gives back those that failed.
        leave: sees to it that those are scored later, or raises.

    Raises:
        BusyError: another scores the shard right now.
        UnavailableError: the store does not answer; or what `leave` raises. The shard must come again.
    """
    claim = ledger.claim(shard_key(at, names), lease=LEASE, covers=names) if names else None
    if claim is None:
        return
    try:
        faults = score()
        if faults:
            leave(faults)
        claim.confirm(covers=[name for name in names if name not in faults])
    except BaseException:
        claim.release()
        raise


def shard_key(at: datetime, names: Iterable[str]) -> str:
    """The key of a shard in the ledger: later instants follow earlier ones."""
    digest = hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()
    return f"{_CLAIMS}{stamp(at)}:{digest[:16]}"


def score_each(at: datetime, models: Sequence[Model], outside: Outside) -> dict[str, Exception]:
    """Score models whose shard has been claimed.

    The profiles of models that were counted are read at once; their windows are read bit by bit, and each model is scored, and
    its window forgotten, before the next ones are read. Those that wait for nothing then are scored one after another, some of
    the others side by side. The rows of all models are appended at once, and what their verdicts change is counted when the
    rows are there.

    Returns:
        What went wrong, by model in their order; a model that was not begun in time is among them.
    """
    shard = _opened(at, models, outside)
    until = time.monotonic() + BUDGET_SECONDS
    attempts = list(_counted_ones(models, at, shard, until))
    begun = {one.model.name for one in attempts}
    rest = [model for model in models if model.name not in begun]
    attempts += _side_by_side(functools.partial(_attempt, at=at, outside=shard, until=until), rest)
    fault = _appended(shard.results) if any(one.fault is None for one in attempts) else None
    attempts = [_judged(one, at, shard, fault) for one in attempts]
    found = {one.model.name: one.fault for one in _counted(attempts, at, shard) if one.fault}
    return {model.name: found[model.name] for model in models if model.name in found}


def most_telling(faults: Iterable[Exception]) -> Exception:
    """The fault to raise for all: that something does not answer, where it is among them."""
    first, *others = faults
    return next((fault for fault in (first, *others) if isinstance(fault, UnavailableError)), first)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """A model that was to be scored.

    Attributes:
        model: the model.
        refusal: why it can never be scored, if it cannot.
        fault: what went wrong, and may not at another time.
    """

    model: Model
    refusal: str | None = None
    fault: Exception | None = None


@dataclass(slots=True, kw_only=True)
class _Later:
    """Which models have been claimed at later instants; the ledger is asked about a model until it has been seen.

    Attributes:
        ledger: has the claims.
        at: the instant that later ones follow.
        seen: the models that were seen.
    """

    ledger: Ledger
    at: datetime
    seen: frozenset[str] = frozenset()

    def covers(self, name: str) -> bool:
        """Whether a model has been claimed at a later instant."""
        if name not in self.seen:
            # Behind the claims of the same instant, which end with hexadecimal digits.
            self.seen |= self.ledger.covered(name, prefix=_CLAIMS, after=f"{_CLAIMS}{stamp(self.at)}:~")
        return name in self.seen


def _opened(at: datetime, models: Sequence[Model], outside: Outside) -> Outside:
    """The outside of one shard, with the profiles of the models that were counted."""
    counted = models if outside.counted is not None else ()
    profiles = outside.profiles.fetched(references_of(outside.versions, counted, at))
    shard = replace(outside, results=outside.results.batch(), profiles=profiles, verdicts=Verdicts())
    # Whether a condition fires decides about a retraining.
    asking = [model for model in models if model.retraining]
    shard.verdicts.read(outside.store, [spec(model, kind).key for model in asking for kind in Kind])
    return shard


def _counted_ones(models: Sequence[Model], at: datetime, shard: Outside, until: float) -> Iterator[_Attempt]:
    """Score the models whose windows are there as counts, as these are read; at most some windows are held at once.

    Where no more can be read, the models that are left fail, and are scored later; where reading is refused, they are left to be
    scored without.
    """
    waiting = {model.name: model for model in models}
    attempt = functools.partial(_attempt, at=at, until=until)
    asking: list[Future[_Attempt]] = []
    ready: list[tuple[Model, Outside]] = []
    room = threading.BoundedSemaphore(THREADS)
    with ThreadPoolExecutor(THREADS, "model") as pool:
        try:
            for window in shard.counted or ():
                model, own = waiting.pop(window.model), replace(shard, predictions=window.predictions)
                if not _is_ready(model, window.rows, at, own):
                    room.acquire()
                    asking.append(pool.submit(copy_context().run, functools.partial(attempt, model, outside=own)))
                    asking[-1].add_done_callback(lambda _: room.release())
                    continue
                ready.append((model, own))
                if len(ready) == AT_ONCE:
                    yield from _at_once(ready, at, until)
                    ready = []
        except _PASSING as error:
            yield from (_failed(model, error) for model in waiting.values())
        except Exception:
            log.exception("windows that were counted could not be read: %d", len(waiting), extra=fields(at=stamp(at)))
        yield from _at_once(ready, at, until)
        yield from (one.result() for one in asking)


def _at_once(ready: Sequence[tuple[Model, Outside]], at: datetime, until: float) -> list[_Attempt]:
    """Score models that wait for nothing: their windows are compared by the same calls of numpy."""
    begun = [_tried(model, functools.partial(open_counted, model, at, own), until) for model, own in ready]
    failed = [one for one in begun if isinstance(one, _Attempt)]
    opened = [one for one in begun if not isinstance(one, _Attempt)]
    try:
        found = compare_counted([(one.window, counted) for one, counted in opened])
    except Exception as error:  # noqa: BLE001 - told by the model that it is of
        log.warning("compared one by one: %s", error, extra=fields(at=stamp(at)))
        return [*failed, *(_attempt(one.window.model, at=at, outside=one.outside, until=until) for one, _ in opened)]
    both = zip(opened, found, strict=True)
    return [
        *failed,
        *(_done(one.window.model, functools.partial(conclude, one, current)) for (one, _), current in both),
    ]


def _is_ready(model: Model, rows: int, at: datetime, shard: Outside) -> bool:
    """Whether a model is scored without waiting for the warehouse: its counts and its profile are there, and suffice."""
    return not is_asking(model, rows) and any(map(shard.profiles.has, references_of(shard.versions, [model], at)))


def _side_by_side(act: Callable[[A], B], given: Sequence[A]) -> list[B]:
    if len(given) <= 1:
        return list(map(act, given))
    with ThreadPoolExecutor(THREADS, "model") as pool:
        return list(pool.map(lambda context, one: context.run(act, one), [copy_context() for _ in given], given))


def _attempt(model: Model, *, at: datetime, outside: Outside, until: float) -> _Attempt:
    """Score a model but for its rows and verdicts, which are gathered."""
    return _done(model, functools.partial(score_model, model, at, outside), until)


def _done(model: Model, act: Callable[[], None], until: float = math.inf) -> _Attempt:
    """What came of something that is done for a model."""
    return _tried(model, act, until) or _Attempt(model=model)


def _tried(model: Model, act: Callable[[], A], until: float) -> A | _Attempt:
    """What something gives that is done for a model, or why it gives nothing."""
    if time.monotonic() > until:
        return _Attempt(model=model, fault=BusyError(f"{model.name}: not begun within {BUDGET_SECONDS:.0f} s"))
    try:
        with job_labels(model=model.name):
            return act()
    except (QueryError, ProfileError) as error:  # a retry would not help
        return _Attempt(model=model, refusal=str(error))
    except _PASSING as error:  # raised once the other models are scored
        return _failed(model, error)
    except Exception as error:
        log.exception("cannot be scored: %s", model.name, extra=fields(model=model.name))
        return _Attempt(model=model, refusal=f"{type(error).__name__}: {error}")


def _appended(results: Results) -> Exception | None:
    """Append the rows of a shard; gives back what went wrong."""
    try:
        results.append()
    except Exception as error:  # noqa: BLE001 - raised once the claim is released
        return error
    return None


def _judged(attempt: _Attempt, at: datetime, outside: Outside, fault: Exception | None) -> _Attempt:
    """Conclude whether a model can be scored, now that the rows of the shard were appended or refused."""
    if attempt.fault:
        return attempt
    model = attempt.model
    if fault and not isinstance(fault, QueryError):
        return _failed(model, fault)
    refusal = attempt.refusal or (str(fault) if fault else None)
    track(outside, model, Kind.SCORING_FAILED, of_scoring(model.name, model.table, refusal), at)
    if refusal:
        track_unscored(outside, model, refusal, at)
    return attempt


def _counted(attempts: Sequence[_Attempt], at: datetime, outside: Outside) -> list[_Attempt]:
    """Count what the verdicts on the models change.

    The conditions are read now that every model has been claimed and scored: a tick of the meantime may have written them.
    """
    if all(one.fault for one in attempts):
        return list(attempts)
    outside.verdicts.read(outside.store, outside.verdicts.keys())
    news = [one for one in attempts if not one.fault and outside.verdicts.has_news(one.model.target)]
    later = _Later(ledger=outside.ledger, at=at)
    counted = _side_by_side(functools.partial(_count, outside=outside, later=later), news)
    after = {one.model.name: one for one in counted}
    return [after.get(one.model.name, one) for one in attempts]


def _count(attempt: _Attempt, outside: Outside, later: _Later) -> _Attempt:
    model = attempt.model
    is_late = functools.partial(later.covers, model.name)
    try:
        outside.verdicts.count(Tracker(outside.store, outside.bus), model.target, is_late=is_late)
    except Exception as error:  # noqa: BLE001 - raised once the other models are complete
        return _failed(model, error)
    return attempt


def _failed(model: Model, error: Exception) -> _Attempt:
    log.warning("not scored: %s: %s", model.name, error, extra=fields(model=model.name))
    return _Attempt(model=model, fault=error)
