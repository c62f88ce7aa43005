"""Channels as the page shows them: which there are, which fail, and the answer to the newest test message of each."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from core.settings import Channel
from functions.adapters.ports import Clock, Data, Store
from functions.services.incidents.channel_tests import COLLECTION
from functions.services.incidents.delivery import FailingChannels, failing_channels

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Channels:
    """Reads what the functions that notify know of their channels.

    Args:
        settings: of the channels.
        store: has their conditions and tests.
        clock: for the age of what is cached.
    """

    settings: Iterable[Channel]
    store: Store
    clock: Clock
    _failing: FailingChannels = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_failing", failing_channels(self.store, self.clock))

    def all(self) -> list[Data]:
        """Every channel, in the order of the settings."""
        failing = self._failing()
        tests = self.store.get_many(COLLECTION, [one.name for one in self.settings])
        return [
            {
                "name": one.name,
                "kind": one.kind,
                "failing": one.name in failing,
                "test": tests[one.name].data if one.name in tests else None,
            }
            for one in self.settings
        ]

    def check(self, name: str) -> None:
        """Raise `LookupError` where there is no channel of this name."""
        if name not in {one.name for one in self.settings}:
            raise LookupError(f"channel: none is called {name[:_SHOWN]!r}")
