"""The replayed log: where it lies in time, what is in it, and how it goes on."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain, pairwise, starmap
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from core.errors import UnavailableError
from functions.adapters.ports import PubsubMessage
from infra.local.replay.flights import CATEGORICAL, FLIGHTS, NUMERIC, Flights
from infra.local.replay.history import MODEL, History, Span
from infra.local.replay.replay import Replay
from infra.local.replay.scores import PREDICTIONS, probabilities, write
from infra.local.replay.train import score
from tests.support.builders.budget import ALL

ROOT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 3, 4, 15, 37, 12, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)
MONTH = timedelta(days=30)
DAYS = 20
"""Whole days before now that the tests of the replay publish; those of the history read the year."""


@pytest.fixture(scope="module")
def history() -> History:
    return History.read(FLIGHTS, NOW)


class Prediction(msgspec.Struct):
    prediction_id: str
    scored_at: datetime
    entity_id: str


class Label(msgspec.Struct):
    prediction_id: str
    arrived_at: datetime


@dataclass(frozen=True)
class Log:
    """When each prediction was made and each label arrived, by id; lists of what was sent would take much memory."""

    scored: dict[str, datetime]
    arrived: dict[str, datetime]
    sent: int

    @classmethod
    def of(cls, messages: Iterable[PubsubMessage]) -> "Log":
        log, sent = cls({}, {}, 0), 0
        prediction, label = msgspec.json.Decoder(Prediction), msgspec.json.Decoder(Label)
        for sent, message in enumerate(messages, 1):  # noqa: B007 - the last number is how many there were
            if message.attributes["table"] == "flight_predictions":
                row = prediction.decode(message.data)
                log.scored[row.prediction_id] = row.scored_at
            else:
                answer = label.decode(message.data)
                log.arrived[answer.prediction_id] = answer.arrived_at
        return replace(log, sent=sent)


@pytest.fixture(scope="module")
def log(history: History) -> Log:
    """Everything from the reference's start until now, or the first and the last weeks of it."""
    start = history.reference.start
    spans = [(start, NOW)] if ALL else [(start, start + MONTH), (NOW - MONTH, NOW)]
    return Log.of(chain.from_iterable(starmap(history.messages, spans)))


