"""The chain of reasons of an incident: its links and chapters."""

from dataclasses import dataclass
from datetime import datetime

NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One link of the chain.

    Attributes:
        text: what was found, decided or done, in one line.
        why: the reason, in one line; empty where the text has it.
        at: when, or None for what holds now.
    """

    text: str
    why: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """A part of the chain: the answer to one question."""

    title: str
    links: tuple[Link, ...]
