"""What of the objects that monitoring operators define is used here, as strict JSON schemas: a key that is not here is refused.

Written from the documentation of their definitions: github.com/GoogleCloudPlatform/prometheus-engine, doc/api.md
(`monitoring.googleapis.com/v1`), and github.com/prometheus-operator/prometheus-operator, Documentation/api-reference/api.md
(`monitoring.coreos.com/v1`). Objects of Kubernetes itself are checked by kubernetes-validate.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

Schema = dict[str, Any]
DURATION = {"type": "string", "pattern": r"^(?:\d+(?:ms|[smhdwy]))+$"}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_NAME = {"type": "string", "pattern": r"^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$"}
_LABEL = {"type": "string", "pattern": r"^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"}


def strict(required: Schema, **optional: Schema) -> Schema:
    """An object with exactly these keys, of which the first must be there."""
    both = required | optional
    return {"type": "object", "properties": both, "required": list(required), "additionalProperties": False}


def listed(items: Schema) -> Schema:
    """A list that is not empty."""
    return {"type": "array", "minItems": 1, "items": items}


def _object(version: str, kind: str, spec: Schema, *, namespaced: bool) -> Schema:
    """An object of a kind; one of the whole cluster has no namespace."""
    labels = {"type": "object", "additionalProperties": _LABEL}
    metadata = strict({"name": _NAME}, labels=labels, **({"namespace": _NAME} if namespaced else {}))
    return strict({"apiVersion": {"const": version}, "kind": {"const": kind}, "metadata": metadata, "spec": spec})


_ALERT = strict(
    {"alert": {"type": "string"}, "expr": {"type": "string"}}, **{"for": DURATION}, labels=TEXTS, annotations=TEXTS
)
_RECORD = strict({"record": {"type": "string"}, "expr": {"type": "string"}}, labels=TEXTS)
_RULES = {"oneOf": [_ALERT, _RECORD]}
_GROUP = strict({"name": {"type": "string", "minLength": 1}, "interval": DURATION, "rules": listed(_RULES)})
_SPEC = strict({"groups": listed(_GROUP)})
_ENDPOINT = strict(
    {"port": {"type": ["string", "integer"]}, "interval": DURATION},
    scheme={"enum": ["http", "https"]},
    path={"type": "string", "pattern": "^/"},
    timeout=DURATION,
)
_METADATA = {"enum": ["pod", "container", "node", "top_level_controller_name", "top_level_controller_type"]}
_PODS = strict(
    {
        "selector": strict({"matchLabels": {"type": "object", "additionalProperties": _LABEL}}),
        "endpoints": listed(_ENDPOINT),
    },
    targetLabels=strict({}, metadata=listed(_METADATA)),
    filterRunning={"type": "boolean"},
)
GMP, OPERATOR = "monitoring.googleapis.com/v1", "monitoring.coreos.com/v1"
KUSTOMIZE = "kustomize.config.k8s.io/v1beta1"
SCHEMAS: dict[tuple[str, str], Schema] = {
    (KUSTOMIZE, "Kustomization"): strict(
        {"apiVersion": {"const": KUSTOMIZE}, "kind": {"const": "Kustomization"}},
        namespace=_NAME,
        resources=listed({"type": "string"}),
    ),
    (GMP, "ClusterRules"): _object(GMP, "ClusterRules", _SPEC, namespaced=False),
    (GMP, "GlobalRules"): _object(GMP, "GlobalRules", _SPEC, namespaced=False),
    (GMP, "Rules"): _object(GMP, "Rules", _SPEC, namespaced=True),
    (GMP, "PodMonitoring"): _object(GMP, "PodMonitoring", _PODS, namespaced=True),
    (OPERATOR, "PrometheusRule"): _object(OPERATOR, "PrometheusRule", _SPEC, namespaced=True),
}
"""By version and kind."""
DISCOVERY = strict(
    {"role": {"enum": ["pod"]}}, namespaces=strict({}, names=listed(_NAME), own_namespace={"type": "boolean"})
)
"""Of Prometheus' own configuration what is used of `kubernetes_sd_configs`: some distributions build it without."""


def faults(path: Path) -> list[str]:
    """What is wrong with the objects of a file, as `file: kind name: what`."""
    return [
        f"{path.name}: {fault}"
        for one in yaml.load_all(path.read_text(), Loader=yaml.CSafeLoader)
        for fault in _faults(one)
    ]


def _faults(given: dict[str, Any]) -> Iterator[str]:
    version, kind = given.get("apiVersion", ""), given.get("kind", "")
    name = f"{kind} {given.get('metadata', {}).get('name')}"
    if (version, kind) in SCHEMAS:
        for error in jsonschema.Draft202012Validator(SCHEMAS[version, kind]).iter_errors(given):
            yield f"{name}: {error.json_path}: {error.message}"
    elif "monitoring." in version:
        yield f"{name}: there is no schema of {version} {kind}"
    else:
        yield from _of_kubernetes(given, name)


def _of_kubernetes(given: dict[str, Any], name: str) -> Iterator[str]:
    try:
        kubernetes_validate.validate(given, kubernetes_validate.latest_version(), strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"{name}: {error.message}"
    except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
        yield f"{name}: {error}"
