"""The section `models`: which predictions are watched, against what, how strictly, and when a model is trained again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated

from core import measures
from core.errors import Fault
from core.events import Severity
from core.settings.declare import Faults, derives, validator
from core.settings.generation import Generation
from core.settings.kinds import Column, Share, Slug, Streak, Table
from core.settings.notes import Default, Defines, Excludes, Items, NoneAs, OneOf, Range, Requires
from core.settings.promotion import Mode, Promotion
from core.settings.reader import perhaps
from core.settings.training import TrainingPipeline
from core.statistics import DEFAULT, STATISTICS

_PREDICTIVE = tuple(name for name, one in measures.MEASURES.items() if measures.GENERATIVE not in one.tasks)
_FIRST, _LAST = date(1980, 1, 1), date(2200, 1, 1)
"""Days at which a reference may end: the days before it are instants that every client of the warehouse can express."""
_LONGEST_LABEL = 63
"""Characters of a label's value, wherever Google has labels."""


class Task(StrEnum):
    """What a model predicts."""

    BINARY = measures.BINARY
    """Whether something happens: the score is its probability, the label 0 or 1 (false or true)."""
    MULTICLASS = measures.MULTICLASS
    """Which of several classes: `predicted` is the class, the label the true one, the score the confidence in it."""
    REGRESSION = measures.REGRESSION
    """How much: score and label are numbers in one unit."""
    RANKING = measures.RANKING
    """In which order: the score ranks the rows of one `query`, the label is the relevance of each, 0 and up."""
    GENERATIVE = measures.GENERATIVE
    """Texts or other media: what its log has is in `generation`; there is no label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """Labels of the predictions, joined by the model's `id`."""

    table: Annotated[Table, Default("the model's")] = ""
    """Table of the labels, with a column `arrived_at`."""
    column: Column
    """Column of the label."""
    arrives_within: Annotated[timedelta, Range("1m", "90d")]
    """Maximum delay of the label after the prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The columns that are compared with the reference, each once."""

    numeric: tuple[Column, ...] = ()
    """Numeric columns."""
    categorical: tuple[Column, ...] = ()
    """Categorical columns."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, the numeric ones first."""
        return self.numeric + self.categorical


