"""Windows of a past: asked for, the first one alone, and again where they do not come."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from core.errors import UnavailableError
from core.events import Event, ScoringShard
from functions.cli.watch import past

SINCE = datetime(2026, 3, 1, tzinfo=UTC)
ENDS = [SINCE + timedelta(days=day) for day in range(5)]


@dataclass
class System:
    """A bus whose messages are scored, but for those that are lost, and the warehouse that has the scores.

    Attributes:
        lost: how many messages are lost first.
        down: how often the warehouse does not answer first.
    """

    lost: int = 0
    down: int = 0
    asked: list[list[datetime]] = field(default_factory=list)
    scored: set[datetime] = field(default_factory=set)

    def publish_all(self, topic: str, events: Sequence[Event]) -> None:
        assert topic == "scoring"
        shards = [event for event in events if isinstance(event, ScoringShard)]
        assert all(one.past and one.models == ("churn",) for one in shards)
        self.asked.append([one.scheduled_at for one in shards])
        for one in shards:
            if self.lost:
                self.lost -= 1
            else:
                self.scored.add(one.scheduled_at)

    def query(self, _sql: str, **parameters: Any) -> list[dict[str, Any]]:
        if self.down:
            self.down -= 1
            raise UnavailableError("BigQuery does not answer")
        return [{"window_end": at} for at in sorted(self.scored & {*parameters["ends"]})]


def score(system: System) -> tuple[int, list[int]]:
    told: list[int] = []
    done = past.score(system, system, "churn", ENDS, since=SINCE, scored=told.append)  # type: ignore[arg-type] # what it uses of the two
    return done, told


def test_the_first_window_is_scored_before_the_others_are_asked_for() -> None:
    system = System()
    assert score(system) == (5, [1, 4])
    assert system.asked == [ENDS[:1], ENDS[1:]]


def test_windows_that_do_not_come_are_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "AGAIN_SECONDS", 0.0)
    system = System(lost=2, down=1)
    assert score(system)[0] == 5
    assert system.asked[-1] == ENDS[1:]
    assert all(asked == ENDS[:1] for asked in system.asked[:-1])
    assert len(system.asked) >= 4


def test_what_never_comes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "PATIENCE_SECONDS", 0.0)
    assert score(System(lost=1000)) == (0, [])


def test_the_first_window_alone_is_enough() -> None:
    system = System()
    told: list[int] = []
    assert past.score(system, system, "churn", ENDS[:1], since=SINCE, scored=told.append) == 1  # type: ignore[arg-type] # as above
    assert system.asked == [ENDS[:1]]
