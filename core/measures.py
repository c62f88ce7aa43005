"""The measures of model performance: what each is called, its unit, which way is better. How each is computed is in `core.performance`.

The two are apart because settings and pages name measures, and have no numpy.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from core.text import number

BINARY, MULTICLASS, REGRESSION, RANKING = "binary", "multiclass", "regression", "ranking"
GENERATIVE = "generative"
"""The tasks, as the settings name them."""


class Better(StrEnum):
    """Which values of a measure are better."""

    HIGHER = "higher"
    LOWER = "lower"
    NEARER_ZERO = "nearer_zero"


class Unit(StrEnum):
    """What a measure is counted in."""

    RATIO = "ratio"
    """A share, 0 to 1."""
    LABEL = "label"
    """The unit of the label, as in minutes."""
    NATS = "nats"
    """Natural units of information."""
    SECONDS = "seconds"
    DOLLARS = "dollars"
    NUMBER = "number"
    """A number of things, or a score on a scale of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One measure of performance.

    Attributes:
        name: in settings, tables and metrics; that of one class is `recall/CLASS`.
        tasks: of the models that have it.
        title: for people.
        unit: of its values.
        better: which values are better.
        interval: how its 95 % confidence interval is computed.
        watched: whether a significant change for the worse is a finding.
    """

    name: str
    tasks: tuple[str, ...]
    title: str
    unit: Unit
    better: Better
    interval: str
    watched: bool = True

    @property
    def bounds(self) -> tuple[float, float]:
        """The least and the largest value that there can be."""
        least = -math.inf if self.better is Better.NEARER_ZERO else 0.0
        return least, 1.0 if self.unit is Unit.RATIO else math.inf

    def is_worse(self, value: float, other: float) -> bool:
        """Whether a value is worse than another one.

        >>> MEASURES["mae"].is_worse(3.0, 2.0), MEASURES["auc"].is_worse(0.8, 0.9), MEASURES["bias"].is_worse(-0.3, 0.1)
        (True, True, True)
        """
        match self.better:
            case Better.HIGHER:
                return value < other
            case Better.LOWER:
                return value > other
            case Better.NEARER_ZERO:
                return abs(value) > abs(other)

    def loss(self, value: float) -> float:
        """What is lost at a value: the value itself, or what is missing from 1; 0 is perfect. Of a score, its negative.

        >>> round(MEASURES["accuracy"].loss(0.9), 6), MEASURES["mae"].loss(12.0)
        (0.1, 12.0)
        """
        if self.better is Better.HIGHER:
            return 1 - value if self.unit is Unit.RATIO else -value
        return abs(value)

    def spell(self, value: float) -> str:
        """A value for people.

        >>> MEASURES["accuracy"].spell(0.8512), MEASURES["mae"].spell(12.3456)
        ('85.1%', '12.3')
        """
        return number(value, _SPELT.get(self.unit, ""))


_SPELT = {Unit.RATIO: "ratio", Unit.SECONDS: "seconds", Unit.DOLLARS: "dollars"}


MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            name="accuracy",
            tasks=(BINARY, MULTICLASS),
            title="Accuracy",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="Wilson",
        ),
        Measure(
            name="precision",
            tasks=(BINARY, MULTICLASS),
            title="Precision",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="Wilson",
            watched=False,  # it follows how frequent positives are
        ),
        Measure(
            name="recall",
            tasks=(BINARY, MULTICLASS),
            title="Recall",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="Wilson",
            watched=False,  # it follows how frequent positives are
        ),
        Measure(
            name="f1",
            tasks=(BINARY,),
            title="F1",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="Wilson, of the Jaccard index",
            watched=False,  # as precision and recall
        ),
        Measure(
            name="macro_f1",
            tasks=(MULTICLASS,),
            title="Macro F1",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="normal, by the delta method",
        ),
        Measure(
            name="auc",
            tasks=(BINARY,),
            title="Area under the ROC curve",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="DeLong",
        ),
        Measure(
            name="log_loss",
            tasks=(BINARY, MULTICLASS),
            title="Log loss",
            unit=Unit.NATS,
            better=Better.LOWER,
            interval="normal, of the mean",
        ),
        Measure(
            name="brier",
            tasks=(BINARY,),
            title="Brier score",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="normal, of the mean",
        ),
        Measure(
            name="calibration_error",
            tasks=(BINARY,),
            title="Calibration error",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="normal, of the gaps of ten bins",
            watched=False,  # chance alone makes it larger in a smaller window
        ),
        Measure(
            name="mae",
            tasks=(REGRESSION,),
            title="Mean absolute error",
            unit=Unit.LABEL,
            better=Better.LOWER,
            interval="normal, of the mean",
        ),
        Measure(
            name="rmse",
            tasks=(REGRESSION,),
            title="Root mean squared error",
            unit=Unit.LABEL,
            better=Better.LOWER,
            interval="root of the normal interval of the mean square",
        ),
        Measure(
            name="pinball",
            tasks=(REGRESSION,),
            title="Pinball loss",
            unit=Unit.LABEL,
            better=Better.LOWER,
            interval="normal, of the mean",
        ),
        Measure(
            name="bias",
            tasks=(REGRESSION,),
            title="Bias",
            unit=Unit.LABEL,
            better=Better.NEARER_ZERO,
            interval="normal, of the mean",
            watched=False,  # near zero any change is a large one; what it costs is in the mean absolute error
        ),
        Measure(
            name="ndcg",
            tasks=(RANKING,),
            title="NDCG",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="normal, of the mean over queries",
        ),
        Measure(
            name="error_ratio",
            tasks=(GENERATIVE,),
            title="Error ratio",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="refusal_ratio",
            tasks=(GENERATIVE,),
            title="Refusal ratio",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="truncated_ratio",
            tasks=(GENERATIVE,),
            title="Truncated responses",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="empty_ratio",
            tasks=(GENERATIVE,),
            title="Empty responses",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="invalid_format_ratio",
            tasks=(GENERATIVE,),
            title="Responses of invalid format",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="pii_ratio",
            tasks=(GENERATIVE,),
            title="Responses with personal data",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="empty_context_ratio",
            tasks=(GENERATIVE,),
            title="Requests with an empty context",
            unit=Unit.RATIO,
            better=Better.LOWER,
            interval="Wilson",
        ),
        Measure(
            name="retrieval_hit_ratio",
            tasks=(GENERATIVE,),
            title="Retrieval hit rate",
            unit=Unit.RATIO,
            better=Better.HIGHER,
            interval="Wilson",
        ),
        Measure(
            name="first_token_p95",
            tasks=(GENERATIVE,),
            title="Time to first token, 95th percentile",
            unit=Unit.SECONDS,
            better=Better.LOWER,
            interval="order statistics",
        ),
        Measure(
            name="total_p95",
            tasks=(GENERATIVE,),
            title="Total time, 95th percentile",
            unit=Unit.SECONDS,
            better=Better.LOWER,
            interval="order statistics",
        ),
        Measure(
            name="dollars_per_request",
            tasks=(GENERATIVE,),
            title="Cost per request",
            unit=Unit.DOLLARS,
            better=Better.LOWER,
            interval="normal, of the mean",
        ),
        Measure(
            name="dollars_per_hour",
            tasks=(GENERATIVE,),
            title="Cost per hour",
            unit=Unit.DOLLARS,
            better=Better.LOWER,
            interval="none: it is counted",
            watched=False,  # it follows the number of requests
        ),
        Measure(
            name="retries_per_request",
            tasks=(GENERATIVE,),
            title="Retries per request",
            unit=Unit.NUMBER,
            better=Better.LOWER,
            interval="normal, of the mean",
        ),
        Measure(
            name="embedding_distance",
            tasks=(GENERATIVE,),
            title="Distance of embeddings from the reference",
            unit=Unit.NUMBER,
            better=Better.LOWER,
            interval="the distance by chance, to either side",
            watched=False,  # the drift tests of the projections decide
        ),
        Measure(
            name="score",
            tasks=(GENERATIVE,),
            title="Score",
            unit=Unit.NUMBER,
            better=Better.HIGHER,
            interval="normal, of the mean",
        ),
    )
}
"""The registry, in the order in which they are shown."""


HEADLINES = {BINARY: "accuracy", MULTICLASS: "accuracy", REGRESSION: "mae", RANKING: "ndcg"}
"""The measure of each task that is compared between groups where the settings say no more."""


def measure_of(name: str) -> Measure:
    """What a metric is, also one of a single class.

    >>> measure_of("recall/late").title, measure_of("mae").title
    ('Recall of late', 'Mean absolute error')

    Raises:
        KeyError: there is no such measure.
    """
    base, _, part = name.partition("/")
    found = MEASURES[base]
    return replace(found, name=name, title=f"{found.title} of {part}") if part else found
