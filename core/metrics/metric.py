"""Definition of a metric."""

from dataclasses import dataclass
from enum import StrEnum


class MetricKind(StrEnum):
    """How values of a metric relate to each other."""

    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """One metric of the catalogue.

    Attributes:
        name: as Prometheus and PromQL spell it.
        kind: a gauge goes up and down; a counter only grows until its writer restarts.
        labels: every series carries exactly these.
        unit: of the value, as UCUM spells it: `s` for seconds, `1` for numbers, ratios and truth values.
        help: one sentence for people.
    """

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    unit: str
    help: str


def gauge(name: str, labels: str, unit: str, text: str) -> Metric:
    """A gauge, its labels given as words."""
    return Metric(name=name, kind=MetricKind.GAUGE, labels=tuple(labels.split()), unit=unit, help=text)


def counter(name: str, labels: str, text: str) -> Metric:
    """A counter, its labels given as words; of numbers of things."""
    return Metric(name=name, kind=MetricKind.COUNTER, labels=tuple(labels.split()), unit="1", help=text)
