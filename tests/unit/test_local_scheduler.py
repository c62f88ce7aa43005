"""When the local scheduler ticks."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.local.scheduler import Scheduler
from tests.support.servers.stack import eventually


class Recorded(Scheduler):
    """Keeps what it would publish; a schedule is a number of seconds."""

    heard: list[str]

    def publish(self, job: str) -> None:
        self.heard.append(job)

    @staticmethod
    def _next(cron: str, after: datetime) -> datetime:
        return after + timedelta(seconds=float(cron))


def test_what_is_asked_for_soon_ticks_then_even_just_after_its_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    soon = {"often": timedelta(seconds=0.6), "seldom": timedelta(seconds=0.1)}
    scheduler = Recorded({"often": "0.4", "seldom": "600"}, "topic", soon)
    scheduler.heard = []
    scheduler.start()
    eventually(lambda: len(scheduler.heard) > 5, "ticks", within=10)
    scheduler.stop()
    assert scheduler.heard[:2] == ["often", "seldom"], "each at once"
    assert scheduler.heard[2:6] == ["seldom", "often", "often", "often"]
    assert "seldom" not in scheduler.heard[3:]


def test_a_clock_that_is_set_back_stops_no_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBSUB_EMULATOR_HOST", "127.0.0.1:9")
    ahead = timedelta(hours=1)
    scheduler = Recorded({"often": "0.1"}, "topic", clock=lambda: datetime.now(UTC) + ahead)
    scheduler.heard = []
    scheduler.start()
    eventually(lambda: len(scheduler.heard) > 2, "ticks", within=10)
    ahead = timedelta(0)
    since = len(scheduler.heard)
    eventually(lambda: len(scheduler.heard) > since + 3, "ticks by the clock that was set back", within=20)
    scheduler.stop()
