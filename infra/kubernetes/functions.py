"""The functions in a cluster, with what Google Cloud has around them: their topics, their schedules, and who may reach whom."""

from collections.abc import Iterator
from typing import Any, Final

from infra.container.command import HEALTH_PORT, PORT
from infra.container.prepare import TOKENS
from infra.container.prepare import service as name_of
from infra.kubernetes.cluster import (
    GOOGLE_SECRET,
    GRPC_PORT,
    METRICS_PORT,
    MONITORING,
    PUBSUB,
    REST_PORT,
    SECRET,
    WAREHOUSE,
    WAREHOUSE_PORT,
    Cluster,
    digest,
)
from infra.kubernetes.network import policies
from infra.kubernetes.pods import (
    ACCOUNT,
    STOP_SECONDS,
    Object,
    container,
    labels,
    made,
    pod,
    service,
    workload,
)

NAMESPACE: Final = "aia"
FUNCTION, BESIDE, TASK = "function", "beside", "task"
"""The components."""
TWICE: Final = ("alert_intake", "api", "incident_router")
"""Functions that people wait for: one pod of them is there while a node is drained."""
PORTS: Final = {"http": PORT, "health": HEALTH_PORT}
_PROBE: Final = {"httpGet": {"path": "/", "port": "health"}, "timeoutSeconds": 5}


def files(given: Cluster) -> dict[str, list[Object]]:
    """The objects by the name of their file, with the kustomization that names these."""
    found = {
        "namespace": _namespace(),
        "settings": list(_settings(given)),
        "beside": list(_beside(given)),
        "functions": [one for name in given.deployed["functions"] for one in _function(given, name)],
        "jobs": [_prepare(given), *(_tick(given, job, cron) for job, cron in given.settings["jobs"].items())],
        "network": policies(emulator=given.emulator),
    }
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": NAMESPACE,
        "resources": [f"{name}.yaml" for name in found],
    }
    return found | {"kustomization": [kustomization]}


def _namespace() -> list[Object]:
    restricted = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    return [
        made("v1", "Namespace", NAMESPACE, restricted),
        made("v1", "ServiceAccount", ACCOUNT, automountServiceAccountToken=False),
    ]


def _settings(given: Cluster) -> Iterator[Object]:
    yield made("v1", "ConfigMap", given.settings_name, immutable=True, data={"monitoring.yaml": given.text})
    yield made("v1", "ConfigMap", "aia-environment", data=given.known)


def _pod(given: Cluster, one: Object, **more: Any) -> Object:  # noqa: ANN401 - of Kubernetes
    # Pods read the environment once, when they start.
    return pod(one, settings=given.settings_name, google="" if given.emulator else GOOGLE_SECRET, **more)


def _function(given: Cluster, name: str) -> Iterator[Object]:
    own, deployed = name_of(name), given.deployed["functions"][name]
    one = container(
        image=given.image,
        args=["serve", name],
        ports=PORTS,
        memory=("192Mi", deployed["memory"]),
        env=[*given.own_environment(name), {"name": "AIA_HOSTS", "value": _hosts(given, own)}],
        startupProbe=_PROBE | {"periodSeconds": 2, "failureThreshold": 60},
        readinessProbe=_PROBE | {"periodSeconds": 5},
        livenessProbe=_PROBE | {"periodSeconds": 20, "failureThreshold": 3},
        lifecycle={"preStop": {"sleep": {"seconds": 5}}},
    )
    spread = {
        "maxSkew": 1,
        "topologyKey": "kubernetes.io/hostname",
        "whenUnsatisfiable": "ScheduleAnyway",
        "labelSelector": {"matchLabels": labels(own, FUNCTION)},
    }
    twice = name in TWICE
    more = {"topologySpreadConstraints": [spread]} if twice else {}
    spec = _pod(given, one, terminationGracePeriodSeconds=STOP_SECONDS, **more)
    yield _marked(workload("Deployment", own, FUNCTION, spec, replicas=2 if twice else 1), given)
    yield service(own, FUNCTION, {"http": PORT})
    if twice:
        budget = {"maxUnavailable": 1, "selector": {"matchLabels": labels(own, FUNCTION)}}
        yield made("policy/v1", "PodDisruptionBudget", own, labels(own, FUNCTION), spec=budget)


def _hosts(given: Cluster, own: str) -> str:
    """The names of a function in the cluster, and those that were given: requests to any other are refused by who checks."""
    inside = [own, f"{own}.{NAMESPACE}", f"{own}.{NAMESPACE}.svc", f"{own}.{NAMESPACE}.svc.cluster.local"]
    return ",".join([*inside, *filter(None, [given.environment.get("AIA_HOSTS", "")])])


def _marked(found: Object, given: Cluster) -> Object:
    """With a mark of the environment, so that its pods are replaced when that changes."""
    metadata = found["spec"]["template"]["metadata"]
    metadata["annotations"] = {"aia/environment": digest(given.known)}
    return found


