"""What a format of foreign alerts is: each is a module of `formats`, which declares one as `FORMAT`."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from functions.alert_intake.alert import Outcome
from functions.alert_intake.reading import Json


@dataclass(frozen=True, slots=True)
class Format:
    """One format.

    Attributes:
        name: for people, and of the sender where an alert cannot be read.
        recognise: whether a body is of it.
        findings: the content of a recognised body, in order, received at an instant.
        replicated: whether `findings` also takes `replicas`, the labels that name one of several senders.
        turn: when it is tried: formats of a vendor first (0), our own next (1), what resembles many last (2).
    """

    name: str
    recognise: Callable[[Json], bool]
    findings: Callable[..., Iterable[Outcome]]
    turn: int = 0
    replicated: bool = False
