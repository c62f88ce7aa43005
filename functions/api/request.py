"""A request as the services read it: its body has arrived, and who asks is known."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.types import Scope

from core.access import Role


@dataclass(kw_only=True)
class Request:
    """What a client asks.

    Attributes:
        method: of HTTP.
        path: with its escapes decoded.
        args: the parameters of the query.
        headers: by their names in any case.
        body: the bytes that arrived.
        person: whose identity was verified; empty where nobody's was.
        verified: whether that identity is of one of several people, and not of whoever runs the local system.
        unproven: whether people are verified here, and this one was not.
        role: of whoever asks.
        token: the id of the API token that it shows; empty where there is none.
        token_until: when that expires.
        values: the parameters of the query that its operation has, as they were read.
    """

    method: str = "GET"
    path: str = "/"
    args: Mapping[str, str] = field(default_factory=dict)
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    person: str = ""
    verified: bool = False
    unproven: bool = False
    role: Callable[[], Role] = lambda: Role.VIEWER
    token: str = ""
    token_until: datetime | None = None
    values: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name."""
        return cookie_parser(self.headers.get("Cookie", ""))

    @property
    def mimetype(self) -> str:
        """The content type without its parameters, in small letters."""
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def takes_gzip(self) -> bool:
        """Whether the answer may be compressed."""
        return _quality(self.headers.get("Accept-Encoding", ""), "gzip") > 0

    @property
    def prefers_html(self) -> bool:
        """Whether it is a browser's navigation, not a script's."""
        accepted = self.headers.get("Accept", "")
        return _quality(accepted, "text/html") > _quality(accepted, "application/json")


def of_scope(scope: Scope) -> Request:
    """The request of an ASGI connection, before its body is read."""
    return Request(
        method=scope.get("method", "GET"),
        path=scope["path"],
        args=_first_values(QueryParams(scope["query_string"])),
        headers=Headers(scope=scope),
    )


def _first_values(given: QueryParams) -> dict[str, str]:
    """The first value of each parameter."""
    found: dict[str, str] = {}
    for name, value in given.multi_items():
        found.setdefault(name, value)
    return found


def _quality(accepted: str, wanted: str) -> float:
    """The weight of a value in a header of the kind of `Accept`; the most specific entry says it.

    >>> _quality("gzip;q=0, br", "gzip"), _quality("text/html, */*;q=0.8", "application/json"), _quality("", "gzip")
    (0.0, 0.8, 0.0)
    """
    weights = dict(_weights(accepted))
    kind = wanted.partition("/")[0]
    return next((weights[name] for name in (wanted, f"{kind}/*", "*/*", "*") if name in weights), 0.0)


def _weights(accepted: str) -> Iterator[tuple[str, float]]:
    for part in accepted.lower().split(","):
        name, *parameters = (one.strip() for one in part.split(";"))
        given = next((one[2:] for one in parameters if one.startswith("q=")), "1")
        try:
            yield name, float(given)
        except ValueError:
            yield name, 0.0