def _beside(given: Cluster) -> Iterator[Object]:
    """The bus, the metrics, and the warehouse where it is not BigQuery: one pod each, since each keeps what it has by itself."""
    ports = {"grpc": GRPC_PORT, "rest": REST_PORT, "metrics": METRICS_PORT}
    where = ["--host", "0.0.0.0", "--port", f"{GRPC_PORT}", "--rest-port", f"{REST_PORT}"]  # noqa: S104 - of a pod
    where += [
        "--metrics-port",
        f"{METRICS_PORT}",
        "--data",
        "/data/pubsub.sqlite",
        "--project",
        given.known["GOOGLE_CLOUD_PROJECT"],
    ]
    yield from _kept(given, PUBSUB, ["python", "-m", "infra.local.pubsub", *where], ports, ("192Mi", "512Mi"))
    yield from _metrics(given)
    if given.emulator:
        where = [
            "--persistent",
            "--data-dir",
            "/data",
            "--project",
            given.known["GOOGLE_CLOUD_PROJECT"],
            "--log-level",
            "error",
        ]
        where += ["--rest-host", "0.0.0.0", "--rest-port", f"{WAREHOUSE_PORT}"]  # noqa: S104 - of a pod
        command = ["python", "-m", "infra.local.warehouse.launcher", "start", *where]
        yield from _kept(given, WAREHOUSE, command, {"rest": WAREHOUSE_PORT}, ("512Mi", "2Gi"))


def _metrics(given: Cluster) -> Iterator[Object]:
    ports = {"grpc": GRPC_PORT, "metrics": METRICS_PORT}
    where = ["--host", "0.0.0.0", "--grpc-port", f"{GRPC_PORT}", "--http-port", f"{METRICS_PORT}"]  # noqa: S104 - of a pod
    probe = {"httpGet": {"path": "/healthz", "port": "metrics"}, "timeoutSeconds": 5}
    one = container(
        image=given.image,
        command=["python", "-m", "infra.local.monitoring", *where],
        ports=ports,
        readinessProbe=probe,
        livenessProbe=probe | {"periodSeconds": 20},
    )
    recreate = {"strategy": {"type": "Recreate"}}
    yield _marked(workload("Deployment", MONITORING, BESIDE, _pod(given, one), **recreate), given)
    yield service(MONITORING, BESIDE, ports)


def _kept(
    given: Cluster, name: str, command: list[str], ports: dict[str, int], memory: tuple[str, str]
) -> Iterator[Object]:
    """A workload whose data outlives its pod."""
    first = next(iter(ports))
    probe = {"tcpSocket": {"port": first}, "timeoutSeconds": 5}
    one = container(
        image=given.image,
        command=command,
        ports=ports,
        memory=memory,
        env=[{"name": "BQEMU_ENABLE_FORMAT_EXTENSIONS", "value": "false"}] if name == WAREHOUSE else [],
        startupProbe=probe | {"periodSeconds": 2, "failureThreshold": 60},
        readinessProbe=probe,
        livenessProbe=probe | {"periodSeconds": 20},
        volumeMounts=[{"name": "data", "mountPath": "/data"}],
    )
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}},
    }
    more = {"serviceName": name, "volumeClaimTemplates": [claim]}
    yield _marked(workload("StatefulSet", name, BESIDE, _pod(given, one), **more), given)
    yield service(name, BESIDE, ports)


def _prepare(given: Cluster) -> Object:
    """Makes topics, subscriptions and tables; a job cannot be changed, so that its name says what it is for."""
    tokens = sorted({*TOKENS.values()} & given.secret_names)
    source = [{"name": one, "valueFrom": {"secretKeyRef": {"name": SECRET, "key": one}}} for one in tokens]
    one = container(image=given.image, command=["python", "-m", "infra.container.prepare"], env=source)
    name = f"prepare-{digest(given.image, given.deployed, given.known, tokens)}"
    # The bus and the warehouse start beside it: the pauses between attempts grow to some minutes.
    spec = {"backoffLimit": 10, "ttlSecondsAfterFinished": 86_400, "template": _task(given, one, "prepare")}
    return made("batch/v1", "Job", name, labels("prepare", TASK), spec=spec)


def _tick(given: Cluster, job: str, cron: str) -> Object:
    name = f"tick-{name_of(job)}"
    one = container(image=given.image, command=["python", "-m", "infra.container.tick", job])
    task = {
        "backoffLimit": 3,
        "activeDeadlineSeconds": 300,
        "ttlSecondsAfterFinished": 3600,
        "template": _task(given, one, "tick"),
    }
    spec = {
        "schedule": cron,
        "timeZone": "Etc/UTC",
        "startingDeadlineSeconds": 60,
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 3,
        "jobTemplate": {"spec": task},
    }
    return made("batch/v1", "CronJob", name, labels(name, TASK), spec=spec)


def _task(given: Cluster, one: Object, name: str) -> Object:
    own = labels(name, TASK) | {"app.kubernetes.io/part-of": "aia"}
    return {"metadata": {"labels": own}, "spec": _pod(given, one, restartPolicy="Never")}
