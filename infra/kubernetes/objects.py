"""Rule files as objects of Kubernetes; pure functions of what was read."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Group = Mapping[str, Any]
"""A group of rules, as a rule file has it."""
PART_OF = "app.kubernetes.io/part-of"
_ELSEWHERE = re.compile(r"\b(?:\w+_googleapis_com|kubernetes_io):|\baia_")
_METRIC = re.compile(r"\b[a-z]\w*_\w+\b(?!\s*\()|\bjob:\w")
_RUNBOOKS = "docs/runbooks/"


def of_cluster(rule: Mapping[str, Any]) -> bool:
    """Whether a rule looks only at what the cluster's own services write.

    What Google's services write, and the functions, which run outside, is in no cluster: a rule that misses it there would
    fire for ever.

    >>> of_cluster({"expr": 'rate(http_server_request_duration_seconds_count[5m]) > 1'})
    True
    >>> of_cluster({"expr": 'absent_over_time(aia_heartbeat_timestamp_seconds{function="api"}[1h])'})
    False
    >>> of_cluster({"expr": "sum(pg_stat_database_numbackends)"}), of_cluster({"expr": "vector(1)"})
    (True, False)
    """
    return bool(_METRIC.search(rule["expr"])) and not _ELSEWHERE.search(rule["expr"])


def managed(name: str, groups: Sequence[Group], namespace: str) -> list[dict[str, Any]]:
    """Rules for Google's managed Prometheus: those of services for the cluster, or one namespace of it, and the others globally.

    Args:
        name: of the rule file.
        groups: in it.
        namespace: whose services they are about, or empty for those of the cluster.
    """
    inside, outside = _split(groups)
    scoped = "Rules" if namespace else "ClusterRules"
    made = [
        _object("monitoring.googleapis.com/v1", scoped, name, inside, namespace) if inside else None,
        _object("monitoring.googleapis.com/v1", "GlobalRules", name, outside, "") if outside else None,
    ]
    return [one for one in made if one]


def operated(name: str, groups: Sequence[Group], namespace: str, labels: Mapping[str, str]) -> dict[str, Any]:
    """Rules for the Prometheus Operator.

    Args:
        name: of the rule file.
        groups: in it.
        namespace: where the object is, or empty for that of who applies it.
        labels: by which the operator finds it.
    """
    made = _object("monitoring.coreos.com/v1", "PrometheusRule", name, groups, namespace)
    made["metadata"]["labels"] |= labels
    return made


def linked(groups: Iterable[Group], runbooks: str) -> list[dict[str, Any]]:
    """The groups with the addresses of their runbooks; the paths stay where nobody says where those are."""
    return [dict(group) | {"rules": [_linked(rule, runbooks) for rule in group["rules"]]} for group in groups]


def _linked(rule: Mapping[str, Any], runbooks: str) -> dict[str, Any]:
    notes = rule.get("annotations", {})
    path = notes.get("runbook_url", "")
    if not runbooks or not path.startswith(_RUNBOOKS):
        return dict(rule)
    return dict(rule) | {"annotations": notes | {"runbook_url": f"{runbooks}/{path.removeprefix(_RUNBOOKS)}"}}


def _split(groups: Sequence[Group]) -> tuple[list[Group], list[Group]]:
    """Of each group the rules of the cluster, and the others; what remains of none is left out."""
    halves: list[list[Group]] = []
    for wanted in (True, False):
        kept = [
            dict(group) | {"rules": [one for one in group["rules"] if of_cluster(one) is wanted]} for group in groups
        ]
        halves.append([group for group in kept if group["rules"]])
    return halves[0], halves[1]


def _object(version: str, kind: str, name: str, groups: Sequence[Group], namespace: str) -> dict[str, Any]:
    metadata = {"name": f"aia-{name}", "labels": {PART_OF: "aia"}} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": {"groups": list(groups)}}
