"""Reports that are due: each to each channel once, whatever is delivered twice, killed in between, down, or not complete yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import msgspec
import pytest

from core.errors import LimitedError, PoisonError, QueryError, RefusedError, UnavailableError
from core.events import Command, Tick, Verb
from core.incidents.measured import MeasuredLoss
from core.incidents.model import Impact, OrdersAtRisk, State
from core.reports.message import ReportMessage
from core.reports.weeks import week_of
from core.settings import Business, ModelReturn, ReportSchedule, Returns, Settings, parse
from core.settings.channels import ConsoleChannel, PagerdutyChannel
from functions.adapters.ledger import LEASE, Ledger
from functions.adapters.notify.channel import DeliveryOutcome, Receipt
from functions.adapters.ports import Data
from functions.bi_rollup.reports import Handler, read
from functions.runtime.endpoint import TickResult
from functions.runtime.push import read_push
from functions.services.incidents.documents import LOSSES, loss_data
from functions.services.reports.archive import COLLECTION, TEXTS, Archive
from functions.services.reports.read import STATEMENTS, Reader
from functions.services.reports.service import ReportMaker, ReportSender
from functions.services.rollups import COLLECTION as ROLLUPS
from tests.support.builders.budget import boundaries
from tests.support.builders.business import ORDERS
from tests.support.builders.reports import HOUR, WEEK, incident, rows
from tests.support.crash.breaking import Breaking, KilledError, MemoryMetrics, MemoryStore
from tests.support.fakes.ports import push

DUE = datetime(2026, 11, 23, 8, tzinfo=UTC)
FIVE = timedelta(minutes=5)
ROWS = rows()
SCHEDULE = ReportSchedule(report="executive", to=("mail", "chat"), day="mon", at=time(8))
NAMES = {name: text.partition("FROM")[0] for name, text in STATEMENTS.items()}


@dataclass
class Outside(Breaking):
    """Channels and a warehouse beside the store; a report that was taken and is not confirmed may come once more."""

    told: list[tuple[str, Any]] = field(default_factory=list)
    faults: dict[str, Exception | Receipt] = field(default_factory=dict)
    excused: list[str] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    down: bool = False
    asked: int = 0

    def excuse(self) -> None:
        for key, _ in self.told:
            entry = self.documents.get(("ledger", key))
            if entry is not None and entry.data["state"] != "done":
                self.excused.append(key)

    def query(self, sql: str, **parameters: Any) -> list[Data]:
        self.boundary()
        self.asked += 1
        if self.down:
            raise UnavailableError("BigQuery: does not answer")
        name = next(name for name, begin in NAMES.items() if sql.startswith(begin.partition("{")[0]))
        if name in self.refused:
            raise QueryError(f"{name}: table not found")
        assert set(parameters) <= {
            "since",
            "until",
            "before",
            "oldest",
            "day_since",
            "day_until",
            "oldest_day",
            "midnight",
            "names",
        }
        return [{key: getattr(row, key) for key in row.__slots__} for row in ROWS[name]]

    def append(self, table: str, rows: Sequence[Data], *, together: str = "") -> None:
        raise AssertionError(table)


@dataclass
class Inbox:
    """A channel that takes reports."""

    world: Outside
    name: str

    def send(self, message: object) -> Receipt:
        raise AssertionError(message)

    def send_report(self, message: ReportMessage) -> Receipt:
        self.world.boundary()
        fault = self.world.faults.get(self.name)
        if isinstance(fault, Exception):
            raise fault
        if fault is not None:
            return fault
        self.world.told.append((message.key, message.report))
        self.world.boundary()
        return Receipt(DeliveryOutcome.DELIVERED)


@dataclass
class World:
    outside: Outside
    settings: Settings = field(
        default_factory=lambda: Settings(jobs={}, business=Business(orders=ORDERS), reports=(SCHEDULE,))
    )

    def __post_init__(self) -> None:
        self.complete(WEEK.until)

    def complete(self, until: datetime) -> None:
        """All tables are complete until an instant."""
        store = MemoryStore(Breaking(documents=self.outside.documents))
        tables = (
            "marts.revenue_hourly",
            "ops.revenue_forecasts",
            "marts.revenue_by_dimension_daily",
            "marts.model_roi",
        )
        for key, data in (
            ("revenue", {"due": until, "complete_until": dict.fromkeys(tables, until)}),
            ("daily_metrics", {"due": until, "complete_until": {}, "recorded": {"revenue": until}}),
        ):
            self.outside.documents.pop((ROLLUPS, key), None)
            store.create(ROLLUPS, key, data)

    def sender(self) -> ReportSender:
        """As a new instance of the function has it."""
        store = MemoryStore(self.outside)
        clock = lambda: self.outside.now  # noqa: E731 - the clock of the world
        channels = {name: Inbox(self.outside, name) for name in ("mail", "chat")}
        return ReportSender(
            maker=ReportMaker(
                settings=self.settings,
                models=dict,
                reader=Reader(warehouse=self.outside, store=store, clock=clock),
                clock=clock,
            ),
            archive=Archive(store),
            ledger=Ledger(store, clock, "bi_rollup"),
            channels=lambda: channels,
            metrics=MemoryMetrics(self.outside),
            url="http://pages",
        )

    def tick(self, at: datetime) -> None:
        self.outside.now = at
        self.sender().send_due(at)

    @property
    def keys(self) -> list[str]:
        return [key for key, _ in self.outside.told]

    def sent(self, key: str = "executive:2026-W47") -> dict[str, Data]:
        sent: dict[str, Data] = self.outside.documents[COLLECTION, key].data["sent"]
        return sent


MAIL, CHAT = "report:executive:2026-W47:mail", "report:executive:2026-W47:chat"


@pytest.fixture
def world() -> World:
    return World(Outside(now=DUE))


def test_a_report_is_sent_to_each_channel_when_it_is_due_and_once(world: World) -> None:
    world.outside.documents.update(already(world, "2026-W46"))
    world.tick(DUE - FIVE)
    assert world.keys == []
    for at in (DUE, DUE, DUE + FIVE, DUE + timedelta(days=6)):
        world.tick(at)
    assert world.keys == [MAIL, CHAT]
    assert {answer["outcome"] for answer in world.sent().values()} == {"delivered"}
    world.complete(WEEK.until + timedelta(days=7))
    world.tick(DUE + timedelta(days=7))
    assert world.keys[2:] == [MAIL.replace("47", "48"), CHAT.replace("47", "48")]


def already(world: World, week: str) -> dict[tuple[str, str], Any]:
    """The documents of a report that everybody got."""
    other = World(Outside(now=DUE))
    sender = other.sender()
    sender.send("executive", week_of(week, "UTC"), DUE)
    return {key: document for key, document in other.outside.documents.items() if key[0] in (COLLECTION, TEXTS)}


def test_a_tick_after_everything_was_sent_asks_the_warehouse_nothing(world: World) -> None:
    world.tick(DUE)
    asked = world.outside.asked
    world.tick(DUE + FIVE)
    assert world.outside.asked == asked > 0


def test_a_channel_that_is_down_gets_the_same_report_later_and_the_other_one_nothing_more(world: World) -> None:
    world.outside.faults["mail"] = UnavailableError("channel mail: no delivery")
    world.tick(DUE)
    assert world.keys == [CHAT]
    assert set(world.sent()) == {"chat"}
    world.outside.faults["mail"] = LimitedError("channel mail: asked to wait", DUE + HOUR)
    world.tick(DUE + HOUR)
    del world.outside.faults["mail"]
    world.tick(DUE + 30 * HOUR)
    assert world.keys == [CHAT, MAIL]
    assert world.outside.told[0][1] == world.outside.told[1][1]
    assert world.outside.counts["aia_notifications_total", "mail", "failed"] == 2


def test_a_channel_that_fails_without_reason_does_not_keep_it_from_the_others(world: World) -> None:
    world.outside.faults["mail"] = ValueError("a fault of ours")
    world.tick(DUE)
    assert world.keys == [CHAT]


def test_what_a_channel_refuses_for_good_is_kept_and_not_sent_again(world: World) -> None:
    world.outside.faults["mail"] = Receipt(DeliveryOutcome.REFUSED, "SMTP 550: not you")
    world.tick(DUE)
    del world.outside.faults["mail"]
    world.tick(DUE + FIVE)
    assert world.keys == [CHAT]
    assert world.sent()["mail"] | {"at": None} == {"at": None, "outcome": "refused", "detail": "SMTP 550: not you"}


def test_a_report_waits_for_its_data_and_says_what_is_missing_when_it_may_wait_no_longer(world: World) -> None:
    world.complete(WEEK.until - HOUR)
    for at in (DUE, DUE + 6 * HOUR, DUE + 12 * HOUR - FIVE):
        world.tick(at)
    assert world.keys == []
    world.tick(DUE + 12 * HOUR)
    assert world.keys == [MAIL, CHAT]
    assert world.outside.told[0][1].late[0] == (
        "marts.revenue_hourly is complete until 2026-11-22 23:00 UTC; the week ends 2026-11-23 00:00 UTC"
    )


@pytest.mark.parametrize("table", ["marts.revenue_by_dimension_daily", "marts.model_roi"])
def test_a_report_waits_for_every_table_that_it_compares_weeks_by(world: World, table: str) -> None:
    """Else six days of this week are compared with seven of the week before."""
    ranker = Returns(models={"ranker": ModelReturn(share=0.5)})
    orders = replace(ORDERS, model="model")
    schedule = replace(SCHEDULE, report="business")
    world.settings = Settings(jobs={}, business=Business(orders=orders, roi=ranker), reports=(schedule,))
    rollup = world.outside.documents[ROLLUPS, "revenue"].data["complete_until"]
    rollup[table] = WEEK.until - 24 * HOUR
    world.tick(DUE)
    assert world.keys == []
    rollup[table] = WEEK.until
    world.tick(DUE + FIVE)
    assert len(world.keys) == 2
    assert world.outside.told[0][1].late == ()


def test_a_report_that_waited_is_sent_whole_as_soon_as_its_data_is_there(world: World) -> None:
    world.complete(WEEK.until - HOUR)
    world.tick(DUE)
    world.complete(WEEK.until)
    world.tick(DUE + FIVE)
    assert world.keys == [MAIL, CHAT]
    assert world.outside.told[0][1].late == ()


def test_a_warehouse_that_does_not_answer_sends_nothing_until_it_does(world: World) -> None:
    world.outside.down = True
    with pytest.raises(UnavailableError, match="BigQuery"):
        world.tick(DUE)
    assert world.keys == []
    world.outside.down = False
    world.tick(DUE + FIVE)
    assert world.keys == [MAIL, CHAT]


def test_a_table_that_is_missing_is_not_known_and_nothing_more(world: World) -> None:
    world.outside.refused = ("pipelines", "stages")
    world.tick(DUE)
    made = world.outside.told[0][1]
    section = next(one for one in made.sections if one.name == "pipelines")
    assert section.unknown == ("pipelines: table not found",)
    assert next(one for one in made.sections if one.name == "revenue").statements


def test_incidents_that_cannot_be_read_are_not_counted_as_none(world: World) -> None:
    MemoryStore(Breaking(documents=world.outside.documents)).create("incidents", "x", {"id": "x", "open": True})
    world.tick(DUE)
    section = next(one for one in world.outside.told[0][1].sections if one.name == "incidents")
    assert section.unknown == ("1 documents of the collection incidents cannot be read",)
    assert not section.statements


def test_a_loss_that_is_measured_is_the_one_of_the_report_also_while_the_incident_lasts(world: World) -> None:
    store = MemoryStore(Breaking(documents=world.outside.documents))
    shop = OrdersAtRisk("shop", 1.0, 600.0)
    impact = Impact(dollars_per_hour=600.0, low=450.0, high=750.0, targets=(), reason="", orders=(shop,))
    lasting = incident(1, WEEK.until - 5 * HOUR, state=State.OPEN, resolved_at=None, impact=impact)
    data = msgspec.to_builtins(lasting, builtin_types=(datetime,))
    store.create("incidents", "i1", data | {"conditions": [], "open": True})
    loss = MeasuredLoss(dollars=50.0, low=40.0, high=60.0, since=lasting.opened_at, until=WEEK.until, orders=("shop",))
    store.create(LOSSES, "i1", loss_data(loss))
    world.tick(DUE)
    section = next(one for one in world.outside.told[0][1].sections if one.name == "incidents")
    assert section.statements[1].text == (
        "Lost to incidents: $50 ($40 to $60), after $0 in the week before; 1 measured by the orders that came."
    )


def test_where_no_incident_was_ever_recorded_it_is_not_known_that_there_were_none(world: World) -> None:
    world.tick(DUE)
    section = next(one for one in world.outside.told[0][1].sections if one.name == "incidents")
    assert section.unknown == ("no incident was recorded before the end of this week",)


def test_killed_anywhere_everybody_gets_the_same_report_once(world: World) -> None:
    counting = World(Outside(now=DUE))
    counting.tick(DUE)
    last = counting.outside.boundaries
    assert last > 20
    for kill_at in boundaries(last):
        killed = World(Outside(now=DUE, kill_at=kill_at))
        with pytest.raises(KilledError):
            killed.tick(DUE)
        killed.outside.dead, killed.outside.kill_at = False, 0
        killed.tick(DUE + FIVE)  # after the lease
        killed.tick(DUE + 2 * FIVE)
        assert set(killed.keys) == {MAIL, CHAT}, kill_at
        repeated = [key for key in set(killed.keys) if killed.keys.count(key) > 1]
        assert set(repeated) <= set(killed.outside.excused), kill_at
        assert all(killed.keys.count(key) == 2 for key in repeated)
        assert len({str(report) for _, report in killed.outside.told}) == 1, kill_at
        assert set(killed.sent()) == {"mail", "chat"}
    assert LEASE < FIVE


def test_while_another_instance_sends_it_nobody_else_does(world: World) -> None:
    sender = world.sender()
    held = sender.ledger.claim(MAIL)
    assert held is not None
    world.tick(DUE)
    assert world.keys == [CHAT]
    held.release()
    world.tick(DUE + FIVE)
    assert world.keys == [CHAT, MAIL]


def test_a_report_that_another_version_kept_is_made_anew(world: World) -> None:
    MemoryStore(Breaking(documents=world.outside.documents)).create(
        TEXTS, "executive:2026-W47", {"report": '{"old": 1}'}
    )
    world.tick(DUE)
    asked = world.outside.asked
    world.tick(DUE + FIVE)
    assert world.keys == [MAIL, CHAT]
    assert world.outside.asked == asked


def test_a_channel_that_the_settings_no_longer_name_does_not_get_it(world: World) -> None:
    world.settings = replace(world.settings, reports=(replace(SCHEDULE, to=("gone", "mail")),))
    world.tick(DUE)
    assert world.keys == [MAIL]
    assert world.sent()["gone"]["detail"] == "the settings no longer name this channel"


# The function


def handler(world: World) -> Handler:
    return Handler(roll_up=lambda _: TickResult(), sender=world.sender())


def asked(subject: str, verb: Verb = Verb.SEND_REPORT) -> Command:
    return Command(verb=verb, subject=subject, by="ada", at=DUE)


def test_a_person_who_asks_sends_it_to_those_who_have_not_got_it(world: World) -> None:
    world.outside.now = DUE - 48 * HOUR
    handle = handler(world)
    handle(asked("executive:2026-W46"))
    handle(asked("executive:2026-W46"))
    assert world.keys == [MAIL.replace("47", "46"), CHAT.replace("47", "46")]


@pytest.mark.parametrize(
    ("subject", "verb", "reason"),
    [
        ("executive:2026-W60", Verb.SEND_REPORT, "must be a week of ISO 8601"),
        ("nobody:2026-W46", Verb.SEND_REPORT, "must be send_report of a report, got send_report 'nobody:2026-W46'"),
        (
            "business:2026-W46",
            Verb.SEND_REPORT,
            "must be one that `reports` in the settings send to somebody, got 'business'",
        ),
        ("executive:2026-W46", Verb.ACKNOWLEDGE, "must be send_report of a report, got acknowledge"),
    ],
)
def test_a_command_that_names_no_report_is_parked_with_the_reason(
    world: World, subject: str, verb: Verb, reason: str
) -> None:
    with pytest.raises(RefusedError, match=reason):
        handler(world)(asked(subject, verb))


def test_a_rollup_that_fails_does_not_keep_a_report_back(world: World) -> None:
    def fails(_: Tick) -> TickResult:
        raise UnavailableError("BigQuery: does not answer")

    with pytest.raises(UnavailableError):
        replace(handler(world), roll_up=fails)(Tick(job="bi_rollup", scheduled_at=DUE))
    assert world.keys == [MAIL, CHAT]


def test_a_report_that_cannot_be_made_leaves_the_heartbeat_and_brings_the_tick_back(world: World) -> None:
    world.outside.down = True
    result = handler(world)(Tick(job="bi_rollup", scheduled_at=DUE))
    assert result is not None
    assert result.complete
    assert isinstance(result.fault, UnavailableError)


def test_what_is_neither_a_tick_nor_a_command_is_parked() -> None:
    with pytest.raises(PoisonError):
        read(read_push(push(b'{"type": "finding"}')), "*/5 * * * *")


def test_a_pager_gets_no_reports() -> None:
    raw = {
        "version": 1,
        "jobs": {},
        "channels": [
            {"name": "pager", "kind": PagerdutyChannel.kind, "key": "0" * 32},
            {"name": "log", "kind": ConsoleChannel.kind},
        ],
    }
    with pytest.raises(
        Exception, match=r"reports\[0\].to\[1\]: must be a channel that takes reports, not pagerduty, got 'pager'"
    ):
        parse(raw | {"reports": [{"report": "executive", "to": ["log", "pager"]}]})
    with pytest.raises(Exception, match=r"reports\[1\].to\[0\]: must get the report executive once, got 'log'"):
        parse(raw | {"reports": [{"report": "executive", "to": ["log"]}] * 2})
    with pytest.raises(
        Exception, match=r"reports\[0\].report: must be one of executive, technical, operations, business"
    ):
        parse(raw | {"reports": [{"report": "weekly", "to": ["log"]}]})
