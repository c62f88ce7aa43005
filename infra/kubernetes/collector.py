"""The OpenTelemetry Collector in a cluster: one on each node, and one for the cluster; pure functions of the parts of infra/collector."""

from collections.abc import Sequence
from typing import Any, Final

from infra.collector import PLACES, text
from infra.kubernetes.objects import PART_OF

IMAGE: Final = "otel/opentelemetry-collector-contrib:0.159.0"
NAME: Final = "collector"
NODE, CLUSTER = ("hosts", "kubelet"), ("cluster",)
"""What each scrapes. A database is scraped by the one of the cluster: its part and a flag are added by hand, as docs/kubernetes.md says."""
_READ = ["get", "list", "watch"]
_RULES: list[dict[str, Any]] = [
    {"apiGroups": [""], "resources": ["nodes/stats"], "verbs": ["get"]},
    {
        "apiGroups": [""],
        "resources": ["events", "namespaces", "nodes", "pods", "replicationcontrollers", "resourcequotas", "services"],
        "verbs": _READ,
    },
    {"apiGroups": ["apps"], "resources": ["daemonsets", "deployments", "replicasets", "statefulsets"], "verbs": _READ},
    {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": _READ},
    {"apiGroups": ["autoscaling"], "resources": ["horizontalpodautoscalers"], "verbs": _READ},
]
_CONFIG, _QUEUE, _SECRET, _HOST = "/etc/collector", "/var/lib/otelcol", "/etc/collector-secret", "/hostfs"


def objects(place: str) -> list[dict[str, Any]]:
    """What is applied to a cluster.

    Args:
        place: where it is, one of `infra.collector.PLACES`.
    """
    parts = [*PLACES[place], *NODE, *CLUSTER]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"aia-{NAME}"}
    subjects = [{"kind": "ServiceAccount", "name": NAME, "namespace": NAME}]
    ports = [
        {"name": name, "port": port, "targetPort": name} for name, port in (("otlp-grpc", 4317), ("otlp-http", 4318))
    ]
    service = {"selector": _labels("node"), "ports": ports, "internalTrafficPolicy": "Local"}
    return [
        _object("v1", "Namespace", NAME, namespaced=False),
        _object("v1", "ServiceAccount", NAME),
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", f"aia-{NAME}", namespaced=False, rules=_RULES),
        _object(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            f"aia-{NAME}",
            namespaced=False,
            roleRef=role,
            subjects=subjects,
        ),
        _object("v1", "ConfigMap", NAME, data={f"{part}.yaml": text(part) for part in parts}),
        _object("v1", "Service", NAME, spec=service),
        _object("apps/v1", "DaemonSet", f"{NAME}-node", spec=_workload("node", [*PLACES[place], *NODE])),
        _object(
            "apps/v1",
            "Deployment",
            f"{NAME}-cluster",
            spec={"replicas": 1, "strategy": {"type": "Recreate"}} | _workload("cluster", [*PLACES[place], *CLUSTER]),
        ),
    ]


def _object(version: str, kind: str, name: str, *, namespaced: bool = True, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - of Kubernetes
    metadata = {"name": name, "labels": {PART_OF: "aia"}} | ({"namespace": NAME} if namespaced else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _labels(role: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": NAME, "app.kubernetes.io/component": role}


def _workload(role: str, parts: Sequence[str]) -> dict[str, Any]:
    """What a DaemonSet and a Deployment have alike; the one of a node sees its files."""
    node = role == "node"
    volumes: list[dict[str, Any]] = [
        {"name": "config", "configMap": {"name": NAME}},
        {"name": "queue", "emptyDir": {"sizeLimit": "4Gi"}},  # outlives a restart of the container, not the pod
        {"name": "secret", "secret": {"secretName": f"{NAME}-token", "optional": True}},
    ]
    host = [{"name": "host", "hostPath": {"path": "/"}}]
    pod = {
        "serviceAccountName": NAME,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001},
        "containers": [_container(parts, node=node)],
        "volumes": [*volumes, *(host if node else [])],
    }
    tolerations = {"tolerations": [{"operator": "Exists", "effect": "NoSchedule"}]} if node else {}
    template = {"metadata": {"labels": _labels(role)}, "spec": pod | tolerations}
    return {"selector": {"matchLabels": _labels(role)}, "template": template}


def _container(parts: Sequence[str], *, node: bool) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"name": "config", "mountPath": _CONFIG, "readOnly": True},
        {"name": "queue", "mountPath": _QUEUE},
        {"name": "secret", "mountPath": _SECRET, "readOnly": True},
    ]
    host = {"name": "host", "mountPath": _HOST, "readOnly": True, "mountPropagation": "HostToContainer"}
    return {
        "name": NAME,
        "image": IMAGE,
        "args": [f"--config={_CONFIG}/{part}.yaml" for part in parts],
        "env": _environment(node=node),
        # AIA_PROJECT, or AIA_OTLP_URL and PROMETHEUS_URL; the secret has the passwords of databases.
        "envFrom": [{"configMapRef": {"name": f"{NAME}-settings"}}, {"secretRef": {"name": NAME, "optional": True}}],
        "ports": [
            {"name": "otlp-grpc", "containerPort": 4317},
            {"name": "otlp-http", "containerPort": 4318},
            {"name": "health", "containerPort": 13133},
        ],
        "livenessProbe": {"httpGet": {"path": "/", "port": "health"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": "health"}},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [*mounts, *([host] if node else [])],
    }


def _environment(*, node: bool) -> list[dict[str, Any]]:
    def field(path: str) -> dict[str, Any]:
        return {"fieldRef": {"fieldPath": path}}

    return [
        {"name": "COLLECTOR_NAME", "valueFrom": field("spec.nodeName" if node else "metadata.name")},
        {"name": "K8S_NODE_NAME", "valueFrom": field("spec.nodeName")},
        {"name": "COLLECTOR_ADDRESS", "value": "0.0.0.0"},  # noqa: S104 - of a pod
        {"name": "COLLECTOR_QUEUE", "value": f"{_QUEUE}/file_storage"},
        {"name": "COLLECTOR_HOST_ROOT", "value": _HOST if node else "/"},
        {"name": "AIA_OTLP_TOKEN_FILE", "value": f"{_SECRET}/token"},
    ]
