"""The section `models` of monitoring.yaml."""

from dataclasses import replace

from core.settings.reader import Section, list_of, perhaps, section
from core.settings.scalars import column, day, duration, member, named, number, slug, table, truth, whole
from core.settings.training_section import read_pipeline
from core.settings.types import Features, Label, Model, Quality, Reference, Retraining, Sensitivity, Task

_STREAK = whole(1, 100)
_columns = list_of(column)
_USUAL = Sensitivity()
_SOUND = Quality()
_RETRAINED = Retraining(important=())
_LONGEST_LABEL = 63
"""Characters of a label's value, wherever Google has labels."""


def read_model(top: Section) -> Model:
    """One model."""
    name = top.required("name", named("model"))
    predictions = top.required("table", table)
    model = Model(
        name=name,
        owner=top.required("owner", slug),
        table=predictions,
        timestamp=top.required("timestamp", column),
        id=top.required("id", column),
        score=top.required("score", column),
        label=top.optional("label", section(lambda inner: _label(inner, predictions)), None),
        features=top.required("features", section(_features)),
        reference=top.required("reference", section(_reference)),
        window=top.required("window", duration("5m", "90d")),
        task=top.optional("task", member(Task), Task.CLASSIFICATION),
        decision=top.optional("decision", number(0, 1), 0.5),
        drift=top.optional("drift", section(_sensitivity), _USUAL),
        quality=top.optional("quality", section(_quality), _SOUND),
        exact_rows=top.optional("exact_rows", whole(1, 1_000_000), 50_000),
        minimum_rows=top.optional("minimum_rows", whole(1, 10_000_000), 200),
        fire_after=top.optional("fire_after", _STREAK, 1),
        recover_after=top.optional("recover_after", _STREAK, 2),
        accuracy_floor=top.optional("accuracy_floor", number(0, 1), None),
        segments=top.optional("segments", _columns, ()),
        retraining=top.optional("retraining", section(_retraining), None),
    )
    if not top.sound:
        return model
    if model.accuracy_floor is not None and model.label is None:
        top.fault("label", "must be given where there is an accuracy_floor", None)
    if model.task is Task.REGRESSION and model.accuracy_floor is not None:
        top.fault("accuracy_floor", "must not be given where the task is regression", model.accuracy_floor)
    return replace(model, retraining=_complete(top, model, model.retraining)) if model.retraining else model


def _retraining(top: Section) -> Retraining:
    return Retraining(
        important=top.optional("important", list_of(column, at_least=1), _RETRAINED.important),
        drifted=top.optional("drifted", whole(1, 10_000), _RETRAINED.drifted),
        cooldown=top.optional("cooldown", duration("1m", "90d"), _RETRAINED.cooldown),
        minimum_labels=top.optional("minimum_labels", whole(1, 10_000_000), _RETRAINED.minimum_labels),
        window=top.optional("window", duration("1d", "365d"), _RETRAINED.window),
        pipeline=top.optional("pipeline", section(read_pipeline), None),
    )


def _complete(top: Section, model: Model, policy: Retraining) -> Retraining:
    """The policy with all features where none are important, checked against the model that it is of."""
    known, important = model.features.names, policy.important or model.features.names
    if model.label is None and model.accuracy_floor is None:
        top.fault("label", "must be given where there is retraining", None)
    for index, name in enumerate(policy.important):
        if name not in known:
            top.fault(f"retraining.important[{index}]", f"must be a feature of the model{perhaps(name, known)}", name)
        elif name in policy.important[:index]:
            top.fault(f"retraining.important[{index}]", "must be named once", name)
    if policy.drifted > len(important):
        top.fault("retraining.drifted", f"must be 1 to the {len(important)} important features", policy.drifted)
    if policy.pipeline is not None and len(model.name) > _LONGEST_LABEL:
        allowed = f"must not be given where the name has more than {_LONGEST_LABEL} characters: it labels the trainings"
        top.fault("retraining.pipeline", allowed, model.name)
    return replace(policy, important=important)


def _sensitivity(top: Section) -> Sensitivity:
    return Sensitivity(
        shift=top.optional("shift", number(0.01, 6), _USUAL.shift),
        false_alarms=top.optional("false_alarms", number(1e-6, 0.5), _USUAL.false_alarms),
        seasonal=top.optional("seasonal", truth, _USUAL.seasonal),
    )


def _quality(top: Section) -> Quality:
    return Quality(
        share=top.optional("share", number(0, 1), _SOUND.share),
        volume=top.optional("volume", number(1.01, 1000), _SOUND.volume),
        age=top.optional("age", duration("1m", "90d"), _SOUND.age),
    )


def _label(top: Section, predictions: str) -> Label:
    return Label(
        table=top.optional("table", table, predictions),
        column=top.required("column", column),
        arrives_within=top.required("arrives_within", duration("1m", "90d")),
    )


def _features(top: Section) -> Features:
    features = Features(
        numeric=top.optional("numeric", _columns, ()), categorical=top.optional("categorical", _columns, ())
    )
    if top.sound and not features.names:
        top.fault("numeric", "must name at least one column, or categorical must", [])
    if top.sound:
        # BigQuery does not tell columns apart by their case
        names = [name.lower() for name in features.names]
        for name in sorted({name for name in names if names.count(name) > 1}):
            top.fault("numeric", "must name no column twice, nor one that categorical names", name)
    return features


def _reference(top: Section) -> Reference:
    return Reference(days=top.required("days", whole(1, 365)), until=top.optional("until", day, None))
