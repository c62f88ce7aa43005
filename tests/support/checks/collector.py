"""What the OpenTelemetry Collector refuses of a configuration, by the keys that its components document (collector_keys.yaml).

The rules over the whole are those of its own checks (otelcol/config.go, service/pipelines/config.go and internal/graph): what a pipeline names is
there, it has receivers and exporters, and a connector is used at both ends.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

KNOWN: dict[str, Any] = yaml.load(Path(__file__).with_name("collector_keys.yaml").read_text(), Loader=yaml.CSafeLoader)
KINDS = ("receivers", "processors", "exporters", "extensions", "connectors")
_SIGNALS = {"traces", "metrics", "logs"}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "id": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "duration": (str,),
}
_DURATION = re.compile(r"^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$")
_VARIABLE = re.compile(r"\$\{env:[A-Z][A-Z0-9_]*(:-[^}]*)?\}")
_CALL = re.compile(r"^(\w+)\((\w+)\.[\w.]+, .+\)$", re.DOTALL)


def faults(config: Mapping[str, Any]) -> list[str]:
    """Why the Collector would refuse a configuration: first keys and values, then what they refer to."""
    return [
        *(f"{key}: is no section" for key in config.keys() - {*KINDS, "service"}),
        *_components(config),
        *_dollars(config),
    ] or [*_service(config.get("service", {}), config), *_statements(config), *_queues(config)]


def _components(config: Mapping[str, Any]) -> Iterator[str]:
    for kind in KINDS:
        for name, given in config.get(kind, {}).items():
            of_type = name.partition("/")[0]
            if of_type not in KNOWN[kind]:
                yield f"{kind}.{name}: there is no such component"
            else:
                yield from _against(given or {}, KNOWN[kind][of_type], f"{kind}.{name}")


def _against(given: Any, known: Any, path: str) -> Iterator[str]:
    """Where a value is not what is known of it."""
    if known == "any" or (isinstance(given, str) and _VARIABLE.fullmatch(given)):
        return
    if isinstance(known, str):
        right = isinstance(given, _TYPES[known]) and (known == "boolean" or not isinstance(given, bool))
        if not right or (known == "duration" and not _DURATION.fullmatch(given)):
            yield f"{path}: must be a {known}, got {given!r}"
    elif isinstance(known, list):
        yield from _each(given, known[0], path)
    elif not isinstance(given, Mapping):
        yield f"{path}: must be a map, got {given!r}"
    else:
        for key, value in given.items():
            of_key = known.get(key, known.get("*"))
            yield from (
                _against(value, of_key, f"{path}.{key}") if of_key is not None else [f"{path}.{key}: is not known"]
            )


def _each(given: Any, known: Any, path: str) -> Iterator[str]:
    if not isinstance(given, list):
        yield f"{path}: must be a list, got {given!r}"
        return
    for number, one in enumerate(given):
        yield from _against(one, known, f"{path}[{number}]")


def _service(service: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    yield from _against(service.get("telemetry", {}), KNOWN["telemetry"], "service.telemetry")
    has = {kind: set(config.get(kind, {})) for kind in KINDS}
    yield from (
        f"service.extensions: {name} is not configured"
        for name in set(service.get("extensions", [])) - has["extensions"]
    )
    used = set(service.get("extensions", []))
    yield from (f"{path}: {name} is not started" for path, name in _references(config) if name not in used)
    pipelines = service.get("pipelines", {})
    for name, pipeline in pipelines.items():
        yield from _pipeline(name, pipeline, has)
    for connector in has["connectors"]:
        ends = ({end for one in pipelines.values() for end in one.get(side, [])} for side in ("exporters", "receivers"))
        if not all(connector in end for end in ends):
            yield f"connectors.{connector}: must be an exporter of a pipeline and a receiver of one"


def _pipeline(name: str, pipeline: Mapping[str, Any], has: Mapping[str, set[str]]) -> Iterator[str]:
    path = f"service.pipelines.{name}"
    if name.partition("/")[0] not in _SIGNALS:
        yield f"{path}: must be of traces, metrics or logs"
    for side in ("receivers", "exporters"):
        if not pipeline.get(side):
            yield f"{path}: must have {side}"
    for side in pipeline:
        allowed = has.get(side, set()) | (has["connectors"] if side != "processors" else set())
        yield from (f"{path}.{side}: {one} is not configured" for one in pipeline[side] if one not in allowed)


def _queues(config: Mapping[str, Any]) -> Iterator[str]:
    """Queues that no batch fits in, by exporterhelper/internal/queuebatch/config.go."""
    for name, given in config.get("exporters", {}).items():
        queue = given.get("sending_queue", {})
        batch = queue.get("batch")
        if batch is None:
            continue
        sizer = batch.get("sizer", queue.get("sizer", "items"))
        if sizer not in ("items", "bytes"):
            yield f"exporters.{name}.sending_queue.batch.sizer: must be items or bytes, got {sizer}"
        if 0 < batch.get("max_size", 0) < batch.get("min_size", 8192):
            yield f"exporters.{name}.sending_queue.batch: max_size must be at least min_size"
        if sizer == queue.get("sizer", "requests") and batch.get("min_size", 8192) > queue.get("queue_size", 1000):
            yield f"exporters.{name}.sending_queue: queue_size must be at least min_size of its batches"


def _references(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The extensions that components name: storages and authenticators."""
    for name, given in config.get("exporters", {}).items():
        if storage := given.get("sending_queue", {}).get("storage"):
            yield f"exporters.{name}.sending_queue.storage", storage
        if authenticator := given.get("auth", {}).get("authenticator"):
            yield f"exporters.{name}.auth.authenticator", authenticator


def _statements(config: Mapping[str, Any]) -> Iterator[str]:
    """Statements whose function, number of arguments or path is not one of their signal."""
    for name, given in config.get("processors", {}).items():
        for signal, paths in KNOWN["paths"].items():
            for one in (each for group in given.get(signal, []) for each in group["statements"]):
                call = _CALL.match(one)
                if not call or call[1] not in KNOWN["functions"] or call[2] not in paths:
                    yield f"processors.{name}.{signal}: {one[:60]!r} is no statement of this signal"


def _dollars(config: Mapping[str, Any]) -> Iterator[str]:
    """Dollars that begin no variable: the Collector reads `$` as its own, where it is not written twice."""
    rest = _VARIABLE.sub("", yaml.safe_dump(dict(config), width=10_000))
    if "$" in rest:
        yield f"a dollar that begins no variable: {rest[max(0, rest.index('$') - 30) :][:60]!r}"
