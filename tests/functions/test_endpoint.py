"""What every function answers to a push request, whatever the body."""

import base64
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import flask
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BusyError, ConflictError, RefusedError, UnavailableError
from core.events import Tick
from functions.adapters import events
from functions.runtime.endpoint import HEARTBEAT, LONGEST_REASON, TickResult, on_push, on_tick, read_tick
from functions.runtime.push import MOST_KEPT, parking, read_push
from tests.support.fakes.ports import MemoryPorts, Parked, posted, push

Handle = Callable[[Tick], TickResult | None]


class Recorder:
    """Counts and parks in memory."""

    def __init__(self) -> None:
        self.park = Parked()
        self.counted: list[dict[str, str]] = []
        self.hearts: list[datetime | None] = []
        self.handled: list[Tick] = []
        self.flushed = 0

    def count(self, name: str, by: float = 1.0, **labels: str) -> None:
        assert name == "aia_function_requests_total"
        self.counted.append(labels)

    def gauge(self, name: str, value: float, *, at: datetime | None = None, **labels: str) -> None:
        assert labels == {"function": "test"}
        if name == HEARTBEAT:
            assert at is not None
            assert value == at.timestamp()
            self.hearts.append(at)

    def flush(self) -> None:
        self.flushed += 1

    @property
    def ports(self) -> MemoryPorts:
        return MemoryPorts(function="test", metrics=self, park=self.park, cron="*/15 * * * *")


def answer(body: bytes, recorder: Recorder, handle: Handle | None = None, method: str = "POST") -> tuple[str, int]:
    return on_tick(recorder.ports, handle or recorder.handled.append)(
        flask.Request.from_values(data=body, method=method)
    )


INSTANT = datetime(2026, 1, 2, 3, tzinfo=UTC)
TICK = b'{"type": "tick", "version": 1, "job": "test", "scheduled_at": "2026-01-02T03:00:00Z"}'


def test_a_good_message_is_handled_once_and_acknowledged() -> None:
    recorder = Recorder()
    assert answer(push(TICK), recorder) == ("", 204)
    assert [tick.id for tick in recorder.handled] == ["test:2026-01-02T03:00:00Z"]
    assert recorder.counted == [{"function": "test", "outcome": "done"}]
    assert recorder.flushed == 1
    assert recorder.hearts == [INSTANT]


@pytest.mark.parametrize(
    ("result", "hearts", "answered"),
    [
        (TickResult(), [INSTANT], ("", 204)),
        (TickResult(complete=False), [], ("", 204)),
        (TickResult(fault=UnavailableError("the bus does not answer")), [INSTANT], ("unavailable", 503)),
        (TickResult(complete=False, fault=BusyError("claimed")), [], ("busy", 429)),
    ],
)
def test_a_heartbeat_is_given_where_all_was_looked_at(
    result: TickResult, hearts: list[datetime], answered: tuple[str, int]
) -> None:
    recorder = Recorder()
    assert answer(push(TICK), recorder, lambda _: result) == answered
    assert recorder.hearts == hearts


def test_what_is_no_tick_is_no_heartbeat() -> None:
    recorder = Recorder()
    endpoint = on_push(recorder.ports, read=lambda message: message.data, handle=lambda _: None)
    assert endpoint(posted(push(b"anything"))) == ("", 204)
    assert recorder.hearts == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "must be a JSON object, got nothing"),
        (b"not json", "malformed"),
        (b"[1, 2]", "Expected `object`, got `array`"),
        (b"{}", "missing required field `message`"),
        (b"\xff\xfe", "push body"),
        (b"[" * 100_000, "push body"),
        (push(b"[" * 100_000), "tick"),
        (push(TICK).replace(b'"data": "', b'"data": "%%%'), "must be base64"),
        (push(TICK).replace(b'"data": "', '"data": "é'.encode()), "must be base64"),
        (push(TICK, publishTime="2026-01-02T03:04:05"), "publishTime"),
        (push(TICK, publishTime="0001-01-01T00:00:00+12:00"), "publishTime must be a year 1971 to 9998"),
        (push(TICK, publishTime="9999-12-31T23:59:59-12:00"), "publishTime must be a year 1971 to 9998"),
        (push(b"not json"), "malformed"),
        (push(TICK.replace(b"2026-01-02T03", b"0001-01-01T00")), "must be a year 1971 to 9998"),
        (push(b"[]"), "Expected `object`, got `array`"),
        (push(TICK.replace(b'"version": 1', b'"version": 9')), "version: tick must be version 1, got 9"),
        (push(TICK.replace(b'"tick"', b'"finding"', 1)), "type: must be 'tick', got 'finding'"),
        (push(TICK.replace(b"2026-01-02T03:00:00Z", b"yesterday")), "tick: scheduled_at: must be an instant"),
        (push(TICK.replace(b"03:00:00Z", b"03:00:00")), "scheduled_at: must carry a time zone"),
    ],
)
def test_a_poisoned_body_is_parked_with_its_reason_and_acknowledged(body: bytes, reason: str) -> None:
    recorder = Recorder()
    assert answer(body, recorder) == ("", 204)
    assert recorder.handled == []
    [(kept, why, _)] = recorder.park.letters
    assert kept == body
    assert reason in why
    assert recorder.counted == [{"function": "test", "outcome": "parked"}]
    assert (recorder.flushed, recorder.hearts) == (1, [])


