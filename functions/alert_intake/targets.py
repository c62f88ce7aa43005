"""The target of an alert, and the kind of its finding."""

import re
from collections.abc import Mapping

from functions.alert_intake import safe

LONGEST = 160
"""Bytes of the name of a target; the router takes 300 with its sort."""
_LONGEST_KIND = 60
_TARGET = re.compile(r"[a-z][a-z0-9_-]{0,39}/.*\S.*", re.DOTALL)
_NO_SORT = re.compile(r"[^a-z0-9_-]+")
_NO_KIND = re.compile(r"[^\w.]+")
SORTS = {
    "model": "model",
    "model_name": "model",
    "pipeline": "pipeline",
    "pipeline_name": "pipeline",
    "endpoint_id": "endpoint",
    "endpoint_name": "endpoint",
    "endpoint": "endpoint",
    "probe": "probe",
    "function": "function",
    "table": "table",
    "dataset": "dataset",
    "queue": "queue",
    "topic": "topic",
    "database": "database",
    "deployment": "deployment",
    "statefulset": "statefulset",
    "daemonset": "daemonset",
    "service": "service",
    "service_name": "service",
    "app": "service",
    "job": "service",
    "pod": "pod",
    "node": "node",
    "host": "host",
    "hostname": "host",
    "instance": "instance",
    "sender": "sender",
}
"""The labels that name a target, the most specific first, and the sort of target that each names."""


def from_labels(labels: Mapping[str, str]) -> tuple[str, str]:
    """The target that labels name, and the label that names it; two empty texts where none does.

    The label `target` comes first, then those of `SORTS`. Beside `job`, `endpoint` is the name of a port: that is how
    the Prometheus Operator labels what it scrapes.

    >>> from_labels({"alertname": "Slow", "job": "node", "model": "churn"})
    ('model/churn', 'model')
    >>> from_labels({"target": "table/ops.runs", "model": "churn"}), from_labels({"region": "eu"})
    (('table/ops.runs', 'target'), ('', ''))
    """
    if target := labels.get("target"):
        return explicit(target), "target"
    for label, sort in SORTS.items():
        if (name := labels.get(label)) and not (label == "endpoint" and "job" in labels):
            return make(sort, name), label
    return "", ""


def explicit(target: str) -> str:
    """An explicit target: unchanged if it has a type, else with the prefix `target/`.

    >>> explicit("model/churn"), explicit("https://example.com/")
    ('model/churn', 'target/https://example.com/')
    """
    if not _TARGET.fullmatch(target):
        return make("target", target)
    sort, _, name = target.partition("/")
    return make(sort, name)


def make(sort: str, name: str) -> str:
    r"""A target that is valid as a key; a name that had to be changed has a digest of the original. Empty where the name is.

    >>> make("cloud.example/Thing", "a"), make("model", "a\nb"), make("host", "")
    ('cloud-example-thing/a', 'model/a b~f8944fae88', '')
    """
    if not name:
        return ""
    given = _NO_SORT.sub("-", sort.lower())[:40].strip("-_")
    sort = given if given[:1].isalpha() else f"of-{given}".rstrip("-")
    fit = safe.line(name, LONGEST).encode()[:LONGEST].decode(errors="ignore").strip()
    return f"{sort}/{fit}" if fit == name else f"{sort}/{fit}~{safe.digest(name)}"


def kind(name: str, identity: Mapping[str, str]) -> str:
    """The kind of a finding: the name of the alert, with a digest of the labels that distinguish it on its target.

    >>> kind("drift", {}), kind("High CPU", {}), kind("InstanceDown", {"instance": "b"})
    ('drift', 'High-CPU.4c208ff76d', 'InstanceDown.7ceff1e70e')
    """
    fit = _NO_KIND.sub("-", safe.line(name, LONGEST))[:_LONGEST_KIND].strip("-._")
    return fit if fit == name and not identity else f"{fit or 'alert'}.{safe.digest(name, labels=identity)}"
