"""What is known of the performance of a model in a window."""

from dataclasses import dataclass, replace

from core.performance.comparison import Comparison, compare_metrics
from core.performance.meter import Measures, Meter
from core.performance.reference import PerformanceReference, carried_over
from core.performance.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """The performance in a window.

    Attributes:
        found: by the labels that have arrived.
        reference: the same in the reference; None where it has no labels.
        expected: estimated without labels, of all predictions; None without an estimator.
        expected_labelled: the same of the predictions that have a label.
        against_reference: what was found, carried over to all predictions, beside the reference.
        estimate_against_reference: what is expected of all predictions beside the reference.
        against_estimate: what was found beside what is expected of the same predictions, as `reference`.
        rows: predictions in the window, labelled or not.
        labels: how many of those that were read have a label.
    """

    found: Measures
    reference: Measures | None = None
    expected: Measures | None = None
    expected_labelled: Measures | None = None
    against_reference: tuple[Comparison, ...] = ()
    estimate_against_reference: tuple[Comparison, ...] = ()
    against_estimate: tuple[Comparison, ...] = ()
    rows: int
    labels: int


def assess(meter: Meter, rows: Rows, reference: PerformanceReference | None, *, total: int) -> Assessment:
    """Measure the performance of a window and compare it, like with like.

    Args:
        meter: of the model's task.
        rows: that were read.
        reference: what was learnt of the reference, if it has labels.
        total: predictions in the window, of which the rows may be a sample.

    Raises:
        ProfileError: a score or a label is not what the task says.
    """
    found, known = meter.measure(rows), rows.labelled
    bare = Assessment(found=found, rows=total, labels=int(known.sum()))
    if reference is None:
        return bare
    everywhere = reference.expected(rows)
    if not everywhere:
        beside = compare_metrics(reference.measured, found, between=reference.between)
        return replace(bare, reference=reference.measured, against_reference=beside)
    labelled = reference.expected(rows.take(known)) or everywhere
    whole = carried_over(found, everywhere, labelled)
    return replace(
        bare,
        reference=reference.measured,
        expected=everywhere,
        expected_labelled=labelled,
        against_reference=compare_metrics(reference.whole, whole, between=reference.between),
        estimate_against_reference=compare_metrics(reference.whole, everywhere, between=reference.between),
        against_estimate=compare_metrics(labelled, found),
    )
