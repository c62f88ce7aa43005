"""What every channel does, how it says what came of it, and what a kind of channels is."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from core.incidents.messages import Message
from core.settings import Channel as Setting
from functions.adapters.ports import Clock

S = TypeVar("S", bound=Setting)


class DeliveryOutcome(StrEnum):
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

    outcome: DeliveryOutcome
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


def one_call(_: Message) -> int:
    """The usual number of calls that a message takes."""
    return 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelKind(Generic[S]):
    """What the channels of one kind have in common.

    Attributes:
        open: makes a channel of its settings, the clock to read a `Retry-After`, and how many seconds a message may take.
        seconds: how many that usually are, far below the lease of an effect.
        gap: the least time between two messages.
        calls: how many calls of `per_minute` a message takes.
    """

    open: Callable[[S, Clock, float], Channel]
    seconds: float = 5.0
    gap: timedelta = timedelta(0)
    calls: Callable[[Message], int] = one_call
