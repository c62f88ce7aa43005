"""Definition of a metric."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, isinf


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Histogram:
    """A distribution, written as counters: of observations of at most `le` (`NAME_le_total`), and their sum (`NAME_total`).

    `histogram_quantile` reads the first one. They are not called `NAME_bucket`, `NAME_count` and `NAME_sum`, because Cloud Monitoring takes
    these for parts of a distribution `NAME` (https://cloud.google.com/monitoring/promql/promql-mapping).

    Attributes:
        name: without a suffix.
        labels: every series carries these; those of buckets also `le`.
        unit: of the values.
        bounds: the upper bounds of the buckets, ascending; one without a bound follows.
        help: one sentence for people.
    """

    name: str
    labels: tuple[str, ...]
    unit: str
    bounds: tuple[float, ...]
    help: str

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Its counters, for the catalogue."""
        labels = " ".join(self.labels)
        return (
            counter(f"{self.name}_le_total", f"{labels} le", f"{self.help} Number of those that are at most `le`."),
            replace(counter(f"{self.name}_total", labels, f"{self.help} Sum of the finite ones."), unit=self.unit),
        )

    def increments(self, value: float) -> Iterator[tuple[str, float, dict[str, str]]]:
        """What an observation adds: name, number and further labels. A bucket that it is not in gets 0, so that it exists.

        Args:
            value: at least 0; infinite where no bucket with a bound has it, and then no part of the sum.

        Examples:
            >>> delays = Histogram(name="aia_x_seconds", labels=("channel",), unit="s", bounds=(1.0, 10.0), help="Delays.")
            >>> [(labels["le"], by) for name, by, labels in delays.increments(2.0) if labels]
            [('1', 0.0), ('10', 1.0), ('+Inf', 1.0)]
        """
        for bound in (*self.bounds, inf):
            yield f"{self.name}_le_total", float(value <= bound), {"le": "+Inf" if isinf(bound) else f"{bound:g}"}
        yield f"{self.name}_total", 0.0 if isinf(value) else value, {}
