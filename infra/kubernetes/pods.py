"""Objects and pods of the system in a cluster, all of them with the restrictions of Kubernetes' `restricted` level."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infra.kubernetes.objects import PART_OF

NAME, COMPONENT = "app.kubernetes.io/name", "app.kubernetes.io/component"
USER: Final = 10001
"""Of the image."""
ACCOUNT: Final = "aia"
STOP_SECONDS: Final = 45
"""Five until no Service sends anything any more, thirty for what is under way, ten for the last metrics."""
SETTINGS_FOLDER, GOOGLE_FOLDER = "/etc/aia", "/etc/aia-google"

Object = dict[str, Any]


def made(version: str, kind: str, name: str, labels: Mapping[str, str] | None = None, **fields: Any) -> Object:  # noqa: ANN401 - of Kubernetes
    """An object of the system; its namespace is that of kustomization.yaml."""
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "labels": {PART_OF: "aia"} | dict(labels or {})},
        **fields,
    }


def labels(name: str, component: str) -> dict[str, str]:
    """Those that select the pods of a workload."""
    return {NAME: name, COMPONENT: component}


def container(
    *,
    image: str,
    command: Sequence[str] = (),
    args: Sequence[str] = (),
    ports: Mapping[str, int] | None = None,
    memory: tuple[str, str] = ("128Mi", "512Mi"),
    **more: Any,  # noqa: ANN401 - of Kubernetes
) -> Object:
    """A container that writes nowhere but in `/tmp` and in its volumes.

    Args:
        image: of the functions.
        command: in place of `aia`.
        args: of it.
        ports: by name.
        memory: that it is promised, and that it may take.
        more: further fields; `volumeMounts` are added to those that each has.
    """
    mounts = [
        {"name": "settings", "mountPath": SETTINGS_FOLDER, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
    ]
    promised, most = memory
    return {
        "name": "aia",
        "image": image,
        **({"command": list(command)} if command else {}),
        **({"args": list(args)} if args else {}),
        "envFrom": [{"configMapRef": {"name": "aia-environment"}}],
        **({"ports": [{"name": one, "containerPort": port} for one, port in ports.items()]} if ports else {}),
        "resources": {"requests": {"cpu": "50m", "memory": promised}, "limits": {"memory": most}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        **more,
        "volumeMounts": [*mounts, *more.get("volumeMounts", [])],
    }


def pod(one: Object, *, settings: str, google: str, **more: Any) -> Object:  # noqa: ANN401 - of Kubernetes
    """What a workload has in its template.

    Args:
        one: its container.
        settings: the name of the ConfigMap with the settings.
        google: the Secret with the credentials of Google's clients; empty where there is none.
        more: further fields.
    """
    mount = {"name": "google", "mountPath": GOOGLE_FOLDER, "readOnly": True}
    return {
        "serviceAccountName": ACCOUNT,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [one | {"volumeMounts": [*one["volumeMounts"], mount]} if google else one],
        "volumes": [
            {"name": "settings", "configMap": {"name": settings}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
            *([{"name": "google", "secret": {"secretName": google}}] if google else []),
        ],
        **more,
    }


def workload(kind: str, name: str, component: str, spec: Object, **more: Any) -> Object:  # noqa: ANN401 - of Kubernetes
    """A Deployment or a StatefulSet of a pod."""
    own = labels(name, component)
    template = {"metadata": {"labels": own | {PART_OF: "aia"}}, "spec": spec}
    fields = {"selector": {"matchLabels": own}, "template": template} | more
    return made("apps/v1", kind, name, own, spec={"replicas": 1} | fields)


def service(name: str, component: str, ports: Mapping[str, int]) -> Object:
    """A Service of a workload, on the ports of its pods."""
    listed = [{"name": one, "port": port, "targetPort": one} for one, port in ports.items()]
    own = labels(name, component)
    return made("v1", "Service", name, own, spec={"selector": own, "ports": listed})
