"""What is reckoned: how much there is to monitor, and how the system goes about it."""

from dataclasses import dataclass, replace

STRING = 2
"""Bytes that BigQuery adds to the UTF-8 of a text; numbers and instants have 8."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The models of a deployment, all alike.

    Attributes:
        models: how many.
        tables: of predictions, with as many models each.
        rows: predictions of a model a day.
        features: of a model; the score is one more column that is compared. All are numbers.
        cells: that a column is cut into.
        window_days: length of the current window.
        labelled: the share of the models that have labels, 0 to 1.
        apart: whether a statement about one model reads the rows of that model alone, as where the tables are clustered by model;
            else it reads those of all models of the table.
        late: the share of the slots in which rows come late, 0 to 1.
        transitions: findings of a model a day, firing or resolved.
        id_bytes: length of a prediction's id.
        name_bytes: length of a model's name.
        profile_bytes: length of the name of a profile.
    """

    models: int
    tables: int
    rows: int = 10_000
    features: int = 50
    cells: int = 1024
    window_days: float = 7
    labelled: float = 0.0
    apart: bool = True
    late: float = 0.05
    transitions: float = 0.1
    id_bytes: int = 36
    name_bytes: int = 16
    profile_bytes: int = 36

    @property
    def columns(self) -> int:
        """That are compared: the features and the score."""
        return self.features + 1

    @property
    def row_bytes(self) -> int:
        """Of the columns that counting reads: those that are compared, the model, the id and the time."""
        return 8 * self.columns + (STRING + self.name_bytes) + (STRING + self.id_bytes) + 8

    @property
    def label_bytes(self) -> int:
        """Of what a labelled prediction adds to each window: score, model, id and time; id, label and arrival."""
        return (8 + STRING + self.name_bytes + STRING + self.id_bytes + 8) + (STRING + self.id_bytes + 16)


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How the system goes about it.

    Attributes:
        name: for a heading.
        by_slots: whether windows are sums of slots; else each window is recounted.
        appended: whether results are appended a shard at a time; else merged a table and model at a time.
        on_transitions: whether a condition is written when it changes; else at every tick.
        series: of a model without labels in Cloud Monitoring.
    """

    name: str
    by_slots: bool
    appended: bool
    on_transitions: bool
    series: int


LABELLED_SERIES = 9
"""More series of a model with labels, as docs/dashboards.md lists them."""
BY_SLOTS = Design(name="by slots", by_slots=True, appended=True, on_transitions=True, series=11)
RECOUNTED = replace(BY_SLOTS, name="each window recounted", by_slots=False)
MERGED = replace(BY_SLOTS, name="by slots, results merged", appended=False, on_transitions=False, series=420)

STATED = (Workload(models=10, tables=1), Workload(models=1_000, tables=10), Workload(models=100_000, tables=100))
TARGETS = {10: 30.0, 1_000: 300.0, 100_000: 20_000.0}
"""Dollars a month that each may cost at most."""
