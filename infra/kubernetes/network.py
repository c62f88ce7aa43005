"""Who may reach whom in the cluster: what Google Cloud decides by accounts, the cluster decides by addresses."""

from typing import Any, Final

from infra.container.command import PORT
from infra.container.prepare import service as name_of
from infra.kubernetes.cluster import GRPC_PORT, METRICS_PORT, MONITORING, PUBSUB, REST_PORT, WAREHOUSE, WAREHOUSE_PORT
from infra.kubernetes.objects import PART_OF
from infra.kubernetes.pods import COMPONENT, NAME, Object, made

PUBLIC: Final = ("alert_intake", "api", "command_intake", "otlp")
"""Functions that people, senders of alerts and applications reach; each has a token or a signature for it."""
_OURS: Final = {"podSelector": {"matchLabels": {PART_OF: "aia"}}}
_DNS: Final = 53


def policies(*, emulator: bool) -> list[Object]:
    """Nothing is reached that is not named here; a node's own probes always are."""
    functions = {"matchLabels": {COMPONENT: "function"}}
    public = {"matchExpressions": [{"key": NAME, "operator": "In", "values": [name_of(one) for one in PUBLIC]}]}
    bus = {"podSelector": {"matchLabels": {NAME: PUBSUB}}}
    found = [
        _policy("default", {}, {"policyTypes": ["Ingress", "Egress"], "egress": _outwards()}),
        _reached("functions", functions, [bus], PORT),
        _reached("public", public, None, PORT),
        _reached(PUBSUB, {"matchLabels": {NAME: PUBSUB}}, [_OURS], GRPC_PORT, REST_PORT),
        _reached(MONITORING, {"matchLabels": {NAME: MONITORING}}, [_OURS], GRPC_PORT),
        _reached(
            "metrics",
            {"matchExpressions": [{"key": NAME, "operator": "In", "values": [MONITORING, PUBSUB]}]},
            None,
            METRICS_PORT,
        ),
    ]
    if emulator:
        found.append(_reached(WAREHOUSE, {"matchLabels": {NAME: WAREHOUSE}}, [_OURS], WAREHOUSE_PORT))
    return found


def _outwards() -> list[dict[str, Any]]:
    """Pods, names, and whatever else is watched or told, but for the accounts of the node (169.254.169.254)."""
    names = [{"protocol": protocol, "port": _DNS} for protocol in ("UDP", "TCP")]
    anywhere = [
        {"ipBlock": {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}},
        {"ipBlock": {"cidr": "::/0", "except": ["fe80::/10", "fd00:ec2::/32"]}},
    ]
    return [{"to": [{"namespaceSelector": {}}]}, {"ports": names}, {"to": anywhere}]


def _reached(name: str, pods: dict[str, Any], sources: list[dict[str, Any]] | None, *ports: int) -> Object:
    """Which ports of some pods are reached, and from where; from everywhere where nothing is said."""
    rule: dict[str, Any] = {"ports": [{"protocol": "TCP", "port": port} for port in ports]}
    if sources is not None:
        rule["from"] = sources
    return _policy(name, pods, {"policyTypes": ["Ingress"], "ingress": [rule]})


def _policy(name: str, pods: dict[str, Any], spec: dict[str, Any]) -> Object:
    return made("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": pods, **spec})
