"""Stories of promotions: some days of ticks and commands over tables in memory, in which the process may be killed at any call."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from core.errors import BusyError, ConflictError, RefusedError, UnavailableError
from core.events import Command, Tick, Verb
from core.settings import Promotion
from functions.adapters.ports import Data
from functions.services.promotions import COLLECTION, read_record
from tests.support.crash.breaking import KilledError
from tests.support.fakes.promotions import MODEL, Tables, give, tick

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = Promotion(minimum=100, maximum=10_000, auto=True)
SHADOWED = replace(MODEL, promotion=POLICY)
BETTER: Data = {"n": 5000, "wins": 300, "losses": 200, "total": 100.0, "squares": 500.0}
WORSE: Data = BETTER | {"wins": 200, "losses": 300}
EVEN: Data = BETTER | {"wins": 250, "losses": 250}
_ATTEMPTS = 30
_BREAKS = 3
"""Of these attempts, the first ones may be killed."""


@dataclass
class Story:
    """What happens outside.

    Attributes:
        events: in order.
        registered: instants of registration, by version.
        pairs: how challengers do.
        outside: what others do at instants, in order.
    """

    events: list[Tick | Command]
    registered: dict[str, datetime]
    pairs: dict[str, Data]
    outside: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)


def command(verb: Verb, at: datetime, to: str = "") -> Command:
    """A person commands."""
    return Command(verb=verb, subject=MODEL.name, by="ann", at=at, note="asked for", to=to)


def story(seed: int) -> Story:
    """Events of some days, the versions that are registered, and how their pairs go."""
    chosen = random.Random(seed)
    registered = {"7": AT - DAY}
    pairs = {}
    for number in range(8, 8 + chosen.randint(1, 4)):
        registered[str(number)] = AT + chosen.randint(0, 96) * HOUR + timedelta(minutes=number)
        pairs[str(number)] = chosen.choice([BETTER, BETTER, WORSE, EVEN])
    events: list[Tick | Command] = [tick(AT + hour * HOUR) for hour in range(0, 144, 3)]
    for _ in range(chosen.randint(0, 4)):
        verb = chosen.choice([Verb.PROMOTE, Verb.ROLL_BACK])
        events.append(command(verb, AT + timedelta(minutes=chosen.randint(0, 140 * 60))))
    return Story(sorted(events, key=instant), registered, pairs)


def instant(event: Tick | Command) -> datetime:
    """When an event happens."""
    return event.scheduled_at if isinstance(event, Tick) else event.at


def play(
    seed: int, told: Story, world: Tables, *, killed: bool, check: Callable[[Tables], None], unavailable: bool = False
) -> Tables:
    """Deliver the events of a story; where the process is killed, or the outside does not answer, again, until it is confirmed.

    Args:
        seed: of the kills.
        told: what happens.
        world: in which.
        killed: whether the process is killed at all.
        check: of what must hold after each event.
        unavailable: whether some calls are not answered as well.
    """
    chosen = random.Random(seed)
    world.pairs = told.pairs
    outside = [*told.outside]
    for event in told.events:
        world.now = instant(event)
        world.registered = {name: at for name, at in told.registered.items() if at <= world.now}
        while outside and outside[0][0] <= world.now:
            outside.pop(0)[1]()
        for attempt in range(_ATTEMPTS):
            breaks = killed and attempt < _BREAKS
            world.kill_at = world.boundaries + chosen.randint(1, 40) if breaks else 0
            world.chance = chosen.random if breaks and unavailable else lambda: 1.0
            world.dead = False
            try:
                give(world, SHADOWED, event)
            except (KilledError, UnavailableError, ConflictError, BusyError):
                continue
            except RefusedError:
                pass
            if not killed or chosen.random() < 0.7:  # otherwise it is delivered again
                break
        check(world)
    return world


def check_shares(world: Tables) -> None:
    """Whatever is written in full has traffic that sums to 100."""
    held = {"champion": ("7", 100), "challenger": (None, 0)} | world.holders()
    if not read_record(world.documents.get((COLLECTION, MODEL.name))).unsent:
        assert sum(share for _, share in held.values()) == 100