@given(
    st.binary(max_size=200)
    | st.binary(max_size=80).map(push)
    | st.dictionaries(st.text(), st.integers()).map(lambda d: json.dumps(d).encode())
)
def test_no_body_of_any_shape_crashes(body: bytes) -> None:
    recorder = Recorder()
    assert answer(body, recorder)[1] == 204
    assert len(recorder.park.letters) == 1


@pytest.mark.parametrize(
    ("error", "status", "outcome"),
    [
        (BusyError("ledger test: claimed until 10:00"), 429, "busy"),
        (ConflictError("conditions/model/m:drift: somebody else wrote it first"), 429, "busy"),
        (UnavailableError("BigQuery: does not answer"), 503, "unavailable"),
        (ZeroDivisionError(), 500, "failed"),
    ],
)
def test_what_a_retry_may_mend_is_refused_so_that_it_comes_again(error: Exception, status: int, outcome: str) -> None:
    recorder = Recorder()

    def fail(_: Tick) -> None:
        raise error

    assert answer(push(TICK), recorder, fail) == (outcome, status)
    assert recorder.park.letters == []
    assert recorder.counted == [{"function": "test", "outcome": outcome}]
    assert (recorder.flushed, recorder.hearts) == (1, [])


def test_what_cannot_be_carried_out_is_parked_with_its_reason_and_acknowledged() -> None:
    def refuse(_tick: Tick) -> None:
        raise RefusedError("silences: must be at most 200, all hold")

    recorder = Recorder()
    assert answer(push(TICK), recorder, refuse) == ("", 204)
    [(body, reason, _)] = recorder.park.letters
    assert (body, reason) == (push(TICK), "silences: must be at most 200, all hold")
    assert recorder.counted == [{"function": "test", "outcome": "parked"}]
    assert recorder.hearts == []


def test_what_is_refused_and_cannot_be_parked_comes_again() -> None:
    def refuse(_tick: Tick) -> None:
        raise RefusedError("silences: must be at most 200, all hold")

    recorder = Recorder()
    recorder.park.down = True
    assert answer(push(TICK), recorder, refuse) == ("unavailable", 503)


def test_what_is_no_push_request_is_told_so_and_not_parked() -> None:
    recorder = Recorder()
    assert answer(b"", recorder, method="GET") == ("method: must be POST, got GET", 405)
    assert (recorder.park.letters, recorder.counted) == ([], [])


def test_a_poisoned_body_that_cannot_be_parked_comes_again() -> None:
    recorder = Recorder()
    recorder.park.down = True
    assert answer(b"junk", recorder) == ("unavailable", 503)


class Rows:
    """A warehouse that takes rows."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []

    def append(self, table: str, rows: Sequence[dict[str, Any]], *, together: str = "") -> None:
        assert table == "ops.dead_letters"
        self.taken += rows


def test_a_body_too_long_for_a_row_is_parked_in_part_and_says_so() -> None:
    rows, recorder = Rows(), Recorder()
    recorder.park = parking(rows, "test", lambda: datetime(2026, 1, 2, tzinfo=UTC))
    body = push(TICK.replace(b'"tick"', b'"' + b"x" * 9_000_000 + b'"', 1))
    assert answer(body, recorder) == ("", 204)
    [row] = rows.taken
    assert base64.b64decode(row["body"]) == body[:MOST_KEPT]
    assert row["reason"].startswith("type: must be 'tick', got 'xxx")
    assert row["reason"].endswith(f"(of {len(body)} bytes, {MOST_KEPT} are kept)")
    assert len(row["reason"]) < 2 * LONGEST_REASON


def test_a_tick_without_an_instant_is_for_the_newest_instant_of_its_schedule() -> None:
    recorder = Recorder()
    body = push(b'{"type": "tick", "version": 1, "job": "test"}', publishTime="2026-01-02T10:07:31Z")
    assert answer(body, recorder) == ("", 204)
    assert [tick.id for tick in recorder.handled] == ["test:2026-01-02T10:00:00Z"]


@pytest.mark.parametrize(
    "published",
    ["2026-01-02T10:00:00Z", "2026-01-02T15:30:00+05:30", "2026-01-02T10:00:00.2Z", "2026-01-02T10:14:59.9Z"],
)
def test_a_tick_published_on_or_just_after_its_instant_is_for_that_instant(published: str) -> None:
    message = read_push(push(b'{"type": "tick", "version": 1, "job": "test"}', publishTime=published))
    assert read_tick(message, "*/15 * * * *").id == "test:2026-01-02T10:00:00Z"


def test_what_is_encoded_decodes_to_the_same() -> None:
    tick = events.decode(TICK, Tick)
    assert events.decode(events.encode(tick), Tick) == tick