def read(messages: Iterable[PubsubMessage]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    rows: dict[str, list[dict[str, Any]]] = {"flight_predictions": [], "flight_labels": []}
    for message in messages:
        rows[message.attributes["table"]].append(json.loads(message.data))
    return rows["flight_predictions"], rows["flight_labels"]


def predictions(messages: Iterable[PubsubMessage]) -> list[Prediction]:
    """The same of predictions alone, of many: a year as dictionaries takes seconds."""
    decoder = msgspec.json.Decoder(Prediction)
    return [decoder.decode(one.data) for one in messages if one.attributes["table"] == "flight_predictions"]


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_the_day_before_christmas_becomes_today(history: History, log: Log) -> None:
    planned = Counter(key[-17:-7] for key in log.scored)
    assert max(planned) == "2026-03-04"
    flights = Flights.read(FLIGHTS)
    days = flights.scheduled.astype("datetime64[m]").astype("datetime64[D]")
    assert planned["2026-03-03"] == np.count_nonzero(days == np.datetime64("2013-12-23"))
    assert history.reference.start == datetime(2025, 3, 12, tzinfo=UTC)
    assert history.reference.end - history.reference.start == 59 * DAY


def test_nothing_is_later_than_now(history: History, log: Log) -> None:
    assert NOW - timedelta(minutes=10) < max(log.scored.values()) < NOW
    assert NOW - timedelta(minutes=10) < max(log.arrived.values()) < NOW
    assert history.days[-1].end == NOW
    with pytest.raises(
        ValueError, match=r"end: must not be later than now, 2026-03-04T15:37:12\+00:00, got 2026-03-05"
    ):
        list(history.messages(NOW, NOW + DAY))


def test_every_label_answers_a_prediction_made_before(log: Log) -> None:
    cut = NOW - MONTH  # what arrives soon after may answer what comes before it
    answers = (one for one in log.arrived.items() if ALL or not cut <= one[1] < cut + timedelta(hours=18))
    waits = [at - log.scored[key] for key, at in answers]
    assert min(waits) > timedelta(hours=1, minutes=30)
    assert max(waits) < timedelta(hours=18)


def test_an_arrival_is_reported_one_to_six_hours_later_and_hardly_two_alike(history: History) -> None:
    delays = np.bincount(history.reported_at - history.flights.arrived_at)
    assert delays[:60].sum() == 0
    assert len(delays) == 361
    assert delays[60:].min() > 0.8 * delays[60:].mean()


def test_ids_are_unique_over_more_than_a_year(history: History, log: Log) -> None:
    later = history.live(NOW + YEAR + 30 * DAY)
    seams = [(NOW, NOW + 60 * DAY), (NOW + YEAR, later.now)]  # where the year begins anew, and a year after now
    spans = [(NOW, later.now)] if ALL else seams
    logs = [log, *(Log.of(later.messages(*span)) for span in spans)]
    assert all(len(one.scored) + len(one.arrived) == one.sent for one in logs)
    assert len(set().union(*(one.scored for one in logs))) == sum(len(one.scored) for one in logs)
    assert (
        len(set().union(*(one.arrived for one in logs)))
        == sum(len(one.arrived) for one in logs)
        > (327_346 if ALL else 100_000)
    )


def test_the_same_anchor_gives_the_same_messages_whatever_the_time(history: History) -> None:
    later = History.read(FLIGHTS, NOW + 3 * DAY, anchor=NOW.date())
    span = history.days[-2]
    assert list(later.messages(*span)) == list(history.messages(*span))


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(0, 48 * 3600), offset=st.integers(0, 296 * 86400))
def test_two_spans_that_meet_hold_every_message_once(history: History, cut: int, offset: int) -> None:
    start = history.reference.end + timedelta(seconds=offset)
    middle, end = start + timedelta(seconds=cut), start + timedelta(hours=48)
    whole = list(history.messages(start, end))
    parts = [*history.messages(start, middle), *history.messages(middle, end)]
    assert sorted(message.data for message in parts) == sorted(message.data for message in whole)


def test_a_span_holds_its_start_and_not_its_end(history: History) -> None:
    first = next(history.messages(*history.days[40]))
    at = instant(json.loads(first.data)["scored_at"])
    minute, second = timedelta(minutes=1), timedelta(seconds=1)
    assert first in list(history.messages(at, at + second))
    assert first not in list(history.messages(at - minute, at))
    assert first not in list(history.messages(at + second, at + minute))


def test_the_days_follow_one_another_from_the_reference_to_now(history: History) -> None:
    spans = history.days
    assert spans[0].start == history.reference.end
    assert all(one.end == two.start for one, two in pairwise(spans))
    assert len(spans) == 299
    assert all(span.end - span.start == DAY for span in spans[:-1])


def test_after_the_last_day_comes_the_first_even_over_a_leap_day() -> None:
    anchor = date(2023, 12, 31)
    history = History.read(FLIGHTS, datetime(2025, 3, 1, tzinfo=UTC), anchor=anchor)
    first, again = (
        predictions(history.messages(start, start + 40 * DAY))
        for start in (datetime(2023, 2, 9, tzinfo=UTC), datetime(2024, 2, 9, tzinfo=UTC))
    )
    assert len(first) == len(again) > 30_000
    assert [row.entity_id for row in first] == [row.entity_id for row in again]
    moved = {two.scored_at - one.scored_at for one, two in zip(first, again, strict=True)}
    assert moved == {YEAR}
    leap = read(history.messages(datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, tzinfo=UTC)))[0]
    march = read(history.messages(datetime(2023, 3, 1, tzinfo=UTC), datetime(2023, 3, 2, tzinfo=UTC)))[0]
    assert [row["entity_id"] for row in leap] == [row["entity_id"] for row in march] != []


