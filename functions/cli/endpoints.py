"""The paths of the API that the commands about incidents, actions, silences, pipelines and probes call."""

import urllib.parse
from typing import Final

ROOT: Final = "/v1"


def path(*parts: str, **query: str | int | None) -> str:
    """The path of a resource, each part of it quoted; parts of the query that are None are left out.

    >>> path("incidents", "a/b", limit=5, name=None)
    '/v1/incidents/a%2Fb?limit=5'
    """
    given = urllib.parse.urlencode({name: value for name, value in query.items() if value is not None})
    address = "/".join((ROOT, *(urllib.parse.quote(part, safe="") for part in parts)))
    return f"{address}?{given}" if given else address
