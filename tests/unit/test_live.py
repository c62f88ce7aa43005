"""The log of changes and the mailboxes of those who watch."""

from datetime import UTC, datetime, timedelta

import pytest

from core.live.changes import (
    TOPICS,
    Changed,
    Entry,
    Topic,
    change_of,
    earlier,
    effect_of,
    entry_id,
    instant_of,
    topics_of,
)
from core.live.log import KEEP, LATE, Log
from core.live.mailbox import Frame, Mailbox, ResyncReason
from core.live.pace import Pace
from core.maintenance.dead_letters import claim_key
from functions.drift_score.scoring import shard_key

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ALL = frozenset(str(topic) for topic in Topic)


def at(seconds: float, token: str = "") -> str:
    return entry_id(NOW + timedelta(seconds=seconds), token)


def entry(seconds: float, *keys: str, topic: str = "incidents", token: str = "t") -> Entry:
    return Entry(at(seconds, token), tuple(Changed(topic, key) for key in keys))


def test_ids_are_ordered_as_their_instants_and_give_them_back() -> None:
    ids = [at(0), at(0, "a"), at(0, "b"), at(0.000001), at(1e9)]
    assert ids == sorted(ids)
    assert instant_of(at(0.25, "ab")) == NOW + timedelta(seconds=0.25)
    assert earlier(at(9, "x"), timedelta(seconds=9)) == at(0)
    assert instant_of(earlier(entry_id(datetime(1970, 1, 1, tzinfo=UTC)), LATE)).year == 1970


NO_IDS = [
    "",
    "7",
    "1767225600000000",
    "176722560000000x-a",
    "-1",
    "0-a",
    at(0, "x" * 81),
    at(0, "a\ndata: x"),
    at(0, '"'),
]


@pytest.mark.parametrize("text", NO_IDS)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="id: must be one that was sent"):
        instant_of(text)


def test_topics_are_named_or_all() -> None:
    assert topics_of(" incidents, probes,") == {"incidents", "probes"}
    assert topics_of("") == ALL
    with pytest.raises(ValueError, match=r"topics: must be of actions, .*, got 'weather'"):
        topics_of("incidents,weather")
    assert set(TOPICS.values()) == set(Topic)


def test_readers_are_told_of_what_they_are_shown_and_of_effects_that_leave_nothing_else() -> None:
    assert change_of("maintenance", "task:backup") == Changed(Topic.MAINTENANCE, "task:backup")
    assert change_of("ledger", "dead-letter:a1") is None
    assert effect_of(claim_key("a1")) == Changed(Topic.MAINTENANCE, "a1")
    scored = effect_of(shard_key(NOW, ["delay"]))
    assert scored
    assert scored.topic == Topic.MODELS
    assert effect_of("notification:a1") is None


def test_entries_that_arrive_out_of_order_or_twice_are_there_once_in_their_order() -> None:
    log = Log(at(-600))
    first, second, third = entry(1, "a"), entry(2, "b"), entry(3, "c")
    assert log.add([third, first, third]) == [first, third]
    assert log.add([first, second]) == [second]
    assert log.add([second]) == []
    assert log.after(at(0)) == [first, second, third]
    assert log.newest == third.id


def test_who_resumes_gets_what_came_late_again_rather_than_missing_it() -> None:
    log = Log(at(-600))
    log.add([entry(100, "seen")])
    late = entry(100 - LATE.total_seconds() + 1, "late")
    log.add([late])
    assert late in (log.after(at(100, "t")) or [])
    assert log.after(at(100.001 + LATE.total_seconds())) == []


def test_what_the_log_does_not_reach_back_to_is_not_known() -> None:
    log = Log(at(0))
    assert log.add([entry(-1, "before")]) == []
    assert log.after(at(LATE.total_seconds() - 1)) is None
    assert log.after(at(LATE.total_seconds())) == []


def test_the_log_is_bounded_in_number_and_in_time_and_knows_what_it_forgot() -> None:
    log = Log(at(-1000), most=3)
    log.add([entry(second, "x") for second in range(0, 500, 100)])
    assert [one.id for one in log.after(at(350)) or []] == [at(400, "t")]
    assert log.since == at(100, "t")
    assert log.after(at(110)) is None
    log.add([entry(500 + KEEP.total_seconds(), "y")])
    assert log.since == at(400, "t")
    assert log.add([entry(300, "x")]) == []


def test_a_mailbox_has_each_change_of_its_topics_once() -> None:
    box = Mailbox(frozenset({"incidents"}), at(0))
    assert not box.put([entry(1, "db", topic="probes")])
    assert box.take() is None
    assert box.put([entry(2, "a", "b"), entry(3, "a")])
    assert box.take() == Frame(at(3, "t"), (Changed("incidents", "b"), Changed("incidents", "a")))
    assert box.take() is None


def test_a_mailbox_is_up_to_the_newest_entry_also_where_one_came_late() -> None:
    box = Mailbox(ALL, at(0))
    box.put([entry(5, "a")])
    box.put([entry(4, "b")])
    box.reached(at(1))
    assert box.cursor == at(5, "t")
    box.reached(at(9))
    assert (box.take() or Frame("")).id == at(9)


def test_who_is_too_slow_reads_everything_again_and_goes_on_from_there() -> None:
    box = Mailbox(ALL, at(0), most=2)
    assert box.put([entry(1, "a", "b")])
    assert box.put([entry(2, "c")])
    assert box.put([entry(3, "d")])
    assert box.take() == Frame(at(3, "t"), (), ResyncReason.SLOW)
    assert box.put([entry(4, "e")])
    assert box.take() == Frame(at(4, "t"), (Changed("incidents", "e"),))


def test_a_topic_that_keeps_changing_is_told_of_once_an_interval_with_its_last_change_and_delays_no_other() -> None:
    pace = Pace(1.0)
    at_once = [len(pace.put([entry(number / 100, f"m{number}", topic="models")], number / 100)) for number in range(90)]
    assert sum(at_once) == 1
    assert pace.put([entry(0.95, "db", "shop")], 0.95) == [entry(0.95, "db", "shop")]
    assert pace.due == 1.0
    assert pace.put([], 0.99) == []
    told = pace.put([], 1.0)
    assert [change.key for one in told for change in one.changes] == [f"m{number}" for number in range(1, 90)]
    assert pace.due is None
    assert pace.put([entry(1.5, "m", topic="models")], 1.5) == []
    assert pace.put([], pace.due or 0.0) == [entry(1.5, "m", topic="models")]


def test_an_entry_of_two_topics_is_told_of_by_topic() -> None:
    pace = Pace(1.0)
    pace.put([entry(0, "m", topic="models")], 0.0)
    both = Entry(at(0.5), (Changed("models", "m"), Changed("probes", "db")))
    assert pace.put([both], 0.5) == [Entry(at(0.5), (Changed("probes", "db"),))]
    assert pace.put([], 1.0) == [Entry(at(0.5), (Changed("models", "m"),))]
