"""The one catalogue of metrics: name, kind, labels, unit and help text.

Nothing writes a metric that is not here, and alert rules and dashboards are checked against it. Names are Prometheus
names: `aia_` first, the base unit last, `_total` on counters. The labels that say *who* wrote a value (`job`,
    `instance`
and the other labels of the monitored resource) are added by the writer and are no part of the catalogue.

A message parked as poison is `aia_function_requests_total{outcome="parked"}`; it has no metric of its own.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from core.metrics import (
    business,
    capacity,
    costs,
    experience,
    generative,
    incidents,
    maintenance,
    models,
    partners,
    pipelines,
    probes,
    security,
    surveys,
    system,
    telemetry,
)
from core.metrics.metric import Histogram, Metric, MetricKind

__all__ = ["CATALOGUE", "HISTOGRAMS", "RESOURCE_LABELS", "Histogram", "Metric", "MetricKind", "check", "lookup"]

RESOURCE_LABELS = ("project_id", "location", "cluster", "namespace", "job", "instance")
"""The labels of the writer of a value: those of Cloud Monitoring's `prometheus_target`."""

_AREAS = (
    system,
    models,
    generative,
    probes,
    incidents,
    business,
    costs,
    surveys,
    partners,
    pipelines,
    experience,
    telemetry,
    maintenance,
    security,
    capacity,
)
CATALOGUE: Mapping[str, Metric] = MappingProxyType({metric.name: metric for area in _AREAS for metric in area.METRICS})
"""Every metric by its name."""
HISTOGRAMS: Mapping[str, Histogram] = MappingProxyType({one.name: one for one in incidents.HISTOGRAMS})
"""Every histogram by its name; its counters are in the catalogue."""


def lookup(name: str) -> Metric:
    """The metric of that name.

    Raises:
        ValueError: the catalogue has none.

    Examples:
        >>> lookup("aia_probe_up").labels
        ('probe',)
    """
    metric = CATALOGUE.get(name)
    if metric is None:
        raise ValueError(f"metric: must be one of the catalogue in core.metrics, got {name!r}")
    return metric


def check(name: str, kind: MetricKind, labels: Iterable[str]) -> Metric:
    """The metric of that name, if it is of that kind and has exactly those labels.

    Args:
        name: of the metric.
        kind: as which it is about to be written.
        labels: names of the labels, in any order.

    Raises:
        ValueError: the catalogue says otherwise; a mistake in the program, whatever the data.

    Examples:
        >>> check("aia_function_requests_total", MetricKind.COUNTER, {"outcome": "done", "function": "api"}).unit
        '1'
        >>> check("aia_probe_up", MetricKind.GAUGE, ["model"])
        Traceback (most recent call last):
        ValueError: aia_probe_up: labels must be ['probe'], got ['model']
    """
    metric = lookup(name)
    if metric.kind is not kind:
        raise ValueError(f"{name}: must be written as a {metric.kind}, got {kind}")
    given = sorted(labels)
    if given != sorted(metric.labels):
        raise ValueError(f"{name}: labels must be {sorted(metric.labels)}, got {given}")
    return metric
