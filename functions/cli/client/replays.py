"""The operations of `replays` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from functions.services.api_schemas.replay import Proposed, Replay


class ReplaysClient(Asking):
    """Asks them."""

    __slots__ = ()

    def start_replay(self, body: Proposed) -> Replay:
        """Replay what happened with other settings; an operation that goes on, and is kept for a day."""
        return cast("Replay", self._ask("POST", path("replay"), body))

    def replay(self, identifier: str) -> Replay:
        """A replay, and what would have been different."""
        return cast("Replay", self._ask("GET", path("replay", identifier)))
