"""The sections of monitoring.yaml, one function each, and `parse`, which reads them all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType
from typing import Any, cast

from core.errors import SettingsError
from core.events import Severity
from core.settings.reader import Node, Reader, Section, WrongError, list_of, mapping_of, perhaps, section
from core.settings.scalars import (
    address,
    column,
    day,
    duration,
    host,
    job,
    member,
    named,
    number,
    one_of,
    reference,
    resolver,
    schedule,
    slug,
    table,
    target,
    text,
    url,
    whole,
)
from core.settings.types import (
    Address,
    Channel,
    ConsoleChannel,
    Dependency,
    DnsProbe,
    Expect,
    Features,
    HttpProbe,
    Label,
    Model,
    Probe,
    Quality,
    Reference,
    Retraining,
    Revenue,
    Route,
    Sensitivity,
    Settings,
    Task,
    TcpProbe,
    TlsProbe,
    WebhookChannel,
)

VERSION = 1
_STREAK = whole(1, 100)
_columns = list_of(column)
_EVERYWHERE = frozenset(Severity)
_USUAL = Sensitivity()
_SOUND = Quality()
_RETRAINED = Retraining(important=())


def parse(raw: object) -> Settings:
    """Read the settings.

    Args:
        raw: what the YAML says: mappings, lists and single values.

    Returns:
        The settings, all of them checked.

    Raises:
        SettingsError: with every fault, each with its path, what is allowed and what was given.

    >>> parse({"version": 1, "jobs": {"drift_score": "*/15 * * * *"}}).jobs["drift_score"]
    '*/15 * * * *'
    >>> parse({"version": 1, "jobs": {"drift_score": "hourly"}, "model": []})
    Traceback (most recent call last):
    core.errors.SettingsError: jobs.drift_score: must be a cron expression: must have five fields: minute, hour, day of month, month, day of week, got 'hourly'
    model: must be a known key (perhaps 'models'), got 'model'
    """
    reader = Reader()
    settings = Node(reader, "", raw).read(section(_settings))
    reader.resolve()
    if reader.faults:
        raise SettingsError(tuple(reader.faults))
    return settings


def _settings(top: Section) -> Settings:
    top.required("version", whole(VERSION, VERSION))
    return Settings(
        jobs=MappingProxyType(top.required("jobs", mapping_of(job, schedule)) or {}),
        models=top.optional("models", list_of(section(_model)), ()),
        probes=top.optional("probes", list_of(section(_probe)), ()),
        dependencies=top.optional("dependencies", list_of(section(_dependency)), ()),
        revenue=MappingProxyType(top.optional("revenue", mapping_of(target, section(_revenue)), {}) or {}),
        channels=top.optional("channels", list_of(section(_channel)), ()),
        routes=top.optional("routes", list_of(section(_route)), ()),
    )


def _model(top: Section) -> Model:
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
    return replace(policy, important=important)


def _sensitivity(top: Section) -> Sensitivity:
    return Sensitivity(
        shift=top.optional("shift", number(0.01, 6), _USUAL.shift),
        false_alarms=top.optional("false_alarms", number(1e-6, 0.5), _USUAL.false_alarms),
        seasonal=top.optional("seasonal", _truth, _USUAL.seasonal),
    )


def _truth(node: Node) -> bool:
    if not isinstance(node.value, bool):
        raise WrongError("must be true or false")
    return node.value


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


def _probe(top: Section) -> Probe:
    kind = top.required("kind", one_of(*_PROBES))
    common: dict[str, Any] = {
        "name": top.required("name", named("probe")),
        "every": top.required("every", duration("1m", "1d", step="m")),
        "fail_after": top.optional("fail_after", _STREAK, 3),
        "recover_after": top.optional("recover_after", _STREAK, 2),
        "timeout": top.optional("timeout", duration("100ms", "30s"), timedelta(seconds=5)),
        "expect": top.optional("expect", section(lambda inner: _expect(inner, kind)), Expect()),
    }
    if kind is None:
        top.accept_rest()
        return cast("Probe", None)
    probe = _PROBES[kind](top, common)
    if top.sound and probe.expect.latency and probe.expect.latency > probe.timeout:
        top.fault("expect.latency", "must be at most the timeout", str(probe.expect.latency))
    return probe


def _expect(top: Section, kind: str) -> Expect:
    latency = top.optional("latency", duration("1ms", "30s"), None)
    if kind is None:
        top.accept_rest()
    if kind != "http":
        return Expect(latency=latency)
    return Expect(
        latency=latency, status=top.optional("status", whole(100, 599), None), body=top.optional("body", text, None)
    )


def _http(top: Section, common: dict[str, Any]) -> HttpProbe:
    return HttpProbe(**common, url=top.required("url", url))


def _tls(top: Section, common: dict[str, Any]) -> TlsProbe:
    probe = TlsProbe(
        **common,
        host=top.required("host", host),
        port=top.optional("port", whole(1, 65_535), 443),
        warn_before=top.optional("warn_before", duration("1h", "365d"), timedelta(days=21)),
        critical_before=top.optional("critical_before", duration("1h", "365d"), timedelta(days=7)),
    )
    if top.sound and probe.critical_before > probe.warn_before:
        top.fault("critical_before", "must be at most warn_before", str(probe.critical_before))
    return probe


def _tcp(top: Section, common: dict[str, Any]) -> TcpProbe:
    there = top.required("address", address) or Address(host="", port=0)
    return TcpProbe(**common, host=there.host, port=there.port)


def _dns(top: Section, common: dict[str, Any]) -> DnsProbe:
    return DnsProbe(**common, host=top.required("host", host), resolver=top.optional("resolver", resolver, None))


_PROBES: dict[str, Callable[[Section, dict[str, Any]], Probe]] = {
    "http": _http,
    "tls": _tls,
    "tcp": _tcp,
    "dns": _dns,
}


def _dependency(top: Section) -> Dependency:
    dependency = Dependency(target=top.required("from", target), needs=top.required("to", target))
    if top.sound and dependency.target == dependency.needs:
        top.fault("to", "must be another target than from", dependency.needs)
    return dependency


def _revenue(top: Section) -> Revenue:
    return Revenue(dollars_per_hour=top.required("dollars_per_hour", number(0, 1e12)))


def _channel(top: Section) -> Channel:
    kind = top.required("kind", one_of("console", "webhook"))
    name = top.required("name", named("channel"))
    if kind == "webhook":
        return WebhookChannel(name=name, url=top.required("url", url))
    if kind is None:
        top.accept_rest()
    return ConsoleChannel(name=name)


def _route(top: Section) -> Route:
    return Route(
        severity=top.optional("when", section(_when), _EVERYWHERE),
        to=top.required("to", list_of(reference("channel"), at_least=1)),
    )


def _when(top: Section) -> frozenset[Severity]:
    return frozenset(top.optional("severity", list_of(member(Severity), at_least=1), tuple(Severity)) or ())
