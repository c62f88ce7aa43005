"""Probes of several requests, each of which may use what an earlier one answered."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from core.errors import Fault
from core.settings.declare import Faults, validator
from core.settings.network import url
from core.settings.notes import Default, Items, Mark, OneOf, Pattern, Range, Reads
from core.settings.probes.base import ConnectingProbe
from core.settings.probes.endpoints import shown_url
from core.settings.reader import Node, WrongError

CAPTURED = re.compile(r"\{\{([a-z][a-z0-9_]*)\}\}")
"""Stands for a captured value, as in `{{token}}`."""


def _template(node: Node) -> str:
    """A URL; captured values may stand in its path and query only, so that they do not decide where a request goes."""
    if not isinstance(node.value, str):
        raise WrongError("must be an http or https URL with a host")
    url(Node(node.reader, node.path, CAPTURED.sub("x", node.value)))
    if CAPTURED.search(urlsplit(node.value).netloc) or CAPTURED.search(node.value.partition("://")[0]):
        raise WrongError("must have captured values in its path and query only")
    return node.value


def _json(node: Node) -> Any:  # noqa: ANN401 - any JSON value
    return node.value


Path = Annotated[
    str,
    Pattern(r"[^.\x00-\x1f\x7f]+(?:\.[^.\x00-\x1f\x7f]+)*", "must be keys and indices with dots, as in 'items.0.id'"),
]
JsonValue = Annotated[Any, Reads(_json, "a JSON value", {})]
CaptureName = Annotated[str, Pattern(r"[a-z][a-z0-9_]{0,39}", "must be a name of small letters, digits and _")]
HeaderName = Annotated[str, Pattern(r"[A-Za-z0-9-]{1,100}", "must be the name of a header")]
HeaderValue = Annotated[str, Mark.SECRET, Pattern(r"[\x20-\x7e]{0,4000}", "must be printable text of ASCII")]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepExpect:
    """What a step of a journey expects."""

    status: Annotated[int | None, Range(100, 599), Default("200 to 299")] = None
    """Status code of the response."""
    body: str | None = None
    """Text that the response body must contain (no pattern)."""
    json: Mapping[Path, JsonValue] = field(default_factory=dict)
    """Values of the JSON of the body, by their paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of a journey; `{{name}}` in its URL, headers and body stands for a captured value."""

    method: Annotated[str, OneOf("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")] = "GET"
    """Method of the request."""
    url: Annotated[str, Reads(_template, "an http or https URL")] = field(repr=False)
    """URL of the request."""
    headers: Mapping[HeaderName, HeaderValue] = field(default_factory=dict, repr=False)
    """Headers of the request."""
    json: Annotated[JsonValue | None, Mark.SECRET, Default("no body")] = field(default=None, repr=False)
    """Body of the request, which is sent as JSON."""
    expect: StepExpect = field(default_factory=StepExpect)
    """What the step expects."""
    capture: Mapping[CaptureName, Path] = field(default_factory=dict)
    """Values of the JSON of the body that later steps use, with their paths."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyProbe(ConnectingProbe):
    """Whether requests, one after the other, respond as expected; cookies are not kept."""

    kind: ClassVar[str] = "journey"
    steps: Annotated[tuple[Step, ...], Items(at_least=1)]
    """The requests."""

    @property
    def where(self) -> str:
        """The URL of the first step, and how many there are."""
        return f"{shown_url(self.steps[0].url)} and {len(self.steps) - 1} more"


@validator(JourneyProbe, "steps")
def _what_is_used_was_captured(probe: JourneyProbe) -> Faults:
    known: set[str] = set()
    for index, step in enumerate(probe.steps):
        for name in CAPTURED.findall(f"{step.url} {dict(step.headers)} {step.json}"):
            if name not in known:
                yield Fault(f"steps[{index}]", "must use values that an earlier step captures", name)
        known |= step.capture.keys()
