"""How often watchers are notified of one topic: at once after a quiet moment, then at a minimum interval, the last change included."""

from collections.abc import Iterable

from core.live.changes import Entry


class Pace:
    """Delays the changes of a topic that was handed out less than `interval` ago.

    A client that resumes gets the `LATE` seconds before its id again, so an interval far below that loses nothing at its cursor.

    Args:
        interval: the minimum seconds between two notifications of one topic.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval
        self._next: dict[str, float] = {}
        self._delayed: list[Entry] = []

    def put(self, entries: Iterable[Entry], now: float) -> list[Entry]:
        """Take entries; those to hand out now, with the delayed changes whose topics are due, in order.

        Args:
            entries: new ones; none to get only what was delayed.
            now: monotonic seconds.
        """
        given = [*self._delayed, *entries]
        topics = {change.topic for entry in given for change in entry.changes}
        due = {topic for topic in topics if self._next.get(topic, now) <= now}
        self._next |= dict.fromkeys(due, now + self._interval)
        self._delayed = _of_topics(given, topics - due)
        return _of_topics(given, due)

    @property
    def due(self) -> float | None:
        """When the first delayed change is to be handed out, in monotonic seconds; None where none is delayed."""
        topics = {change.topic for entry in self._delayed for change in entry.changes}
        return min((self._next[topic] for topic in topics), default=None)


def _of_topics(entries: Iterable[Entry], topics: set[str]) -> list[Entry]:
    """The entries with the changes of some topics only; without those that have none."""
    parts = (Entry(entry.id, tuple(one for one in entry.changes if one.topic in topics)) for entry in entries)
    return [part for part in parts if part.changes]
