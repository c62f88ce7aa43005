"""What becomes of a tick of capacity: verdicts and findings, forecasts with their errors, proposals, and what the page shows.

That it is repaired after a crash and has the effect of once is tested for every function in `test_every_function.py`.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.detection import Outcome
from core.errors import QueryError, UnavailableError
from core.events import Severity, Status, Tick
from core.incidents.policy import classify
from core.settings import CapacitySettings, Category, Crosses, Scaling
from functions.adapters.ports import Data
from functions.adapters.prometheus import Series
from functions.api.capacity import Capacity
from functions.capacity.watch import TABLE, Outside, watch
from infra import stage
from tests.support.crash.breaking import MemoryMetrics
from tests.support.fakes.capacity import RESOURCE, Leak
from tests.support.fakes.detector import Outside as Published

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
STEP = timedelta(minutes=5)


@dataclass
class Rows:
    """The warehouse."""

    rows: list[Data] = field(default_factory=list)

    def query(self, sql: str, **_: Any) -> list[Data]:
        raise AssertionError(sql)

    def append(self, table: str, rows: Any, *, together: str = "") -> None:
        assert table == TABLE
        self.rows += rows


@dataclass
class Story:
    """Ticks over an outside in memory."""

    settings: CapacitySettings = field(default_factory=lambda: CapacitySettings(resources=(RESOURCE,)))
    memory: Any = field(default_factory=lambda: Leak(since=int(AT.timestamp())))
    rows: Rows = field(default_factory=Rows)
    outside: Published = field(default_factory=Published)

    def tick(self, *numbers: int) -> "Story":
        for number in numbers:
            ports = Outside(
                settings=self.settings,
                prometheus=self.memory,
                warehouse=self.rows,
                store=self.outside.store,
                bus=self.outside,
                metrics=MemoryMetrics(self.outside),
            )
            watch(Tick(job="capacity", scheduled_at=AT + number * STEP), ports)
        return self

    @property
    def shown(self) -> Data:
        [one] = Capacity(self.outside.store).all()
        return one

    @property
    def findings(self) -> list[tuple[str, Status, Severity]]:
        return [(one.condition, one.status, one.severity) for one in self.outside.published]


def test_a_leak_is_a_finding_before_the_limit_is_reached_and_an_error_at_it() -> None:
    story = Story().tick(0)
    [finding] = story.outside.published
    assert (finding.condition, finding.severity) == ("service/api:capacity_limit_api_memory", Severity.WARNING)
    assert finding.summary == "api-memory: reaches 100 bytes within 45 min, 80% sure; now 95 bytes"
    assert story.shown["forecast"]["minutes"] == 45
    story.tick(9)
    assert story.findings[1:] == [("service/api:capacity_limit_api_memory", Status.FIRING, Severity.ERROR)]
    story.memory = Leak(value=50.0, slope=0.0)
    assert story.tick(10).findings[2][1] is Status.RESOLVED


def test_a_forecast_is_a_row_and_a_second_one_with_its_error_when_its_hour_is_over() -> None:
    story = Story().tick(0)
    [row] = story.rows.rows
    assert (row["id"], row["error"], len(row["middle"])) == ("api-memory:2026-03-01T12:00:00Z", None, 12)
    story.tick(6)
    assert len(story.rows.rows) == 2
    story.tick(12)
    ended, made = story.rows.rows[2:]
    assert (ended["id"], ended["middle"]) == (row["id"], row["middle"])
    assert ended["error"] == pytest.approx(0.0, abs=0.2)
    assert ended["persistence_error"] == pytest.approx(0.6 * 6.5)
    assert made["forecast_at"] == AT + 12 * STEP
    assert story.shown["last_error"]["error"] == ended["error"]


def test_a_row_fits_its_table() -> None:
    table = json.loads((stage.ROOT / "infra" / "tables" / f"{TABLE}.json").read_text())["schema"]
    for row in Story().tick(0, 12).rows.rows:
        assert set(row) == {column["name"] for column in table}
        assert [
            column["name"] for column in table if column["mode"] == "REQUIRED" and row[column["name"]] is None
        ] == []
        assert all(isinstance(row[one["name"]], list) == (one["mode"] == "REPEATED") for one in table)


def test_a_late_tick_scores_each_forecast_by_its_own_hour() -> None:
    story = Story().tick(0, 1)
    story.tick(30)
    ended = [row for row in story.rows.rows if row["error"] is not None]
    assert [row["forecast_at"] for row in ended] == [AT, AT + STEP]
    assert [row["persistence_error"] for row in ended] == pytest.approx([0.6 * 6.5] * 2)


def test_an_older_tick_and_the_same_one_change_nothing() -> None:
    story = Story().tick(0, 3)
    documents, rows, findings = dict(story.outside.documents), list(story.rows.rows), list(story.findings)
    story.tick(3, 1, 0)
    assert (dict(story.outside.documents), story.rows.rows, story.findings) == (documents, rows, findings)


@pytest.mark.parametrize(
    ("memory", "reason"),
    [
        (Leak(down=True), "no_answer"),
        (Leak(more=1), "no_answer"),
        (Leak(unknown=12), "too_few_values"),
        (Leak(unknown=2000, slope=0.0), "too_few_values"),
        (Leak(value=1e308, slope=1e305), "too_few_values"),
    ],
)
def test_what_is_not_known_is_no_finding_and_no_all_clear(memory: Leak, reason: str) -> None:
    story = Story().tick(0)
    story.memory = memory
    story.tick(1)
    assert (story.shown["outcome"], story.shown["reason"]) == (Outcome.NOT_KNOWN.value, reason)
    assert len(story.findings) == 1
    assert story.shown["forecast"] is None
    assert story.shown["proposal"]["reason"] == "not_known"


def test_a_proposal_is_shown_with_its_price_and_waits_for_the_cooldown() -> None:
    story = Story().tick(0)
    proposal = story.shown["proposal"]
    assert (proposal["replicas"], proposal["proposed"], proposal["reason"]) == (2, 3, "more_needed")
    assert proposal["dollars_per_hour"] == 0.5
    assert story.outside.gauges["aia_capacity_proposed_replicas", "api-memory"] == 3
    proposal = story.tick(1).shown["proposal"]
    assert (proposal["proposed"], proposal["reason"], proposal["scaled_at"]) == (2, "cooldown", AT)
    assert story.tick(6).shown["proposal"]["reason"] == "more_needed"


@pytest.mark.parametrize("answer", [[], [None], [0.0], [-3.0], [1e300], [2.0, 2.0]])
def test_a_number_of_replicas_that_can_be_none_is_not_known_and_nothing_is_proposed(answer: list[float | None]) -> None:
    @dataclass
    class Odd(Leak):
        def instant(self, query: str, *, at: int) -> list[Series]:
            return [Series(labels={}, values=(value,)) for value in answer]

    story = Story(memory=Odd(since=int(AT.timestamp()))).tick(0)
    proposal = story.shown["proposal"]
    assert (proposal["reason"], proposal["proposed"], proposal["needed"]) == ("not_known", None, None)
    assert ("aia_capacity_proposed_replicas", "api-memory") not in story.outside.gauges


def test_replicas_that_are_not_needed_for_an_hour_are_a_finding_of_costs_where_that_is_asked_for() -> None:
    wasteful = replace(RESOURCE, scaling=replace(RESOURCE.scaling or Scaling(replicas="replicas"), scale_in=True))
    idle = Leak(value=20.0, slope=0.0)
    story = Story(settings=CapacitySettings(resources=(wasteful,)), memory=idle).tick(*range(11))
    assert story.findings == []
    story.tick(11, 12)
    [found] = story.outside.published
    assert (found.condition, found.severity) == ("service/api:replica_cost_api_memory", Severity.INFO)
    assert found.summary == "api-memory: 2 replicas, 1 needed in the next hour"
    assert classify(found.target, found.kind, found.source, found.severity).category is Category.COST
    story.memory = Leak(value=95.0, slope=0.6)
    assert ("service/api:replica_cost_api_memory", Status.RESOLVED, Severity.INFO) in story.tick(13).findings
    silent = Story(memory=idle).tick(*range(13))
    assert silent.findings == []


def test_gauges_are_shares_of_the_limit() -> None:
    gauges = Story().tick(0).outside.gauges
    assert gauges["aia_capacity_usage_ratio", "api-memory"] == pytest.approx(0.95)
    assert gauges["aia_capacity_forecast_usage_ratio", "api-memory", "middle"] == pytest.approx(1.02, abs=0.01)
    assert gauges["aia_capacity_crossing_probability_ratio", "api-memory"] > 0.9


@dataclass
class Burst:
    """A metric with two series, one of which is unusual from an instant on for half an hour."""

    since: int

    def instant(self, query: str, *, at: int) -> list[Series]:
        return []

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        steps = range(start, end + 1, step)
        usual = [float(place % 3) for place in range(len(steps))]
        burst = [90.0 if 0 <= at - self.since < 1800 else value for at, value in zip(steps, usual, strict=True)]
        return [Series(labels={"probe": "a"}, values=tuple(usual)), Series(labels={"probe": "b"}, values=tuple(burst))]


def test_an_anomaly_is_one_finding_that_ends_an_hour_after_it() -> None:
    anomalies = CapacitySettings(anomalies=("aia_probe_latency_seconds",))
    story = Story(settings=anomalies, memory=Burst(int(AT.timestamp()))).tick(-1)
    assert story.findings == []
    story.tick(0, 0, 1, 2)
    [finding] = story.outside.published
    assert finding.condition == "metric/aia_probe_latency_seconds:metric_anomaly"
    assert finding.summary == 'aia_probe_latency_seconds{probe="b"}: high value'
    story.tick(*range(3, 40))
    assert [status for _, status, _ in story.findings] == [Status.FIRING, Status.RESOLVED]


def test_what_is_left_of_something_is_forecast_as_well() -> None:
    free = replace(RESOURCE, crosses=Crosses.BELOW, limit=10.0, scaling=None)
    settings = CapacitySettings(resources=(free,))
    story = Story(settings=settings, memory=Leak(value=14.0, slope=-0.6)).tick(0)
    assert (story.shown["reason"], story.shown["forecast"]["minutes"]) == ("crossing_predicted", 35)
    assert story.outside.gauges["aia_capacity_usage_ratio", "api-memory"] == pytest.approx(10 / 14)
    assert story.shown["proposal"] is None


def test_one_resource_that_is_not_answered_does_not_keep_the_others_from_being_judged() -> None:
    @dataclass
    class Half(Leak):
        def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
            if query == "other":
                raise QueryError("Prometheus: refuses the query")
            return super().range(query, start=start, end=end, step=step)

    other = replace(RESOURCE, name="api-other", query="other")
    story = Story(settings=CapacitySettings(resources=(other, RESOURCE)), memory=Half()).tick(0)
    shown = {one["name"]: one["reason"] for one in Capacity(story.outside.store).all()}
    assert shown == {"api-other": "no_answer", "api-memory": "crossing_predicted"}
    assert [condition for condition, _, _ in story.findings] == ["service/api:capacity_limit_api_memory"]


def test_while_prometheus_does_not_answer_a_tick_waits_for_few_questions_and_nothing_is_known() -> None:
    @dataclass
    class Silent:
        asked: int = 0

        def instant(self, query: str, *, at: int) -> list[Series]:
            self.asked += 1
            raise UnavailableError("Prometheus: does not answer within 6 s")

        def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
            return self.instant(query, at=end)

    many = tuple(replace(RESOURCE, name=f"api-{number}") for number in range(50))
    story = Story(settings=CapacitySettings(resources=many), memory=Silent()).tick(0)
    assert {one["outcome"] for one in Capacity(story.outside.store).all()} == {"not_known"}
    assert story.memory.asked == 3