def test_what_comes_after_now_goes_on_without_a_gap(history: History) -> None:
    live = history.live(NOW + 2 * DAY)
    predictions, labels = read(live.messages(NOW, live.now))
    assert 1200 < len(predictions) < 2500
    assert 1200 < len(labels) < 2500
    assert len({row["scored_at"][:10] for row in predictions}) == 3


def test_the_next_year_is_not_in_the_first_one(history: History) -> None:
    assert list(history.messages(history.reference.start - YEAR, history.reference.start)) == []


@pytest.mark.parametrize(("table", "kind"), [("flight_predictions", 0), ("flight_labels", 1)])
@pytest.mark.parametrize("back", [1, 100, 300])
def test_messages_are_rows_of_the_table(history: History, table: str, kind: int, back: int) -> None:
    schema = json.loads((ROOT / "infra" / "tables" / f"telemetry.{table}.json").read_text())["schema"]
    rows = read(history.messages(NOW - back * DAY, NOW - (back - 1) * DAY))[kind]
    assert len(rows) > 500
    assert all(list(row) == [column["name"] for column in schema] for row in rows)
    for column in schema:
        kinds = {kind_of(row[column["name"]]) for row in rows}
        assert kinds <= {column["type"], "NULL" if column["mode"] == "NULLABLE" else column["type"]}


