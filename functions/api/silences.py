"""Silences as the page shows them, each with a warning where it matches no known target."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec

from core.incidents.routing import Silence, nearest, unmatched
from core.incidents.silences import LIMIT
from core.settings import Settings
from functions.adapters.ports import Clock, Data, Store
from functions.services.incidents.documents import SILENCES, SILENCES_KEY, read_silences


@dataclass(frozen=True, slots=True, kw_only=True)
class Silences:
    """Reads the silences.

    Attributes:
        store: has them.
        targets: the known targets, of the settings and of incidents.
        clock: now.
    """

    store: Store
    targets: Callable[[], Collection[str]]
    clock: Clock

    def held(self) -> list[Silence]:
        """The active silences, the first to end first."""
        document = self.store.get(SILENCES, SILENCES_KEY)
        now = self.clock()
        held = (silence for silence in read_silences(document.data if document else None) if silence.until > now)
        return sorted(held, key=lambda silence: (silence.until, silence.pattern))

    def all(self) -> list[Data]:
        """The active silences, each with its `warning`: empty, or that it matches no known target."""
        held = self.held()
        targets = self.targets() if held else ()
        return [
            msgspec.to_builtins(silence, builtin_types=(datetime,)) | {"warning": unmatched(silence.pattern, targets)}
            for silence in held
        ]

    def warning(self, pattern: str) -> str:
        """What to say about a pattern that matches no known target; empty where it matches."""
        return unmatched(pattern, self.targets())

    def nearest(self, pattern: str) -> str:
        """The known target that a pattern is most like; empty where it is like none."""
        return nearest(pattern, self.targets())

    def refusal(self) -> str:
        """Why no further silence is taken; empty where one is."""
        count = len(self.held())
        return f"silences: must be at most {LIMIT}, {count} hold; end one first" if count >= LIMIT else ""


def settings_targets(settings: Settings, models: Collection[str]) -> frozenset[str]:
    """The targets that the settings name, and those of the models as they are now."""
    own = (
        *(f"model/{name}" for name in models),
        *(f"probe/{probe.name}" for probe in settings.probes),
        *(f"channel/{channel.name}" for channel in settings.channels),
    )
    needed = (target for dependency in settings.dependencies for target in (dependency.target, dependency.needs))
    return frozenset((*own, *needed, *settings.revenue, *settings.resources))
