"""The statistics of drift: what each is called, and what it does not see. How each is computed is in `core.drift.statistics`.

The two are apart because settings and pages name statistics, and have no numpy.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistic:
    """One way to compare the distributions of a feature in two windows.

    Attributes:
        name: in settings, tables and metrics; of its module in `core.drift.statistics` as well.
        label: for people, where there is little room.
        title: for people.
        blind_to: what it does not see, in a sentence.
        full: the value at which a chart of strengths is full; None where values grow with the number of rows.
        default: whether it is on where the settings of a model name none.
    """

    name: str
    label: str
    title: str
    blind_to: str
    full: float | None
    default: bool = True


STATISTICS = {
    statistic.name: statistic
    for statistic in (
        Statistic(
            name="ks",
            label="KS",
            title="Kolmogorov-Smirnov",
            blind_to="It sees only the order of values: not how far they moved, and little of the tails.",
            full=0.5,
        ),
        Statistic(
            name="psi",
            label="PSI",
            title="PSI",
            blind_to="It sees no move within a bin, and not how far apart two bins are.",
            full=1.0,
        ),
        Statistic(
            name="wasserstein",
            label="Wasserstein",
            title="Wasserstein",
            blind_to="It sees no missing or infinite values, and takes one far outlier for a small move of many values.",
            full=1.0,
        ),
        Statistic(
            name="js",
            label="JS",
            title="Jensen-Shannon",
            blind_to="It sees no move within a bin, and not how far apart two bins are.",
            full=0.5,
        ),
        Statistic(
            name="chi2",
            label="chi-square",
            title="Chi-square",
            blind_to="It does not tell a large change from many rows: it grows with both.",
            full=None,
        ),
        Statistic(
            name="tvd",
            label="TVD",
            title="Total variation",
            blind_to="It sees no move within a bin, not how far apart two bins are, and little of rare bins.",
            full=0.5,
            default=False,
        ),
    )
}
"""The registry, in the order in which they are shown."""

DEFAULT = tuple(statistic.name for statistic in STATISTICS.values() if statistic.default)
"""The statistics of a model whose settings name none."""
