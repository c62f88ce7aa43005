"""The section `experience`: whose pages report how people experience them."""

from dataclasses import dataclass
from typing import Annotated

from core.settings.notes import Items, Pattern

_Service = Annotated[
    str, Pattern(r"[a-z][a-z0-9-]{0,62}", "must be a name of at most 63 small letters, digits and dashes, as in 'shop'")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperienceSettings:
    """Reports of browsers to the API."""

    services: Annotated[tuple[_Service, ...], Items(unique=True)] = ()
    """Services whose pages report to the API, besides `aia`, its own pages: everybody who opens a page can report under any name, so that of all
    others the reports count as those of `other`."""
