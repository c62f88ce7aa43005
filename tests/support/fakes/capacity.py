"""In the place of Prometheus: the memory of a service that leaks, its replicas, and a metric that is as usual."""

from dataclasses import dataclass, field

from core.capacity.forecast import HISTORY
from core.errors import UnavailableError
from core.settings import CapacityResource, Scaling
from functions.adapters.prometheus import Series

RESOURCE = CapacityResource(
    name="api-memory",
    target="service/api",
    query="memory",
    limit=100.0,
    unit="bytes",
    fail_after=1,
    recover_after=1,
    scaling=Scaling(replicas="replicas", maximum=6, dollars_per_hour=0.5),
)


@dataclass
class Leak:
    """Memory that is `value` at the instant `reached` and has grown by `slope` every five minutes until `freed`.

    Attributes:
        value: of the newest step at `since`.
        slope: growth of a step.
        since: in seconds since 1970; None for the end of each range that is asked for.
        down: whether nothing answers.
        unknown: steps at the end without a value.
        more: further series of the same query.
        asked: the queries.
    """

    value: float = 95.0
    slope: float = 0.6
    since: int | None = None
    down: bool = False
    unknown: int = 0
    more: int = 0
    asked: list[str] = field(default_factory=list)

    def instant(self, query: str, *, at: int) -> list[Series]:
        self._ask(query)
        return [Series(labels={}, values=(2.0,))]

    def range(self, query: str, *, start: int, end: int, step: int) -> list[Series]:
        self._ask(query)
        steps = range(start, end + 1, step)
        assert len(steps) == HISTORY
        if query != "memory":
            return [Series(labels={"probe": "api"}, values=tuple(float(place % 3) for place in range(len(steps))))]
        since = end if self.since is None else self.since
        values: list[float | None] = [max(self.value - self.slope * ((since - at) / step), 5.0) for at in steps]
        if self.unknown:
            values[-self.unknown :] = [None] * self.unknown
        return [Series(labels={}, values=tuple(values)) for _ in range(1 + self.more)]

    def _ask(self, query: str) -> None:
        self.asked.append(query)
        if self.down:
            raise UnavailableError("Prometheus: does not answer")
