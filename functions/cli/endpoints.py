"""The paths of the API, for the typed client and the commands that call it."""

import urllib.parse
from collections.abc import Sequence
from typing import Final

ROOT: Final = "/v1"


def path(*parts: str | int, **query: str | int | Sequence[str] | None) -> str:
    """The path of a resource, each part of it quoted; parts of the query that are None are left out, and lists have commas.

    >>> path("incidents", "a/b", limit=5, name=None, state=["open", "merged"])
    '/v1/incidents/a%2Fb?limit=5&state=open%2Cmerged'
    """
    told = {
        name: value if isinstance(value, str | int) else ",".join(value)
        for name, value in query.items()
        if value is not None
    }
    address = "/".join((ROOT, *(urllib.parse.quote(str(part), safe="") for part in parts)))
    return f"{address}?{urllib.parse.urlencode(told)}" if told else address