def kind_of(value: object) -> str:
    """The type of BigQuery's that a JSON value is."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:00Z", value):
        return "TIMESTAMP"
    return {str: "STRING", float: "FLOAT64", bool: "BOOL", type(None): "NULL"}[type(value)]


@pytest.mark.parametrize("feature", ["carrier", "destination"])
def test_predictions_by_a_feature_are_those_of_the_messages(history: History, feature: str) -> None:
    later, span = history.live(NOW + 2 * DAY), (NOW - DAY, NOW + 2 * DAY)  # the end of a year and the begin of the next
    predictions, _ = read(later.messages(*span))
    times, codes, names = later.by_category(*span, feature)
    assert codes.min() >= 0
    found = Counter(zip(times.tolist(), (names[code] for code in codes.tolist()), strict=True))
    assert found == Counter((instant(row["scored_at"]).timestamp() // 60, row[feature]) for row in predictions)
    assert sum(found.values()) > 1000
    assert [part.size for part in history.by_category(span[0], span[0], feature)[:2]] == [0, 0]


def test_the_features_are_those_of_the_settings() -> None:
    [model] = [
        model
        for model in yaml.load((ROOT / "infra" / "monitoring.yaml").read_text(), Loader=yaml.CSafeLoader)["models"]
        if model["name"] == MODEL
    ]
    assert set(model["features"]["numeric"]) <= set(NUMERIC)
    assert set(model["features"]["categorical"]) <= set(CATEGORICAL)


def test_weather_that_was_not_observed_is_null(history: History) -> None:
    later = history.live(NOW + 7 * DAY)
    predictions, _ = read(later.messages(*later.days[-1]))
    today = [row for row in predictions if row["prediction_id"][-17:-7] == "2026-03-11"]
    weather = ("temperature", "dew_point", "wind_speed", "precipitation", "pressure", "visibility")
    assert {row[name] for row in today for name in weather} == {None}
    assert all(0 <= row["probability"] <= 1 for row in today)


def test_the_reference_holds_what_the_messages_of_its_span_would(history: History) -> None:
    whole = history.reference
    span = whole if ALL else Span(whole.start, whole.start + 10 * DAY)
    predictions, labels = read(history.messages(*span))
    for table, rows, at in (
        (history.prediction_rows(*span), predictions, "scored_at"),
        (history.label_rows(*span), labels, "arrived_at"),
    ):
        assert table.to_pylist() == [row | {at: instant(row[at])} for row in rows] != []


def test_now_must_carry_a_time_zone(history: History) -> None:
    for call in (lambda now: History.read(FLIGHTS, now), history.live):
        with pytest.raises(ValueError, match=r"now: must carry a time zone, got 2026-03-04T00:00:00"):
            call(datetime(2026, 3, 4))  # noqa: DTZ001 - the very mistake


def test_the_model_is_right_more_often_than_the_rule_on_months_it_never_saw(history: History) -> None:
    flights, scores = history.flights, history.scores
    months = flights.scored_at.astype("datetime64[m]").astype("datetime64[M]")
    for month in np.arange("2013-03", "2014-01", dtype="datetime64[M]"):
        rows = months == month
        right = np.mean((scores[rows] >= 0.5) == flights.late[rows])
        assert right > 0.85
        assert right > 1 - flights.late[rows].mean()
        assert roc_auc_score(flights.late[rows], scores[rows]) > 0.85


@pytest.mark.timeout(300)  # half a minute of training, on a machine that does nothing else
def test_the_scores_that_are_shipped_are_those_of_the_model(history: History, tmp_path: Path) -> None:
    """Training again gives the same model; another processor may decide a tie between two splits otherwise."""
    some = slice(None, None, 1 if ALL else 20)
    off = np.abs(score(history.flights, some) - history.scores[some])
    assert np.mean(off) < 1e-3
    assert np.quantile(off, 0.99) < 0.01
    write(history.scores, tmp_path / "again.parquet")
    assert np.array_equal(probabilities(tmp_path / "again.parquet"), history.scores)
    assert (tmp_path / "again.parquet").read_bytes() == PREDICTIONS.read_bytes()


class CrashError(Exception):
    """The process died."""


class Topic:
    """Keeps what is published; dies after so many calls when told to."""

    def __init__(self, dies_after: int | None = None) -> None:
        self.data: list[bytes] = []
        self._left = dies_after

    def publish(self, messages: Iterable[PubsubMessage]) -> int:
        if self._left == 0:
            raise CrashError
        self._left = None if self._left is None else self._left - 1
        data = [message.data for message in messages]
        self.data += data
        return len(data)


def test_a_replay_goes_on_where_it_stopped(tmp_path: Path, history: History) -> None:
    topic, first = Topic(), Replay.resume(FLIGHTS, tmp_path, NOW, days=DAYS)
    first.advance(NOW, topic.publish)
    spans = history.days[-DAYS - 1 :]
    assert topic.data == [message.data for span in spans for message in first.messages(*span)]
    before = len(topic.data)
    assert first.advance(NOW, topic.publish) == 0
    later = Replay.resume(FLIGHTS, tmp_path, NOW + 3 * DAY)
    assert later.history.anchor == NOW.date()
    assert later.advance(NOW + 3 * DAY, topic.publish) == len(topic.data) - before > 0
    assert later.published_until == NOW + 3 * DAY
    assert len(set(topic.data)) == len(topic.data)


def test_a_crash_loses_nothing_and_repeats_at_most_the_day_in_hand(tmp_path: Path, history: History) -> None:
    topic = Topic(dies_after=2)
    with pytest.raises(CrashError):
        Replay.resume(FLIGHTS, tmp_path, NOW, days=DAYS).advance(NOW, topic.publish)
    resumed = Replay.resume(FLIGHTS, tmp_path, NOW)
    assert resumed.published_until == history.days[-DAYS].end
    resumed.advance(NOW, Topic().publish)
    assert resumed.published_until == NOW


def test_what_is_not_acknowledged_is_published_again(tmp_path: Path, history: History) -> None:
    def unavailable(messages: Iterable[PubsubMessage]) -> int:
        next(iter(messages))
        raise UnavailableError("Pub/Sub")

    replay = Replay.resume(FLIGHTS, tmp_path, NOW)
    with pytest.raises(UnavailableError):
        replay.advance(NOW, unavailable)
    assert replay.published_until == history.reference.end


def test_a_clock_set_back_publishes_nothing(tmp_path: Path) -> None:
    replay, topic = Replay.resume(FLIGHTS, tmp_path, NOW, days=DAYS), Topic()
    replay.advance(NOW, topic.publish)
    published = len(topic.data)
    assert replay.advance(NOW - DAY, topic.publish) == 0
    assert (len(topic.data), replay.published_until) == (published, NOW)
