"""The data of an experiment, read as sums: pairs of predictions, outcomes by arm, latency and errors by version."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from core.business.interval import Interval
from core.experiments import (
    Arms,
    Assigned,
    Bar,
    Differences,
    Levels,
    Pairs,
    Snapshot,
    Stage,
    Sums,
    evidence,
    monthly,
)
from core.measures import Better
from core.promotion import PromotionStage, PromotionState, Split
from core.settings import Label, Mode, Model, Promotion, Task, UnitOutcome
from core.settings.promotion import ALL_TRAFFIC, OF_BUSINESS, OF_SERVICE
from functions.adapters.ports import Data, Warehouse

_TEXTS = {path.stem: path.read_text().rstrip() for path in Path(__file__).parent.glob("*.sql")}
MONTH = timedelta(days=30)
_DAY = timedelta(days=1)
_VALUES = {
    Task.BINARY: (
        "IF((predictions.score >= {decision}) = (SAFE_CAST(labels.truth AS INT64) = 1), 1.0, 0.0)",
        "IF((shadows.score >= {decision}) = (SAFE_CAST(labels.truth AS INT64) = 1), 1.0, 0.0)",
    ),
    Task.MULTICLASS: (
        "IF(CAST(predictions.predicted AS STRING) = CAST(labels.truth AS STRING), 1.0, 0.0)",
        "IF(shadows.predicted = CAST(labels.truth AS STRING), 1.0, 0.0)",
    ),
    Task.REGRESSION: ("ABS(predictions.score - labels.truth)", "ABS(shadows.score - labels.truth)"),
}
"""What is compared of champion and challenger: whether it is right, or its absolute error."""
Rows = Mapping[str, Data]
"""The sums of a stage, by version."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """Reads the data of one experiment.

    Attributes:
        warehouse: where they are.
        model: whose versions are compared.
        policy: of the model.
        time_zone: of the days of the business.
    """

    warehouse: Warehouse
    model: Model
    policy: Promotion
    time_zone: str

    def snapshot(self, state: PromotionState, at: datetime) -> Snapshot:
        """The data up to an instant.

        Raises:
            QueryError: the warehouse refuses; the message names the table or column that is missing.
            UnavailableError: the warehouse does not answer.
        """
        began_at = state.began_at if state.stage is PromotionStage.COMPARISON else None
        stages = self._service(state, at) if self.policy.guard_rails.keys() & OF_SERVICE else []
        service = {outcome: _arms(outcome, stages, state) for outcome in OF_SERVICE} if stages else {}
        if self.policy.mode is Mode.SHADOW:
            return Snapshot(at=at, began_at=began_at, measure=self._pairs(state, at), guard_rails=service)
        arms = [(split, self._customers(state, *days)) for split, days in self._days(state, at)]
        business = {outcome: _arms(outcome, [rows for _, rows in arms], state) for outcome in OF_BUSINESS}
        return Snapshot(
            at=at,
            began_at=began_at,
            measure=business[self.policy.outcome],
            guard_rails=service | business,
            assigned=tuple(_assigned(split, rows, state) for split, rows in arms if 0 < split.share < ALL_TRAFFIC),
        )

    def dollars(self, snapshot: Snapshot) -> Interval | None:
        """Dollars a month with the challenger in place of the champion; None where it is not known. Raises as `snapshot` does."""
        revenue = snapshot.guard_rails.get(UnitOutcome.REVENUE)
        if revenue is None:
            return None
        levels = Levels.of(self.policy.alpha, len(self.policy.guard_rails))
        found = evidence(revenue, Bar(), levels, planned=self.policy.maximum)
        until = self._day(snapshot.at)
        given = {"model": self.model.name, "since": until - MONTH, "until": until}
        [row] = self.warehouse.query(_TEXTS["customers_of_month"], **given)
        return monthly(found, row["customers"] or None, least=self.policy.minimum)

    def _pairs(self, state: PromotionState, at: datetime) -> Pairs | Differences:
        """Pairs of predictions while the champion alone answers; later ones may be of either version."""
        label = self.model.label
        if label is None or state.share:
            return _paired({}, self.model.task)
        given = {"model": self.model.name, "challenger": state.challenger, "since": state.compared_from, "at": at}
        [row] = self.warehouse.query(shadow_pairs(self.model, label), **given, until=at - label.arrives_within)
        return _paired(row, self.model.task)

    def _service(self, state: PromotionState, at: datetime) -> list[Rows]:
        return [self._read("service_outcomes", state, "version", split.at, until) for split, until in _spans(state, at)]

    def _customers(self, state: PromotionState, since: datetime, until: datetime) -> Rows:
        return self._read("arm_outcomes", state, "arm", since, until) if since < until else {}

    def _read(self, name: str, state: PromotionState, by: str, since: datetime, until: datetime) -> Rows:
        versions = {"champion": state.champion, "challenger": state.challenger}
        rows = self.warehouse.query(_TEXTS[name], model=self.model.name, **versions, since=since, until=until)
        return {row[by]: row for row in rows}

    def _days(self, state: PromotionState, at: datetime) -> Iterator[tuple[Split, tuple[datetime, datetime]]]:
        """Each split with its whole days; a day in which the split changed belongs to none."""
        for split, until in _spans(state, at):
            yield split, (self._day(split.at) + _DAY, self._day(until))

    def _day(self, at: datetime) -> datetime:
        """The local day of an instant, as the table of customers has it."""
        return datetime.combine(at.astimezone(ZoneInfo(self.time_zone)).date(), time(), UTC)


def shadow_pairs(model: Model, label: Label) -> str:
    """The statement with the tables and columns of the settings; `model`, `challenger`, `since`, `until` and `at` are given."""
    champion, challenger = (text.format(decision=model.decision) for text in _VALUES[model.task])
    return _TEXTS["shadow_pairs"].format(
        table=_quoted(model.table),
        timestamp=_quoted(model.timestamp),
        id=_quoted(model.id),
        score=_quoted(model.score),
        predicted=_quoted(model.predicted) if model.predicted else "NULL",
        label=_quoted(label.column),
        label_table=_quoted(label.table),
        champion=champion,
        challenger=challenger,
    )


def _spans(state: PromotionState, at: datetime) -> Iterator[tuple[Split, datetime]]:
    """Each split with its end."""
    ends = (*state.splits, Split(at=max(at, state.splits[-1].at), share=0))
    return ((split, after.at) for split, after in pairwise(ends))


def _paired(row: Data, task: Task) -> Pairs | Differences:
    if task is Task.REGRESSION:
        sums = Sums(n=row.get("n", 0), total=row.get("total", 0.0), squares=row.get("squares", 0.0))
        return Differences(sums=sums, better=Better.LOWER)
    n, wins, losses = (row.get(name, 0) for name in ("n", "wins", "losses"))
    return Pairs(wins=wins, losses=losses, ties=n - wins - losses)


def _arms(outcome: UnitOutcome, stages: Sequence[Rows], state: PromotionState) -> Arms:
    sums = _SUMS[outcome]
    return Arms(
        stages=tuple(
            Stage(champion=sums(rows.get(state.champion, _NONE)), challenger=sums(rows.get(state.challenger, _NONE)))
            for rows in stages
        ),
        better=outcome.better,
        binary=outcome.binary,
    )


def _assigned(split: Split, rows: Rows, state: PromotionState) -> Assigned:
    champion, challenger = (rows.get(version, _NONE)["customers"] for version in (state.champion, state.challenger))
    return Assigned(champion=champion, challenger=challenger, share=split.share / ALL_TRAFFIC)


_NONE: Data = dict.fromkeys(("customers", "buyers", "timed", "known", "failures"), 0) | dict.fromkeys(
    ("dollars", "squares", "seconds"), 0.0
)
_SUMS: Mapping[UnitOutcome, Callable[[Data], Sums]] = {
    UnitOutcome.CONVERSION: lambda row: Sums.of_rate(row["customers"], row["buyers"]),
    UnitOutcome.REVENUE: lambda row: Sums(n=row["customers"], total=row["dollars"], squares=row["squares"]),
    UnitOutcome.LATENCY: lambda row: Sums(n=row["timed"], total=row["seconds"], squares=row["squares"]),
    UnitOutcome.ERROR_RATE: lambda row: Sums.of_rate(row["known"], row["failures"]),
}


def _quoted(path: str) -> str:
    return ".".join(f"`{part}`" for part in path.split("."))
