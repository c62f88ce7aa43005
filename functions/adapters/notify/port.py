"""What every channel does, and how it says what came of it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.incidents.messages import Message


class Outcome(StrEnum):
    """What came of a message."""

    DELIVERED = "delivered"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the channel answered.

    Attributes:
        outcome: delivered, or refused for good: sending it again would not help.
        detail: for the timeline of the incident; holds no secret.
    """

    outcome: Outcome
    detail: str = ""


class Channel(Protocol):
    """One way to tell people."""

    def send(self, message: Message) -> Receipt:
        """Send one message; the receiver tells a repeated one by its key.

        Raises:
            LimitedError: not before an instant, which it names: a rate is used up, or the receiver asked to wait.
            UnavailableError: not now; the message names the channel, and never its address, which may hold a secret.
        """
        ...
