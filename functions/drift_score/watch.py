"""One model at one tick: its windows are read and compared, core judges, and rows, gauges and verdicts are given."""

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from core.detection import Observation, Outcome, Verdict
from core.drift import CountedSample, DataQualityIssue
from core.drift.judge import of_drift, of_prediction, of_quality
from core.events import stamp
from core.retraining import Reason
from core.settings import Model
from functions.adapters.ledger import Ledger
from functions.adapters.ports import Bus, Data, Metrics, Store
from functions.drift_score import attributions, distributions, effects, generation, groups, quality, retrain
from functions.drift_score.baseline import Baseline
from functions.drift_score.compare import Current, by_segment, compare, counted_sample, top_segments
from functions.drift_score.conditions import Kind, awaited, of_empty_reference, of_unscored, spec
from functions.drift_score.performance import assessed, gauges, verdicts, write
from functions.drift_score.ports import Predictions, Results
from functions.drift_score.reference import Profiles, reference_of
from functions.drift_score.window import Window, WindowSummary
from functions.services.detection import Verdicts


class CountedWindow(NamedTuple):
    """The current window of a model that is there as counts.

    Attributes:
        model: the name of the model.
        rows: how many rows it has.
        predictions: of the model.
    """

    model: str
    rows: int
    predictions: Predictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What scoring needs from outside.

    Attributes:
        predictions: the windows of the models.
        results: the tables of results.
        store: conditions, profiles, requests for retraining.
        bus: takes findings and requests.
        metrics: takes gauges.
        ledger: which models were scored at which tick.
        profiles: of the references.
        verdicts: of one shard.
        versions: those in use, as far as they are known before, by the names of models.
        counted: the current windows that are there as counts, each to be scored before the next one is asked for; None where
            none was counted.
    """

    predictions: Predictions
    results: Results
    store: Store
    bus: Bus
    metrics: Metrics
    ledger: Ledger
    profiles: Profiles
    verdicts: Verdicts = field(default_factory=Verdicts)
    versions: Mapping[str, Data] = field(default_factory=dict)
    counted: Iterable[CountedWindow] | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Opened:
    """A model at one tick, before its window is compared.

    Attributes:
        window: the current one.
        reference: the one that it is compared with.
        baseline: what was learnt of that.
        seen: what there is in the current window.
        outside: what scoring needs.
    """

    window: Window
    reference: Window
    baseline: Baseline
    seen: WindowSummary
    outside: Outside


def open_window(model: Model, at: datetime, outside: Outside) -> Opened:
    """See what there is of a model at a tick; raises as `score_model` does."""
    seen = outside.predictions.summary(model, at - model.window, at)
    reference = reference_of(model, seen.version, at)
    window = Window(model=model, version=reference.version, start=at - model.window, end=at)
    baseline = outside.profiles.get(reference)
    return Opened(window=window, reference=reference, baseline=baseline, seen=seen, outside=outside)


def open_counted(model: Model, at: datetime, outside: Outside) -> tuple[Opened, CountedSample]:
    """The same of a model whose window is there as counts, with these."""
    opened = open_window(model, at, outside)
    return opened, counted_sample(outside.predictions, opened.window, opened.baseline.profile)


def score_model(model: Model, at: datetime, outside: Outside) -> None:
    """Score a model at a tick.

    Raises:
        QueryError: the warehouse refuses, which becomes a finding since a retry would not help; `ProfileError` likewise.
        UnavailableError: something outside does not answer.
        ConflictError: others asked for a training of the model at the same time.
    """
    opened = open_window(model, at, outside)
    conclude(opened, compare(outside.predictions, opened.window, opened.baseline.profile, opened.seen.rows))


def track(outside: Outside, model: Model, kind: Kind, verdict: Verdict, at: datetime) -> str:
    """Take a verdict, to be counted with the others; the id of its finding while it fires, empty where it does not or nothing is concluded."""
    observation = Observation(spec=spec(model, kind), verdict=verdict, at=at)
    state = outside.verdicts.conclude(observation)
    if not state.firing or verdict.outcome is Outcome.NOT_KNOWN:
        return ""
    return f"{observation.spec.key}:{stamp(state.since or at)}"


def track_unscored(outside: Outside, model: Model, refusal: str, at: datetime) -> None:
    """Take it that nothing is known of a model that could not be scored, but for what was concluded before that was seen."""
    concluded = set(outside.verdicts.keys())
    for kind in awaited(model):
        if spec(model, kind).key not in concluded:
            track(outside, model, kind, of_unscored(model, refusal), at)


def conclude(opened: Opened, current: Current) -> None:
    """Write and tell what is found in a window that was compared; raises as `score_model` does."""
    window, reference, baseline, outside = opened.window, opened.reference, opened.baseline, opened.outside
    model, seen = window.model, opened.seen
    effects.measure_version(outside.metrics, window, seen.version)
    drifting = _watch_drift(window, reference, baseline, current, outside)
    _watch_quality(
        window, reference, baseline, quality.inspect(window, reference, baseline, current, seen.newest), outside
    )
    if model.attributions:
        _watch_attributions(window, baseline, current, outside)
    if model.generation:
        _watch_generation(window, baseline, current, outside)
    limits = _watch_performance(window, baseline, current, outside) if model.label else retrain.Limits()
    drifted = current.features.drifted if drifting else ()
    findings = {
        Reason.DRIFT: drifting,
        Reason.BELOW_FLOOR: limits.below_floor,
        Reason.BEYOND_LIMIT: limits.beyond_limit,
    }
    told = retrain.Seen(version=window.version, drifted=drifted, limits=limits, at=window.end, findings=findings)
    _consider_retraining(outside, model, told)


def _watch_drift(window: Window, reference: Window, baseline: Baseline, current: Current, outside: Outside) -> str:
    """Write and tell how far features and score have moved; the finding of the drift of the features while it fires."""
    model, profile = window.model, baseline.profile
    effects.write_scores(outside.results, window, current)
    effects.measure_drift(outside.metrics, window, current.features)
    effects.measure_prediction(outside.metrics, window, current.prediction)
    # Counting by segments may cost a query each: both reports are explained by the same counts.
    counted = functools.cache(functools.partial(by_segment, outside.predictions, window, profile, current))
    moved = top_segments(model, profile, current.features, counted)
    verdict = of_drift(model.name, current.features, moved) if baseline.rows else of_empty_reference(reference)
    outside.results.write_distributions(window, [distributions.row(profile, current, verdict, moved)])
    firing = track(outside, model, Kind.DRIFT, verdict, window.end)
    moved = top_segments(model, profile, current.prediction, counted)
    verdict = of_prediction(model.name, current.prediction, moved)
    track(outside, model, Kind.PREDICTION_DRIFT, verdict, window.end)
    return firing


def _watch_quality(
    window: Window, reference: Window, baseline: Baseline, issues: tuple[DataQualityIssue, ...], outside: Outside
) -> None:
    """Write and tell what is wrong with the data; beside a reference without rows, it is not known that nothing is."""
    model = window.model
    if not issues and not baseline.rows:
        track(outside, model, Kind.DATA_QUALITY, of_empty_reference(reference), window.end)
        return
    quality.write(outside.results, window, issues)
    quality.gauges(outside.metrics, window, issues)
    track(outside, model, Kind.DATA_QUALITY, of_quality(model.name, issues), window.end)


def _watch_attributions(window: Window, baseline: Baseline, current: Current, outside: Outside) -> None:
    """Tell how far the attributions have moved."""
    shifts = attributions.compared(window, baseline, current.columns)
    attributions.gauges(outside.metrics, window, shifts)
    track(outside, window.model, Kind.ATTRIBUTION_DRIFT, attributions.verdict(window.model, shifts), window.end)


def _watch_generation(window: Window, baseline: Baseline, current: Current, outside: Outside) -> None:
    """Write the measures of a generative model and tell what is wrong with them."""
    found = generation.assessed(window, baseline, current)
    write(outside.results, window, found)
    generation.gauges(outside.metrics, window, baseline, current, found)
    kinds = generation.personal_data(current, baseline.profile)
    for kind, verdict in generation.verdicts(window.model, found, kinds).items():
        track(outside, window.model, kind, verdict, window.end)


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
    firing = {kind: track(outside, model, kind, verdict, window.end) for kind, verdict in concluded.items()}
    below_floor = firing.get(Kind.ACCURACY_BELOW_FLOOR, "")
    return retrain.Limits(
        accuracy=performance.found["accuracy"].value if below_floor else None,
        below_floor=below_floor,
        beyond_limit=firing.get(Kind.PERFORMANCE_BEYOND_LIMIT, ""),
    )


def _consider_retraining(outside: Outside, model: Model, seen: retrain.Seen) -> None:
    ports = retrain.RetrainingPorts(
        predictions=outside.predictions, store=outside.store, bus=outside.bus, metrics=outside.metrics
    )
    retrain.consider(ports, model, seen)
