"""The tables of the warehouse that requests may have written, by what the requests say."""

import json
import re
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

_STREAMED = re.compile(r"/datasets/(\w+)/tables/(\w+)/insertAll$")
_DATA_OF_UPLOAD = "PUT"
"""What it is for was said by the request that announced it."""
_WRITES = re.compile(r"\b(?:INSERT|MERGE|UPDATE|DELETE|TRUNCATE)\b", re.IGNORECASE)
_DEFINES = re.compile(r"\b(?:CREATE|ALTER|DROP|EXECUTE|CALL)\b", re.IGNORECASE)
_NAME = re.compile(r"(\w+)\.(\w+)(?![\w.])")
"""The last two parts of a path of two or three."""


def written(method: str, path: str, body: bytes | str | None) -> frozenset[str] | None:
    """The tables that a request of the REST API may write, more rather than less, as DATASET.TABLE.

    Returns:
        The tables; None where it may create, change or drop any, or is none that is known here.
    """
    if method in {"GET", _DATA_OF_UPLOAD}:
        return frozenset()
    if found := _STREAMED.search(path):
        return frozenset({".".join(found.groups())})
    try:
        asked = json.loads(body or "{}")
    except ValueError:
        return None
    asked = asked.get("configuration", asked)
    if "load" in asked:
        return frozenset({_spelt(asked["load"]["destinationTable"])})
    sql = asked.get("query")
    return None if sql is None else _changed(sql["query"] if isinstance(sql, dict) else sql)


def _changed(sql: str) -> frozenset[str] | None:
    if _DEFINES.search(sql):
        return None
    names = _NAME.findall(sql.replace("`", "")) if _WRITES.search(sql) else []
    return frozenset(f"{dataset}.{table}" for dataset, table in names)


def _spelt(table: dict[str, Any]) -> str:
    return f"{table['datasetId']}.{table['tableId']}"


class Writes(HTTPAdapter):
    """Passes on the requests of a client, and remembers what they may have written.

    Attributes:
        tables: these tables.
        any: whether there may be others, and others than the defined ones.
    """

    def __init__(self) -> None:
        super().__init__()
        self.forget()
        self.any = True

    def forget(self) -> None:
        """Begin anew."""
        self.tables: set[str] = set()
        self.any = False

    def send(self, request: PreparedRequest, *given: Any, **named: Any) -> Response:
        """Send a request; see the class of the library."""
        path = (request.url or "").partition("?")[0]
        body = request.body if isinstance(request.body, (bytes, str)) else None
        tables = written(request.method or "", path, body)
        self.any |= tables is None
        self.tables |= tables or set()
        return super().send(request, *given, **named)