@validator(Features, "numeric", "categorical")
def _every_column_is_there_once(features: Features) -> Faults:
    if not features.names:
        yield Fault("numeric", "must name at least one column, or categorical must", [])
    # BigQuery does not tell columns apart by their case
    names = [name.lower() for name in features.names]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault("numeric", "must name no column twice, nor one that categorical names", name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The reference window."""

    days: Annotated[int, Range(1, 365, "days")]
    """Length of the reference window."""
    until: Annotated[
        date | None, Default("the end of the training data of the newest version in `ops.model_versions`")
    ] = None
    """Day (UTC) at whose start the window ends."""


@validator(Reference, "until")
def _the_reference_is_of_this_age(reference: Reference) -> Faults:
    yield from _of_this_age(reference.until)


def _of_this_age(until: date | None) -> Faults:
    if until is not None and not _FIRST <= until <= _LAST:
        yield Fault("until", f"must be a day, {_FIRST} to {_LAST}", until.isoformat())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Thresholds of feature drift."""

    shift: Annotated[float, Range(0.01, 6, "standard deviations")] = 0.1
    """Smallest change that matters, as the shift of a normal feature; the threshold of every test is derived from
    it."""
    false_alarms: Annotated[float, Range(1e-6, 0.5)] = 0.01
    """False alarm rate of a window without drift, over all features together."""
    seasonal: bool = False
    """Whether a change must also exceed the usual change at the same hour of the week in the reference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Thresholds of data quality issues, whatever the distribution."""

    share: Share = 0.01
    """By how much the share of rows that are missing, out of range or of new categories may exceed the reference's,
    beyond what chance explains."""
    volume: Annotated[float, Range(1.01, 1000)] = 2.0
    """Maximum factor by which the number of rows may differ from the reference."""
    age: Annotated[timedelta, Range("1m", "90d")] = timedelta(days=1)
    """Maximum age of the newest row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """When a change of performance against the reference is a finding; limits of single measures are beside it."""

    change: Annotated[float, Range(0.01, 10)] = 0.1
    """Smallest growth of a loss that matters, as a share: 0.1 where an error rate rises from 10% to 11%, or a mean
    absolute error from 10 to 11."""
    false_alarms: Annotated[float, Range(1e-6, 0.5)] = 0.01
    """False alarm rate of a window without a change, over all measures together."""
    no_verdict_after: Annotated[timedelta | None, Range("15m", "90d"), NoneAs("never")] = timedelta(days=3)
    """How long fewer labels than `minimum_rows` may have arrived, so that performance is not known, before that is a finding; of a
    model with a `label`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retraining:
    """When a new version of the model is asked for, and what trains it.

    How many features must have drifted is a number and no share: `important` is a short list that somebody wrote, a
    number of it is exact where a share would be rounded, and it means the same when a feature is added.
    """

    important: Annotated[tuple[Column, ...], Items(at_least=1, unique=True), Default("all")] = ()
    """The important features, whose drift triggers a request."""
    drifted: Annotated[int, Range(1, 10_000, "features")] = 1
    """Minimum number of important features that have drifted."""
    cooldown: Annotated[timedelta, Range("1m", "90d")] = timedelta(hours=6)
    """Minimum time between two requests."""
    minimum_labels: Annotated[int, Range(1, 10_000_000, "labels")] = 1000
    """Minimum number of labels in the window for a request."""
    window: Annotated[timedelta, Range("1d", "365d")] = timedelta(days=60)
    """Length of the training window."""
    enabled: bool = True
    """Whether anything is trained: with `false`, requests are only stored."""
    every: Annotated[timedelta | None, Range("1d", "365d"), NoneAs("never")] = None
    """Request one as well when the last request is this old, whatever drifted; at once where there was none."""
    budget: Annotated[int | None, Range(1, 1000, "trainings"), NoneAs("unlimited")] = None
    """Maximum number of trainings started in 30 days, whoever requests them."""
    budget_dollars: Annotated[
        float | None, Range(0.01, 1e9, "dollars"), Requires("hourly_price"), NoneAs("unlimited")
    ] = None
    """Maximum cost of the trainings started in 30 days, the requested one included, whoever requests it."""
    hourly_price: Annotated[float | None, Range(0.001, 100_000, "dollars an hour"), NoneAs("not known")] = None
    """Price of the machine that a training runs on, by which its cost is estimated where none is billed yet."""
    pipeline: TrainingPipeline | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model whose predictions are monitored."""

    name: Annotated[Slug, Defines("model")]
    """Name of the model, as in the column `model` of its table."""
    owner: Slug
    """The owning team."""
    table: Table
    """Table of the predictions."""
    timestamp: Column
    """Column of the prediction time."""
    id: Column
    """Column that identifies the prediction; of rows with one id the first by `timestamp` counts."""
    score: Annotated[Column, Default("of a generative model the first numeric feature of `generation`")] = ""
    """Column of the predicted score."""
    features: Annotated[
        Features, Default("of a generative model those of `generation`, which are added to any others")
    ] = Features()
    reference: Reference
    window: Annotated[timedelta, Range("5m", "90d")]
    """Length of the current window."""
    label: Label | None = None
    task: Task = Task.BINARY
    """Task of the model."""
    decision: Share = 0.5
    """Score threshold of a positive prediction, where the task is `binary`."""
    predicted: Column | None = None
    """Column of the predicted class, where the task is `multiclass`."""
    probabilities: Mapping[str, Column] = field(default_factory=dict, hash=False)
    """Columns of the probabilities by class, where the task is `multiclass` and the model gives them; for the log loss and a
    better estimate without labels."""
    quantile: Annotated[float, Range(0.001, 0.999)] = 0.5
    """Quantile of the label that is predicted, where the task is `regression`; for the pinball loss."""
    query: Column | None = None
    """Column of what each row is ranked for, where the task is `ranking`."""
    cutoff: Annotated[int, Range(1, 1000, "places")] = 10
    """Number of first places that NDCG counts, where the task is `ranking`."""
    drift: Sensitivity = field(default_factory=Sensitivity)
    statistics: Annotated[tuple[Annotated[str, OneOf(*STATISTICS)], ...], Items(at_least=1, unique=True)] = DEFAULT
    """Drift statistics to compute, store and show; the verdict does not depend on them."""
    quality: Quality = field(default_factory=Quality)
    generation: Annotated[Generation | None, Excludes("label", "attributions", "probabilities")] = None
    attributions: Column | None = None
    """Column of the feature attributions of each prediction, as JSON: numbers by feature, or what Vertex AI's explanations have."""
    exact_rows: Annotated[int, Range(1, 1_000_000, "rows")] = 50_000
    """Maximum number of rows of a window for an exact comparison; larger windows are counted in the warehouse."""
    minimum_rows: Annotated[int, Range(1, 10_000_000, "rows")] = 200
    """Minimum number of rows in a window for a verdict."""
    fire_after: Streak = 1
    """Number of consecutive windows with drift before it fires."""
    recover_after: Streak = 2
    """Number of consecutive windows without drift before it resolves."""
    no_verdict_after: Annotated[timedelta | None, Range("15m", "90d"), NoneAs("never")] = timedelta(days=1)
    """How long there may be no verdict on drift, because there are no rows or nothing to compare, before that is a finding."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding, and of the one that there is no verdict on performance."""
    accuracy_floor: Annotated[Share | None, Requires("label")] = None
    """Least accuracy that is accepted, of a classifier."""
    limits: Annotated[
        Mapping[
            Annotated[str, OneOf(*(name for name in _PREDICTIVE if name != "accuracy"))],
            Annotated[float, Range(0, 1e12)],
        ],
        Requires("label"),
    ] = field(default_factory=dict, hash=False)
    """Limits of other measures: the least value that is accepted of a measure whose higher values are better, the largest of
    any other. A limit of `precision` or `recall` holds for every class."""
    gap_limits: Annotated[
        Mapping[Annotated[str, OneOf(*_PREDICTIVE)], Annotated[float, Range(0, 1e12)]],
        Requires("label", "segments"),
    ] = field(default_factory=dict, hash=False)
    """Largest gap that is accepted, by measure, between two groups of a column of `segments`."""
    performance: Performance = field(default_factory=Performance)
    segments: Annotated[tuple[Column, ...], Items(unique=True)] = ()
    """Columns whose values drift is attributed to, and between whose values performance is compared."""
    retraining: Annotated[Retraining | None, Requires("label")] = None
    promotion: Promotion | None = None
    until: Annotated[date | None, Default("the log goes on")] = None
    """Day (UTC) at whose start the log ends: no window that ends later is scored, and none is overdue. The page shows the days before it."""

    @property
    def target(self) -> str:
        """The model as a target."""
        return f"model/{self.name}"

    @property
    def end(self) -> datetime | None:
        """When its log ends; None where it goes on."""
        return datetime.combine(self.until, time.min, UTC) if self.until else None


@validator(Model, "until")
def _the_log_is_of_this_age(model: Model) -> Faults:
    yield from _of_this_age(model.until)


_CLASSIFIERS = (Task.BINARY, Task.MULTICLASS)
_PAIRED = (*_CLASSIFIERS, Task.REGRESSION)
"""The tasks of which the predictions of two versions are compared request by request."""
_OF_CLASSES = ("precision", "recall")
"""Measures that are one for every class, where there are several."""
_OF_ONE_TASK = (("predicted", Task.MULTICLASS), ("query", Task.RANKING))


@validator(Model, "task", "accuracy_floor", "limits")
def _limits_are_of_its_measures(model: Model) -> Faults:
    if model.task not in _CLASSIFIERS and model.accuracy_floor is not None:
        yield Fault("accuracy_floor", f"must not be given where the task is {model.task}", model.accuracy_floor)
    known = [name for name, one in measures.MEASURES.items() if model.task in one.tasks and name != "accuracy"]
    for name, limit in model.limits.items():
        if name not in known:
            yield Fault(f"limits.{name}", f"must be one of {', '.join(known)} where the task is {model.task}", limit)
        elif not 0 <= limit <= measures.MEASURES[name].bounds[1]:
            most = measures.MEASURES[name].bounds[1]
            yield Fault(f"limits.{name}", "must be a number from 0 to 1" if most == 1 else "must be 0 or more", limit)


@validator(Model, "task", "gap_limits")
def _gaps_are_of_its_measures(model: Model) -> Faults:
    known = [name for name, one in measures.MEASURES.items() if model.task in one.tasks]
    if model.task is Task.MULTICLASS:
        known = [name for name in known if name not in _OF_CLASSES]
    for name, limit in model.gap_limits.items():
        if name not in known:
            yield Fault(
                f"gap_limits.{name}", f"must be one of {', '.join(known)} where the task is {model.task}", limit
            )


@validator(Model, "task", "predicted", "query", "probabilities")
def _columns_are_of_its_task(model: Model) -> Faults:
    for key, task in _OF_ONE_TASK:
        given = getattr(model, key)
        if model.task is task and given is None and model.label is not None:
            yield Fault(key, f"must be given where the task is {task} and there is a label", None)
        if model.task is not task and given is not None:
            yield Fault(key, f"must not be given where the task is {model.task}", given)
    if model.task is not Task.MULTICLASS and model.probabilities:
        yield Fault("probabilities", f"must not be given where the task is {model.task}", sorted(model.probabilities))


@validator(Model, "task", "score", "features", "generation")
def _generation_is_of_its_task(model: Model) -> Faults:
    if model.task is not Task.GENERATIVE:
        for key, given in (("score", model.score), ("features", model.features.names)):
            if not given:
                yield Fault(key, "must be given", None)
        if model.generation is not None:
            yield Fault("generation", f"must not be given where the task is {model.task}", "a mapping")
        return
    if model.generation is None:
        yield Fault("generation", f"must be given where the task is {model.task}", None)
        return
    if not model.score and not model.generation.numeric:
        yield Fault("score", "must be given where generation has no numeric feature", None)
    for name in model.features.names:
        if name.endswith("_") and name in (*model.generation.numeric, *model.generation.categorical):
            yield Fault("features", "must not name what generation computes", name)


@validator(Model, "features", "retraining")
def _retraining_is_about_its_features(model: Model) -> Faults:
    if model.retraining is None:
        return
    known, important = model.features.names, model.retraining.important or model.features.names
    for index, name in enumerate(model.retraining.important):
        if name not in known:
            allowed = f"must be a feature of the model{perhaps(name, known)}"
            yield Fault(f"retraining.important[{index}]", allowed, name)
    if model.retraining.drifted > len(important):
        allowed = f"must be 1 to the {len(important)} important features"
        yield Fault("retraining.drifted", allowed, model.retraining.drifted)


@validator(Model, "name", "retraining")
def _its_name_labels_the_trainings(model: Model) -> Faults:
    if model.retraining and model.retraining.pipeline and len(model.name) > _LONGEST_LABEL:
        allowed = f"must not be given where the name has more than {_LONGEST_LABEL} characters: it labels the trainings"
        yield Fault("retraining.pipeline", allowed, model.name)


@validator(Model, "task", "label", "promotion")
def _shadows_are_compared_by_labels(model: Model) -> Faults:
    if model.promotion is None or model.promotion.mode is not Mode.SHADOW:
        return
    if model.label is None:
        yield Fault("promotion.mode", f"must be {Mode.AB} where there is no label", model.promotion.mode.value)
    elif model.task not in _PAIRED:
        yield Fault("promotion.mode", f"must be {Mode.AB} where the task is {model.task}", model.promotion.mode.value)
    if model.task is not Task.REGRESSION and not -1 < model.promotion.margin < 1:
        yield Fault(
            "promotion.margin", f"must be above -1 and below 1 where the task is {model.task}", model.promotion.margin
        )


@derives(Model)
def _with_its_own(model: Model) -> Model:
    """Labels are in the model's own table, and all its features are important, where nothing else is said."""
    label, retraining = model.label, model.retraining
    if model.generation is not None:
        model = _generative(model, model.generation)
    return replace(
        model,
        label=label and replace(label, table=label.table or model.table),
        retraining=retraining and replace(retraining, important=retraining.important or model.features.names),
    )


def _generative(model: Model, generation: Generation) -> Model:
    """The model with what its log has among its features, each once."""
    numeric = dict.fromkeys((*model.features.numeric, *generation.numeric))
    categorical = dict.fromkeys((*model.features.categorical, *generation.categorical))
    features = Features(
        numeric=tuple(name for name in numeric if name not in model.features.categorical),
        categorical=tuple(name for name in categorical if name not in model.features.numeric),
    )
    return replace(model, features=features, score=model.score or next(iter(generation.numeric)))
