"""Brings a stack up to now: publishes what the model has logged, and the ticks that fell due, in order."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from google.cloud import bigquery, pubsub_v1

from core.errors import UnavailableError
from core.events import Tick, stamp
from core.ledger import State
from functions.adapters.bus import open_bus
from functions.adapters.ports import Warehouse
from functions.adapters.publishing import Message
from functions.adapters.store import open_store
from functions.bi_rollup import figures, record
from infra.local import business_points
from infra.local.experience_points import experience_points
from infra.local.pipeline_points import pipeline_points
from infra.local.prometheus import HistoryPoint
from infra.local.replay import Replay, load_orders, load_reference, publish
from infra.local.replay.history import MODEL
from infra.local.replay.weblog import Feed
from infra.local.runs import run_of

_CHUNK = timedelta(days=14)
_TICK_EVERY = timedelta(days=1)
WINDOW = timedelta(days=7)
"""The longest window in the settings: so much lies before the first tick, so that its window is whole."""
_LAST_TICK_EVERY = timedelta(minutes=15)
_MEASURED_EVERY = timedelta(minutes=5)
BATCHES = "replay-batch"
"""The pipeline that a batch of history is a run of."""
BUSINESS_DAYS = 7
"""So far back the business is measured day by day, but over a third of the days at most; forecasts of the weeks before are
made by the first of them."""
_PATIENCE_SECONDS = 120.0
_TABLES = (
    ("flight_predictions", "prediction_id", "scored_at"),
    ("flight_labels", "prediction_id", "arrived_at"),
    ("orders", "order_id", "ordered_at"),
)
"""What is published: the tables, what tells their rows apart, and the instant that a row is about."""


class StalledError(Exception):
    """Something did not happen in time; the message says what."""


@dataclass(kw_only=True)
class CatchUp:
    """Publishes history to a running stack.

    Attributes:
        replay: what is published, and how far it has come.
        project: of the stack.
        warehouse: where the history is.
        days: how far back the first tick lies, at most.
        batches: the runs that the batches of history were.
        visitors: of a website, reported beside it.
    """

    replay: Replay
    project: str
    warehouse: Warehouse
    days: int
    batches: list[str] = field(init=False, default_factory=list)
    visitors: Feed

    def __post_init__(self) -> None:
        self._publisher = pubsub_v1.PublisherClient()
        self._bus = open_bus(self.project)
        self._store = open_store(os.environ["AIA_STORE"], self.project)

    def load_reference(self) -> None:
        """Load what the model was trained on, and the orders before the replay, once."""
        client = bigquery.Client(project=self.project)
        load_reference(client, self.replay.history)
        load_orders(client, self.replay.orders, self.replay.began)

    def run(self, now: datetime, progress: Callable[[datetime], None]) -> tuple[datetime, ...]:
        """Publish everything until `now`.

        Args:
            now: the present.
            progress: told how far the history has come.

        Returns:
            The instants that were scored, oldest first.

        Raises:
            StalledError: rows or scores did not appear in time.
        """
        scored: list[datetime] = []
        due = list(self._ticks(now))
        if due and (start := due[0] - WINDOW) < self.replay.published_until:
            # An earlier run stopped after publishing and before scoring; its rows may still be on their way.
            self._await_landed(max(start, self.replay.history.reference.end), self.replay.published_until)
        while (start := self.replay.published_until) < now:
            end = min(now, start + _CHUNK)
            with run_of(self._bus, BATCHES) as batch:
                self.batches.append(batch.event.run_id)
                with batch.stage("publish"):
                    self.replay.advance(end, self._send)
                with batch.stage("land"):
                    self._await_landed(start, end)
                with batch.stage("score"):
                    while due and due[0] <= end:
                        self._tick(due[0], now)
                        scored.append(due.pop(0))
                        progress(scored[-1])
            progress(end)
        self._visit(now)
        return tuple(scored)

    def follow(self, now: datetime) -> None:
        """Publish what has become due since."""
        self.replay.advance(now, self._send)
        self.visitors.advance(now, self._send)

    def _visit(self, now: datetime) -> None:
        """Publish what visitors reported of late, and return when it is in the warehouse."""
        start = self.visitors.until
        expected = self.visitors.advance(now, self._send)
        what = f"{expected} rows in telemetry.experience from {start.isoformat()} to {now.isoformat()}"
        _await(what, lambda: self._count("experience", "event_id", "observed_at", start, now) >= expected)

    def measure(self, now: datetime) -> None:
        """Have the mean times of incidents measured now: the next sweep that measures them may be five minutes away."""
        tick = Tick(job="incident_sweep", scheduled_at=_floor(now, _MEASURED_EVERY))
        self._bus.publish("ticks", tick, job=tick.job)

    def _ticks(self, now: datetime) -> Iterator[datetime]:
        """Daily at midnight, and the last quarter of an hour; nothing that was scored before."""
        done = self._newest_scored()
        first = done or max(self.replay.history.reference.end, _floor(now, _TICK_EVERY) - timedelta(days=self.days + 1))
        at = _floor(first, _TICK_EVERY) + _TICK_EVERY
        while at <= now:
            yield at
            at += _TICK_EVERY
        last = _floor(now, _LAST_TICK_EVERY)
        if last > max(first, at - _TICK_EVERY):
            yield last

    def _newest_scored(self) -> datetime | None:
        sql = "SELECT MAX(window_end) AS newest FROM ops.drift_scores WHERE model = @model"
        newest: datetime | None = self.warehouse.query(sql, model=MODEL)[0]["newest"]
        return newest

    def _send(self, messages: Iterable[Message]) -> int:
        return publish(messages, self._publisher, f"projects/{self.project}/topics/telemetry")

    def _await_landed(self, start: datetime, end: datetime) -> None:
        """Return when everything that was logged between two instants is in the warehouse."""
        expected = Counter(message.attributes["table"] for message in self.replay.messages(start, end))
        for table, row, column in _TABLES:
            what = f"{expected[table]} rows in telemetry.{table} from {start.isoformat()} to {end.isoformat()}"
            _await(what, lambda: self._count(table, row, column, start, end) >= expected[table])  # noqa: B023 - called before the next

    def _count(self, table: str, row: str, column: str, start: datetime, end: datetime) -> int:
        # What is delivered twice counts once, or a row that is still on its way would not be waited for.
        sql = f"SELECT COUNT(DISTINCT {row}) AS n FROM telemetry.{table} WHERE {column} >= @start AND {column} < @end"  # noqa: S608 - constants
        return int(self.warehouse.query(sql, start=start, end=end)[0]["n"])

    def _tick(self, at: datetime, now: datetime) -> None:
        """The tick of an instant; the business is measured beside the model, some days back, and is done with its record."""
        measured = timedelta(days=min(BUSINESS_DAYS, max(1, self.days // 3)))
        jobs = ["drift_score", *(["bi_rollup"] if at > now - measured else [])]
        for job in jobs:
            self._bus.publish("ticks", Tick(job=job, scheduled_at=at), job=job)
        _await(f"the score of {MODEL} for {at.isoformat()}", lambda: self._done(f"drift_score:{MODEL}:{stamp(at)}"))
        if "bi_rollup" in jobs:
            _await(f"the business of {at.isoformat()}", lambda: self._recorded(at))

    def _done(self, key: str) -> bool:
        entry = self._store.get("ledger", key)
        return entry is not None and entry.data["state"] == State.DONE

    def _recorded(self, at: datetime) -> bool:
        """Whether the last part of the business has been made since the beginning of a day."""
        made = figures.load(self._store, record.NAME)
        return made is not None and made.due >= _floor(at, _TICK_EVERY)


def points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    """What the scores, the measures, the business and the visitors of the past would have written as metrics."""
    yield from _drift_points(warehouse)
    yield from _prediction_points(warehouse)
    yield from _performance_points(warehouse)
    yield from _quality_points(warehouse)
    yield from _version_points(warehouse)
    yield from pipeline_points(warehouse)
    yield from business_points.points(warehouse)
    yield from experience_points(warehouse)


def _drift_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    sql = (
        "SELECT DISTINCT model, feature, test, value, p_value, drifted, n_current, window_end FROM ops.drift_scores"
        " WHERE role != 'prediction'"
    )
    shares: dict[tuple[str, datetime], dict[str, bool]] = {}
    for row in warehouse.query(sql):
        at, model, feature = row["window_end"], row["model"], row["feature"]
        yield HistoryPoint(name="aia_drift_rows", labels={"model": model}, at=at, value=row["n_current"])
        for name, labels in (
            ("aia_drift_scored_timestamp_seconds", {"model": model}),
            ("aia_heartbeat_timestamp_seconds", {"function": "drift_score"}),
        ):
            yield HistoryPoint(name=name, labels=labels, at=at, value=at.timestamp())
        if feature:
            shares.setdefault((model, at), {})[feature] = row["drifted"]
            labels = {"model": model, "feature": feature}
            yield HistoryPoint(name="aia_drift_drifted", labels=labels, at=at, value=float(row["drifted"]))
            for name in ("value", "p_value"):
                if row[name] is not None:
                    tested = labels | {"test": row["test"]}
                    yield HistoryPoint(name=f"aia_drift_{name}", labels=tested, at=at, value=row[name])
    for (model, at), drifted in shares.items():
        share = sum(drifted.values()) / len(drifted)
        yield HistoryPoint(name="aia_drift_features_drifted_ratio", labels={"model": model}, at=at, value=share)


def _prediction_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    sql = "SELECT DISTINCT model, test, value, drifted, window_end FROM ops.drift_scores WHERE role = 'prediction'"
    for row in warehouse.query(sql):
        labels, at = {"model": row["model"]}, row["window_end"]
        yield HistoryPoint(name="aia_prediction_drift_drifted", labels=labels, at=at, value=float(row["drifted"]))
        labels = labels | {"test": row["test"]}
        yield HistoryPoint(name="aia_prediction_drift_value", labels=labels, at=at, value=row["value"])


def _performance_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    sql = "SELECT DISTINCT model, measure, value, expected, window_end FROM ops.model_performance"
    for row in warehouse.query(sql):
        labels, at, measure = {"model": row["model"]}, row["window_end"], row["measure"]
        named = {"aia_model_accuracy_ratio": "value", "aia_model_accuracy_expected_ratio": "expected"}
        for name, column in named.items() if measure == "accuracy" else ():
            if row[column] is not None:
                yield HistoryPoint(name=name, labels=labels, at=at, value=row[column])
        if row["value"] is not None:
            yield HistoryPoint(
                name="aia_model_measure_value", labels=labels | {"measure": measure}, at=at, value=row["value"]
            )


def _quality_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    for row in warehouse.query("SELECT DISTINCT model, flaw, issues, window_end FROM ops.data_quality"):
        labels = {"model": row["model"], "flaw": row["flaw"]}
        yield HistoryPoint(
            name="aia_data_quality_issues", labels=labels, at=row["window_end"], value=float(row["issues"])
        )


def _version_points(warehouse: Warehouse) -> Iterator[HistoryPoint]:
    sql = (
        "SELECT DISTINCT scores.model, scores.version, scores.window_end, used.created_at"
        " FROM ops.drift_scores AS scores JOIN ops.model_versions AS used USING (model, version)"
    )
    for row in warehouse.query(sql):
        labels, since = {"model": row["model"], "version": row["version"]}, row["created_at"].timestamp()
        name = "aia_model_version_timestamp_seconds"
        yield HistoryPoint(name=name, labels=labels, at=row["window_end"], value=since)


def _floor(instant: datetime, step: timedelta) -> datetime:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    return epoch + (instant - epoch) // step * step


def _await(what: str, happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    why = ""
    while True:
        try:
            if happened():
                return
        except UnavailableError as error:  # a program that died is started again meanwhile
            why = f"; {error}"
        if time.monotonic() > deadline:
            raise StalledError(f"{what}: did not appear within {_PATIENCE_SECONDS:.0f} s{why}")
        time.sleep(0.02)
