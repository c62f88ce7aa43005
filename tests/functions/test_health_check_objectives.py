"""The objective of a probe through the function: which checks count, once each, and what its metrics and its page say."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from core.events import Tick
from core.metrics import MetricKind
from core.metrics import check as in_catalogue
from core.settings import AlertRuleSettings, Maintenance
from core.settings.probes import ExpectBacklog, PubsubProbe
from functions.adapters.probes.sources import Sources
from functions.adapters.prometheus import Series
from functions.adapters.sqlite_store import SqliteStore
from functions.health_check.check import Outside, check
from functions.health_check.rules import RuleCheck
from tests.support.fakes.ports import Unused
from tests.support.servers.targets import http_probe

if TYPE_CHECKING:
    from tests.support.servers.targets import Web

pytest_plugins = ["tests.support.servers.target_fixtures"]
# No minute at which the alert rules are looked at as well.
AT = datetime(2026, 11, 30, 23, 57, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class World:
    """The function over a real store, with its metrics in memory."""

    store: SqliteStore
    probes: list[Any]
    maintenance: tuple[Maintenance, ...] = ()
    series: list[Series] = field(default_factory=list)
    gauges: dict[tuple[str, str], float] = field(default_factory=dict)
    published: list[Any] = field(default_factory=list)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        in_catalogue(name, MetricKind.GAUGE, labels)
        self.gauges[name.removeprefix("aia_probe_"), labels["probe"]] = value

    def publish(self, topic: str, event: Any, **attributes: str) -> None:
        self.published.append(event)

    def tick(self, minute: int) -> None:
        at = AT + minute * MINUTE
        self.gauges.clear()
        sources = Sources(query=Unused(), instant=lambda query, at: self.series, clock=lambda: at)
        rules = RuleCheck(settings=AlertRuleSettings(), rules=Unused(), ask=Unused())
        outside: Any = {"store": self.store, "bus": self, "metrics": self, "rules": rules, "sources": sources}
        outside |= {"probes": self.probes, "maintenance": self.maintenance}
        check(Tick(job="health_check", scheduled_at=at), Outside(**outside))

    def shown(self, name: str = "site") -> dict[str, Any] | None:
        document = self.store.get("probes", name)
        return None if document is None else document.data


@pytest.fixture
def world(web: "Web", tmp_path: Path) -> Iterator[World]:
    store = SqliteStore(str(tmp_path / "store.db"))
    yield World(store, [http_probe(web.url(), objective=99.9)])
    store.close()


def answers(web: "Web", status: int) -> None:
    web.routes["/"] = lambda handler: handler.reply(status)


def test_good_and_bad_checks_are_counted_once_each_however_often_the_tick_comes(world: World, web: "Web") -> None:
    for minute, status in ((1, 200), (2, 500), (2, 500), (1, 500)):
        answers(web, status)
        world.tick(minute)
        if minute == 2 and world.gauges:
            measured = dict(world.gauges)
    shown = world.shown()
    assert shown is not None
    assert shown["months"] == [{"month": "2026-11", "checks": 2, "good": 1}]
    assert (shown["month_availability"], shown["objective"]) == (0.5, pytest.approx(0.999))
    assert measured["good", "site"] == 0
    assert measured["objective_ratio", "site"] == pytest.approx(0.999)
    assert measured["availability_ratio", "site"] == 0.5
    assert measured["error_budget_ratio", "site"] == shown["budget"] == pytest.approx(1 - 1 / 43.2)


def test_a_new_month_has_a_whole_budget_and_the_last_one_stays(world: World, web: "Web") -> None:
    answers(web, 500)
    world.tick(2)
    answers(web, 200)
    world.tick(4)
    shown = world.shown()
    assert shown is not None
    assert shown["months"] == [
        {"month": "2026-11", "checks": 1, "good": 0},
        {"month": "2026-12", "checks": 1, "good": 1},
    ]
    assert (world.gauges["availability_ratio", "site"], world.gauges["error_budget_ratio", "site"]) == (1.0, 1.0)


def test_in_maintenance_a_check_is_made_and_does_not_count(world: World, web: "Web") -> None:
    window = Maintenance(name="release", targets=("probe/*",), start=AT + 2 * MINUTE, duration=MINUTE)
    world.maintenance = (window,)
    for minute, status in ((1, 200), (2, 500)):
        answers(web, status)
        world.tick(minute)
    assert world.gauges["up", "site"] == 0
    assert ("good", "site") not in world.gauges
    assert world.gauges["availability_ratio", "site"] == 1.0


def test_without_an_objective_there_are_no_metrics_of_it(world: World) -> None:
    world.probes = [replace(world.probes[0], objective=None)]
    world.tick(1)
    assert not {name for name, _ in world.gauges} & {"good", "objective_ratio", "error_budget_ratio"}
    shown = world.shown()
    assert shown is not None
    assert (shown["month_availability"], shown["budget"]) == (1.0, None)


def test_what_was_saved_by_an_older_version_is_continued(world: World) -> None:
    world.store.create("probes", "site", {"name": "site", "checked_at": AT, "history": [{"ok": True, "latency": 0.1}]})
    world.tick(1)
    shown = world.shown()
    assert shown is not None
    assert (len(shown["history"]), shown["months"][0]["checks"]) == (2, 1)


def test_a_limit_that_is_exceeded_is_a_finding_while_the_target_is_up(world: World) -> None:
    probe = PubsubProbe(
        name="queue",
        every=MINUTE,
        subscription="orders",
        objective=99.0,
        fail_after=2,
        expect=ExpectBacklog(messages=10),
    )
    world.probes, world.series = [probe], [Series(labels={}, values=(11.0,))]
    world.tick(1)
    world.tick(2)
    [finding] = world.published
    assert (finding.kind, finding.severity, finding.value, finding.threshold) == ("limit_exceeded", "warning", 11.0, 10)
    assert (world.gauges["up", "queue"], world.gauges["good", "queue"]) == (1.0, 0.0)
    assert (world.gauges["age_seconds", "queue"], world.gauges["backlog_messages", "queue"]) == (11.0, 11.0)


def test_a_probe_that_knows_nothing_of_its_target_is_neither_up_nor_down(world: World) -> None:
    probe = PubsubProbe(name="queue", every=MINUTE, subscription="orders", objective=99.0)
    world.probes = [probe]
    world.tick(1)
    assert (world.gauges, world.shown("queue")) == ({}, None)
    for minute in (2, 60, 62):
        world.tick(minute)
    assert [(finding.kind, finding.status) for finding in world.published] == [("no_verdict", "firing")]
