"""The section `opentelemetry`: what is stored of what applications send, and how many series it may become."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from core.settings.generation import Prices
from core.settings.notes import Items, Pattern, Range

_Attribute = Annotated[str, Pattern(r"[A-Za-z][A-Za-z0-9_.-]{0,99}", "must be the name of an attribute")]
_Origin = Annotated[
    str, Pattern(r"https?://[A-Za-z0-9.:-]{1,253}", "must be an origin, as in 'https://shop.example.com'")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTelemetry:
    """Spans, metrics and log records that applications send by OTLP."""

    attributes: Annotated[tuple[_Attribute, ...], Items(unique=True)] = ()
    """Attributes that are stored beside those of the guide, by their newer names."""
    log_bodies: bool = False
    """Whether bodies of log records are stored, without secrets."""
    allowed_origins: Annotated[tuple[_Origin, ...], Items(unique=True)] = ()
    """Origins whose pages may send from a browser."""
    prices: Mapping[str, Prices] = field(default_factory=dict)
    """Prices of tokens by model, where spans do not say what a request cost."""
    services: Annotated[int, Range(1, 1000)] = 100
    """Number of services that are measured by name, those with the most operations; the others are `other`. Of further metrics, those with the most series are measured."""
    names: Annotated[int, Range(1, 1000)] = 50
    """Number of routes, agents, tools and other names that are measured for each service and kind of operation, and of further metrics for each service."""
    loop: Annotated[int, Range(2, 10_000)] = 10
    """Calls of one tool by one task of an agent from which on it is a loop."""
    minimum_operations: Annotated[int, Range(1, 1_000_000)] = 20
    """With fewer operations in five minutes neither their error ratio nor their latency is known."""
