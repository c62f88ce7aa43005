"""The one catalogue of metrics: name, kind, labels, unit and help text.

Nothing writes a metric that is not here, and alert rules and dashboards are checked against it. Names are Prometheus
names: `aia_` first, the base unit last, `_total` on counters. The labels that say *who* wrote a value (`job`, `instance`
and the other labels of the monitored resource) are added by the writer and are no part of the catalogue.

A message parked as poison is `aia_function_requests_total{outcome="parked"}`; it has no metric of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

RESOURCE_LABELS = ("project_id", "location", "cluster", "namespace", "job", "instance")
"""The labels that say who wrote a value: those of Cloud Monitoring's `prometheus_target`."""


class Kind(StrEnum):
    """How values of a metric relate to each other."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of the catalogue.

    Attributes:
        name: as Prometheus and PromQL spell it.
        kind: a gauge goes up and down; a counter only grows while its writer lives.
        labels: every series carries exactly these.
        unit: of the value, as UCUM spells it: `s` for seconds, `1` for numbers, ratios and truth values.
        help: one sentence for people.
    """

    name: str
    kind: Kind
    labels: tuple[str, ...]
    unit: str
    help: str


def _gauge(name: str, labels: str, unit: str, text: str) -> Metric:
    return Metric(name=name, kind=Kind.GAUGE, labels=tuple(labels.split()), unit=unit, help=text)


def _counter(name: str, labels: str, text: str) -> Metric:
    return Metric(name=name, kind=Kind.COUNTER, labels=tuple(labels.split()), unit="1", help=text)


CATALOGUE: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            _counter(
                "aia_function_requests_total",
                "function outcome",
                "Push requests answered, by outcome: done, parked, refused, busy, unavailable or failed.",
            ),
            _gauge("aia_function_seconds", "function", "s", "How long the newest push request took."),
            _gauge(
                "aia_heartbeat_timestamp_seconds",
                "function",
                "s",
                "When the function last did its job, in seconds since 1970.",
            ),
            _gauge(
                "aia_drift_value",
                "model feature test",
                "1",
                "The statistic of one drift test of one feature, on the test's own scale.",
            ),
            _gauge(
                "aia_drift_p_value",
                "model feature test",
                "1",
                "The p-value of one drift test of one feature, where the test has one.",
            ),
            _gauge("aia_drift_drifted", "model feature", "1", "1 while the feature has drifted, else 0."),
            _gauge(
                "aia_drift_features_drifted_ratio",
                "model",
                "1",
                "The share of the model's features that have drifted, 0 to 1.",
            ),
            _gauge("aia_drift_rows", "model", "1", "Rows in the window that was scored."),
            _gauge(
                "aia_drift_scored_timestamp_seconds",
                "model",
                "s",
                "The instant the model's newest drift report is about, in seconds since 1970.",
            ),
            _gauge(
                "aia_model_accuracy_ratio",
                "model",
                "1",
                "The share of labelled predictions that were right, 0 to 1.",
            ),
            _gauge(
                "aia_model_accuracy_expected_ratio",
                "model",
                "1",
                "The share of predictions that are expected to be right, estimated without labels, 0 to 1.",
            ),
            _gauge(
                "aia_model_measure_value",
                "model measure",
                "1",
                "One measure of how right the model is, by the labels that have arrived.",
            ),
            _gauge(
                "aia_prediction_drift_value",
                "model test",
                "1",
                "One drift test of the scores that the model gives: its statistic.",
            ),
            _gauge("aia_prediction_drift_drifted", "model", "1", "1 while the model's scores have drifted, else 0."),
            _gauge(
                "aia_data_quality_issues",
                "model flaw",
                "1",
                "How many columns of the model's window have the flaw, the window itself counted as one.",
            ),
            _counter(
                "aia_retraining_requests_total",
                "model reason",
                "Requests to train the model again, by why it was asked.",
            ),
            _gauge("aia_probe_up", "probe", "1", "1 when the probe's newest check passed, else 0."),
            _gauge("aia_probe_latency_seconds", "probe", "s", "How long the probe's newest check took."),
            _gauge(
                "aia_probe_certificate_expiry_seconds",
                "probe",
                "s",
                "How long until the target's TLS certificate expires; negative once it has.",
            ),
            _gauge("aia_incidents_open", "severity", "1", "Incidents that are not resolved."),
            _gauge(
                "aia_incidents_unacknowledged",
                "severity",
                "1",
                "Incidents that are not resolved and that nobody has acknowledged.",
            ),
            _gauge(
                "aia_incidents_impact_dollars_per_hour",
                "",
                "1",
                "What the incidents that are not resolved put at risk, in dollars an hour.",
            ),
            _gauge(
                "aia_incident_mtta_seconds",
                "severity",
                "s",
                "The mean time to acknowledge, over the incidents of seven days.",
            ),
            _gauge(
                "aia_incident_mttr_seconds",
                "severity",
                "s",
                "The mean time to resolve, over the incidents of seven days.",
            ),
            _counter(
                "aia_actions_total", "action outcome", "Decisions about automated responses, by what was decided."
            ),
            _gauge("aia_actions_waiting", "", "1", "Automated responses that wait for a person's approval."),
            _gauge("aia_notifications_waiting", "channel", "1", "Messages that wait for the channel to take them."),
            _counter("aia_incident_changes_total", "change", "Steps in the life of incidents, by what happened."),
            _counter(
                "aia_notifications_total",
                "channel outcome",
                "Notifications sent to people, by channel and outcome.",
            ),
        )
    }
)
"""Every metric by its name."""


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


def check(name: str, kind: Kind, labels: Iterable[str]) -> Metric:
    """The metric of that name, if it is of that kind and has exactly those labels.

    Args:
        name: of the metric.
        kind: as which it is about to be written.
        labels: names of the labels, in any order.

    Raises:
        ValueError: the catalogue says otherwise; a mistake in the program, whatever the data.

    Examples:
        >>> check("aia_function_requests_total", Kind.COUNTER, {"outcome": "done", "function": "api"}).unit
        '1'
        >>> check("aia_probe_up", Kind.GAUGE, ["model"])
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
