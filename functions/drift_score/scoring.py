"""The models at one tick: for each, read its windows, let core judge, carry out the effects."""

import functools
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from core.detection import Observation, Outcome, Verdict
from core.drift import DataQualityIssue, ProfileError
from core.drift.judge import of_drift, of_prediction, of_quality, of_scoring
from core.errors import BusyError, QueryError, UnavailableError
from core.events import Tick, stamp
from core.settings import Model
from functions.adapters.ledger import Claim, Ledger
from functions.adapters.logs import fields
from functions.adapters.ports import Bus, Metrics, Store
from functions.drift_score import attributions, effects, generation, groups, quality, retrain
from functions.drift_score.baseline import Baseline
from functions.drift_score.compare import Current, by_segment, compare, top_segments
from functions.drift_score.conditions import Kind, spec
from functions.drift_score.performance import assessed, gauges, verdicts, write
from functions.drift_score.ports import Predictions, Results
from functions.drift_score.reference import Profiles, reference_of
from functions.drift_score.window import Window
from functions.services.detection import Tracker, Verdicts

NAME = "drift_score"
LEASE = timedelta(minutes=5)
"""How long nobody else scores the same model at the same tick: as long as the subscription waits for an answer."""
BUDGET_SECONDS = 200.0
"""After which no further model is begun: what is left has time to be published before the subscription's deadline."""
THREADS = 8
"""Models that are scored side by side; each mostly waits for the warehouse."""
log = logging.getLogger(__name__)
A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What scoring needs from outside."""

    predictions: Predictions
    results: Results
    store: Store
    bus: Bus
    metrics: Metrics
    ledger: Ledger
    profiles: Profiles
    verdicts: Verdicts = field(default_factory=Verdicts)


def score_models(tick: Tick, models: Iterable[Model], outside: Outside) -> None:
    """Score every model that is not yet scored at the tick; one that fails keeps none of the others from it.

    Raises:
        UnavailableError: something outside does not answer; the tick must come again for the models that are left.
        BusyError: another scores a model at the tick right now.
    """
    if faults := score_each(tick.scheduled_at, tuple(models), outside):
        raise most_telling(faults.values())


def score_each(at: datetime, models: Sequence[Model], outside: Outside) -> dict[str, Exception]:
    """Score every model that is not yet scored at an instant, some side by side since they mostly wait.

    The rows of all models are appended at once. A model counts as scored only when its rows are there, so that whatever
    ends before is repeated when the shard comes again.

    Returns:
        What went wrong, by model in their order; a model that was not begun in time is among them.
    """
    verdicts, keys = Verdicts(), [spec(model, kind).key for model in models for kind in Kind]
    verdicts.read(outside.store, keys)
    shard = replace(outside, results=outside.results.batch(), verdicts=verdicts)
    attempt = functools.partial(_attempt, at=at, outside=shard, until=time.monotonic() + BUDGET_SECONDS)
    attempts = _side_by_side(attempt, models)
    fault = _appended(shard.results) if any(one.claim for one in attempts) else None
    # Again: what was read before the models were claimed may not be what a tick of the meantime left.
    verdicts.read(outside.store, keys)
    complete = functools.partial(_complete, at=at, outside=shard, fault=fault)
    found = _side_by_side(complete, attempts)
    return {model.name: fault for model, fault in zip(models, found, strict=True) if fault}


def _side_by_side(act: Callable[[A], B], given: Sequence[A]) -> list[B]:
    if len(given) <= 1:
        return list(map(act, given))
    with ThreadPoolExecutor(THREADS, "model") as pool:
        return list(pool.map(act, given))


def most_telling(faults: Iterable[Exception]) -> Exception:
    """The fault to raise for all: that something does not answer, where it is among them."""
    first, *others = faults
    return next((fault for fault in (first, *others) if isinstance(fault, UnavailableError)), first)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """A model that was to be scored.

    Attributes:
        model: the model.
        claim: on its score at the tick; None where it was scored before, or `fault` says why it could not be.
        refusal: why it can never be scored, if it cannot.
        fault: what went wrong, and may not at another time.
    """

    model: Model
    claim: Claim | None = None
    refusal: str | None = None
    fault: Exception | None = None


def _attempt(model: Model, at: datetime, outside: Outside, until: float) -> _Attempt:
    """Score a model, once a tick, but for its rows, which are gathered, and the claim, which stays."""
    if time.monotonic() > until:
        return _Attempt(model=model, fault=BusyError(f"{model.name}: not begun within {BUDGET_SECONDS:.0f} s"))
    claim = None
    try:
        claim = outside.ledger.claim(f"{NAME}:{model.name}:{stamp(at)}", lease=LEASE)
        refusal = score_model(model, at, outside) if claim else None
    except Exception as error:  # noqa: BLE001 - raised once the other models are scored
        return _failed(_Attempt(model=model, claim=claim), error)
    return _Attempt(model=model, claim=claim, refusal=refusal)


def _appended(results: Results) -> Exception | None:
    """Append the rows of a shard; gives back what went wrong."""
    try:
        results.append()
    except Exception as error:  # noqa: BLE001 - raised once the claims are released
        return error
    return None


def _complete(attempt: _Attempt, at: datetime, outside: Outside, fault: Exception | None) -> Exception | None:
    """Conclude whether a model can be scored, now that its rows were appended or refused; gives back what went wrong."""
    model, claim = attempt.model, attempt.claim
    if attempt.fault or claim is None:
        return attempt.fault
    if fault and not isinstance(fault, QueryError):
        return _failed(attempt, fault).fault
    refusal = attempt.refusal or (str(fault) if fault else None)
    try:
        _track(outside, model, Kind.SCORING_FAILED, of_scoring(model.name, model.table, refusal), at)
        prefix = f"{NAME}:{model.name}:"
        is_late = functools.partial(outside.ledger.is_followed, claim.key, prefix)
        outside.verdicts.count(Tracker(outside.store, outside.bus), model.target, is_late=is_late)
        claim.confirm()
    except Exception as error:  # noqa: BLE001 - raised once the other models are complete
        return _failed(attempt, error).fault
    return None


def _failed(attempt: _Attempt, error: Exception) -> _Attempt:
    """The attempt with what went wrong; its claim is released."""
    name = attempt.model.name
    log.warning("not scored: %s: %s", name, error, extra=fields(model=name))
    if attempt.claim:
        attempt.claim.release()
    return _Attempt(model=attempt.model, fault=error)


def score_model(model: Model, at: datetime, outside: Outside) -> str | None:
    """Score a model at a tick.

    Returns:
        Why the model cannot be scored, which becomes a finding since a retry would not help; else None.

    Raises:
        UnavailableError: something outside does not answer.
        ConflictError: others wrote a condition of the model all the time.
    """
    try:
        _score(model, at, outside)
    except (QueryError, ProfileError) as error:
        return str(error)
    return None


def _score(model: Model, at: datetime, outside: Outside) -> None:
    seen = outside.predictions.summary(model, at - model.window, at)
    reference = reference_of(model, seen.version, at)
    window = Window(model=model, version=reference.version, start=at - model.window, end=at)
    baseline = outside.profiles.get(reference)
    current = compare(outside.predictions, window, baseline.profile, seen.rows)
    effects.measure_version(outside.metrics, window, seen.version)
    drifting = _watch_drift(window, baseline, current, outside)
    _watch_quality(window, quality.inspect(window, reference, baseline, current, seen.newest), outside)
    if model.attributions:
        shifts = attributions.compared(window, baseline, current.columns)
        attributions.gauges(outside.metrics, window, shifts)
        _track(outside, model, Kind.ATTRIBUTION_DRIFT, attributions.verdict(model, shifts), at)
    if model.generation:
        _watch_generation(window, baseline, current, outside)
    limits = _watch_performance(window, baseline, current, outside) if model.label else retrain.Limits()
    drifted = current.features.drifted if drifting else ()
    asked = retrain.Seen(version=window.version, drifted=drifted, limits=limits, at=at)
    ports = retrain.RetrainingPorts(
        predictions=outside.predictions, store=outside.store, bus=outside.bus, metrics=outside.metrics
    )
    retrain.consider(ports, model, asked)


def _watch_drift(window: Window, baseline: Baseline, current: Current, outside: Outside) -> bool:
    """Write and tell how far features and score have moved; whether the drift of the features is firing."""
    model, profile = window.model, baseline.profile
    effects.write_scores(outside.results, window, current)
    effects.measure_drift(outside.metrics, window, current.features)
    effects.measure_prediction(outside.metrics, window, current.prediction)
    # Counting by segments may cost a query each: both reports are explained by the same counts.
    counted = functools.cache(functools.partial(by_segment, outside.predictions, window, profile, current))
    moved = top_segments(model, profile, current.features, counted)
    verdict = of_drift(model.name, current.features, moved)
    firing = _track(outside, model, Kind.DRIFT, verdict, window.end)
    moved = top_segments(model, profile, current.prediction, counted)
    verdict = of_prediction(model.name, current.prediction, moved)
    _track(outside, model, Kind.PREDICTION_DRIFT, verdict, window.end)
    return firing


def _watch_quality(window: Window, issues: tuple[DataQualityIssue, ...], outside: Outside) -> None:
    """Write and tell what is wrong with the data."""
    model = window.model
    quality.write(outside.results, window, issues)
    quality.gauges(outside.metrics, window, issues)
    _track(outside, model, Kind.DATA_QUALITY, of_quality(model.name, issues), window.end)


def _watch_generation(window: Window, baseline: Baseline, current: Current, outside: Outside) -> None:
    """Write the measures of a generative model and tell what is wrong with them."""
    found = generation.assessed(window, baseline, current)
    write(outside.results, window, found)
    generation.gauges(outside.metrics, window, baseline, current, found)
    kinds = generation.personal_data(current, baseline.profile)
    for kind, verdict in generation.verdicts(window.model, found, kinds).items():
        _track(outside, window.model, kind, verdict, window.end)


def _watch_performance(window: Window, baseline: Baseline, current: Current, outside: Outside) -> retrain.Limits:
    """Write the performance metrics and tell what is wrong with them; which limits are broken, as far as it is firing."""
    model = window.model
    performance = assessed(window, baseline, current.columns, current.counts.rows)
    write(outside.results, window, performance)
    gauges(outside.metrics, window, performance)
    found = groups.compared(window, current.columns)
    groups.write(outside.results, window, found)
    groups.gauges(outside.metrics, window, found)
    concluded = verdicts(model, performance) | groups.verdicts(model, found)
    firing = {kind: _track(outside, model, kind, verdict, window.end) for kind, verdict in concluded.items()}
    return retrain.Limits(
        accuracy=performance.found["accuracy"].value if firing.get(Kind.ACCURACY_BELOW_FLOOR) else None,
        broken=firing.get(Kind.PERFORMANCE_BEYOND_LIMIT, False),
    )


def _track(outside: Outside, model: Model, kind: Kind, verdict: Verdict, at: datetime) -> bool:
    """Take a verdict, to be counted with the others; whether the condition fires by it, False where nothing is concluded."""
    observation = Observation(spec=spec(model, kind), verdict=verdict, at=at)
    state = outside.verdicts.conclude(observation)
    return state.firing and verdict.outcome is not Outcome.NOT_KNOWN
