"""Alert rules without data: counted at ticks, told after the time of the settings, and shown; and what faults do to it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from core.alert_rules import AlertRule, of_answer
from core.errors import QueryError, UnavailableError
from core.events import Event, Finding, Tick
from core.settings import AlertRuleSettings, Settings
from functions.adapters.ports import Data
from functions.api.rules import LONGEST, Rules
from functions.health_check.rules import RuleCheck, check_rules
from functions.services.detection import Tracker
from tests.support.builders.budget import boundaries
from tests.support.crash.breaking import Breaking, KilledError, MemoryStore

AT = datetime(2026, 1, 2, 3, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RULES = (
    AlertRule(name="Up", area="probes", expr="aia_probe_up == 0"),
    AlertRule(name="Slow", area="probes", expr="max(aia_latency) / max(aia_probe_up) > 1"),
    AlertRule(name="Weekly", area="jobs", expr="increase(aia_jobs[8d]) > 5"),
    AlertRule(name="Never", area="jobs", expr="aia_other_system > 1"),
)
_ASKED = re.compile(r"count\(last_over_time\((\w+)\[(\d+)s\]\)\)")


@dataclass
class World(Breaking):
    """Prometheus with the newest value of each metric, and the rest in memory.

    Attributes:
        newest: by metric, until when it has values; None where it goes on.
        fault: of Prometheus.
    """

    newest: dict[str, datetime | None] = field(
        default_factory=lambda: {"aia_probe_up": None, "aia_latency": None, "aia_jobs": None}
    )
    fault: Exception | None = None
    published: list[Finding] = field(default_factory=list)
    settings: AlertRuleSettings = field(default_factory=AlertRuleSettings)
    rules: tuple[AlertRule, ...] = RULES

    @property
    def store(self) -> MemoryStore:
        return MemoryStore(self, revision=self.boundaries)

    def publish(self, topic: str, event: Event, **_: str) -> None:
        assert isinstance(event, Finding)
        self.boundary()
        self.published.append(event)
        self.boundary()

    def ask(self, query: str, at: int) -> list[Mapping[str, str]]:
        self.boundary()
        if self.fault:
            raise self.fault
        found = []
        for name, seconds in _ASKED.findall(query):
            newest = self.newest.get(name, AT - 1000 * DAY) or datetime.fromtimestamp(at, UTC)
            if newest.timestamp() > at - int(seconds):
                found.append({"metric": name, "within": seconds})
        return found

    def tick(self, at: datetime) -> None:
        check = RuleCheck(settings=self.settings, rules=lambda: self.rules, ask=self.ask)
        check_rules(check, Tick(job="health_check", scheduled_at=at), Tracker(self.store, self))

    def told(self) -> list[tuple[str, str]]:
        return list(dict.fromkeys((one.condition, one.status.value) for one in self.published))

    def shown(self, at: datetime) -> Data:
        return Rules(store=self.store, clock=lambda: at, settings=Settings(jobs={})).all()


def test_a_rule_that_loses_its_metric_is_told_after_the_time_of_the_settings_and_when_it_is_back() -> None:
    world = World(settings=AlertRuleSettings(no_verdict_after=2 * HOUR))
    world.tick(AT)
    world.newest["aia_latency"] = AT
    for minutes in range(5, 200, 5):
        world.tick(AT + minutes * MINUTE)
    [told] = world.published
    assert (told.target, told.kind, told.status, told.severity) == (
        "rules/probes",
        "no_verdict@rule/Slow",
        "firing",
        "warning",
    )
    assert "alert rule Slow cannot fire: no value of aia_latency (for 20 min)" in told.summary
    # 20 minutes until the metric counts as absent, two hours from then on.
    assert told.observed_at == AT + 20 * MINUTE + 2 * HOUR
    world.newest["aia_latency"] = None
    for minutes in range(200, 230, 5):
        world.tick(AT + minutes * MINUTE)
    assert world.told() == [(told.condition, "firing"), (told.condition, "resolved")]
    assert not [key for collection, key in world.documents if collection == "conditions" and "Slow" in key]


def test_a_metric_that_was_never_there_is_shown_as_not_known_and_not_told() -> None:
    world = World(settings=AlertRuleSettings(no_verdict_after=15 * MINUTE))
    for minutes in range(0, 120, 5):
        world.tick(AT + minutes * MINUTE)
    assert world.published == []
    shown = world.shown(AT + 2 * HOUR)
    assert shown["rules"] == 4
    assert shown["absent"] == [
        {
            "name": "Never",
            "area": "jobs",
            "metrics": ["aia_other_system"],
            "missed": False,
            "severity": "",
            "expected": False,
        }
    ]


def test_a_rule_over_days_waits_for_its_own_range() -> None:
    world = World(settings=AlertRuleSettings(no_verdict_after=HOUR))
    world.newest["aia_jobs"] = AT
    for hours in range(0, 24 * 9, 2):
        world.tick(AT + hours * HOUR)
    [told] = world.published
    assert told.observed_at >= AT + 8 * DAY + HOUR
    for hours in range(24 * 9, 24 * 20, 4):
        world.tick(AT + hours * HOUR)
    assert len(world.published) == 1, "that it was there is not forgotten after seven days"


@pytest.mark.parametrize("fault", [UnavailableError("Prometheus: does not answer"), QueryError("refuses the query")])
def test_prometheus_that_does_not_answer_is_one_finding_and_nothing_is_well(fault: Exception) -> None:
    world = World(settings=AlertRuleSettings(no_verdict_after=HOUR))
    world.tick(AT)
    world.fault = fault
    for minutes in range(5, 90, 5):
        world.tick(AT + minutes * MINUTE)
    [told] = world.published
    assert (told.target, told.kind) == ("rules/all", "no_verdict@rule/all")
    assert str(fault) in told.summary
    assert world.shown(AT + LONGEST)["absent"] is not None
    assert world.shown(AT + LONGEST + MINUTE)["absent"] is None
    world.fault = None
    world.tick(AT + 90 * MINUTE)
    assert world.told()[-1] == (told.condition, "resolved")
    assert world.shown(AT + 91 * MINUTE)["absent"] is not None


def test_no_rules_at_all_are_not_all_rules_with_data() -> None:
    world = World(settings=AlertRuleSettings(no_verdict_after=15 * MINUTE), rules=())
    for minutes in range(0, 30, 5):
        world.tick(AT + minutes * MINUTE)
    assert [one.target for one in world.published] == ["rules/all"]
    assert world.shown(AT + 30 * MINUTE)["absent"] is None


def test_nothing_was_checked_before_the_first_tick() -> None:
    assert World().shown(AT) == {"checked_at": None, "rules": None, "absent": None}


@pytest.mark.parametrize("change", ["unused", "removed"])
def test_a_rule_that_is_not_wanted_any_more_is_resolved(change: str) -> None:
    world = World(settings=AlertRuleSettings(no_verdict_after=15 * MINUTE))
    world.newest["aia_latency"] = AT - HOUR
    for minutes in range(0, 30, 5):
        world.tick(AT + minutes * MINUTE)
    assert len(world.published) == 1
    if change == "unused":
        world.settings = AlertRuleSettings(unused=("Slow",))
    else:
        world.rules = tuple(rule for rule in RULES if rule.name != "Slow")
    for minutes in (30, 35, 40):
        world.tick(AT + minutes * MINUTE)
    assert [status for _, status in world.told()] == ["firing", "resolved"]
    assert not [key for collection, key in world.documents if collection == "conditions" and "Slow" in key]


def test_it_is_asked_every_five_minutes_and_an_older_tick_replaces_nothing() -> None:
    world = World()
    world.tick(AT + 3 * MINUTE)
    assert world.documents == {}
    world.newest["aia_latency"] = AT - DAY
    world.tick(AT + 10 * MINUTE)
    world.newest["aia_latency"] = None
    world.tick(AT + 5 * MINUTE)
    shown = world.shown(AT + 11 * MINUTE)
    assert shown["checked_at"] == AT + 10 * MINUTE
    assert [one["name"] for one in shown["absent"] if one["missed"]] == ["Slow"]


def test_wherever_a_tick_ends_the_same_is_told() -> None:
    def story(kill: Callable[[World], None]) -> World:
        world = World(settings=AlertRuleSettings(no_verdict_after=15 * MINUTE))
        world.newest["aia_latency"] = AT - HOUR
        for minutes in range(0, 40, 5):
            if minutes == 30:
                world.newest["aia_latency"] = None
            kill(world)
            try:
                world.tick(AT + minutes * MINUTE)
            except KilledError:
                world.dead, world.kill_at = False, 0
                world.tick(AT + minutes * MINUTE)
        return world

    whole = story(lambda _: None)
    assert [status for _, status in whole.told()] == ["firing", "resolved"]
    at = partial(setattr)
    for boundary in boundaries(whole.boundaries - 1):
        broken = story(lambda world, boundary=boundary: at(world, "kill_at", boundary))  # type: ignore[misc] # bound now
        assert broken.told() == whole.told(), boundary
        assert broken.shown(AT + HOUR) == whole.shown(AT + HOUR)


def test_the_check_itself_costs_no_write_while_it_answers() -> None:
    world = World()
    world.tick(AT)
    before = {key: document.revision for key, document in world.documents.items()}
    world.tick(AT + 5 * MINUTE)
    changed = {key for key, document in world.documents.items() if before.get(key) != document.revision}
    assert changed == {("alert_rules", "all")}
    assert of_answer(None, AT, world.settings).spec.key not in {key for _, key in world.documents}
