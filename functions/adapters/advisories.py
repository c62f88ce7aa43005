"""Advisories on packages, of https://osv.dev: by name and version, for many packages at once.

https://google.github.io/osv.dev/post-v1-querybatch/
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from core.errors import UnavailableError
from core.security.inventory import Dependency
from functions.adapters.json_api import JsonApi

if TYPE_CHECKING:
    import requests

URL = "https://api.osv.dev"
ECOSYSTEM = "PyPI"
AT_ONCE = 500
"""Packages of one request; the API takes up to 1000."""
PATIENCE = 20.0
"""Seconds that one request may take."""


class _Advisory(msgspec.Struct):
    id: str


class _Result(msgspec.Struct):
    vulns: tuple[_Advisory, ...] = ()


class _Answer(msgspec.Struct):
    results: tuple[_Result, ...]


class Advisories:
    """Looks up advisories.

    Args:
        open_session: opens the HTTP session at the first request.
        url: of the API.
        patience: seconds that one request may take.
        at_once: packages of one request.
    """

    def __init__(
        self,
        open_session: Callable[[], "requests.Session"],
        *,
        url: str = URL,
        patience: float = PATIENCE,
        at_once: int = AT_ONCE,
    ) -> None:
        self._at_once = at_once
        self._api = JsonApi("osv.dev", open_session, url=url, patience=patience)

    def of(self, packages: Sequence[Dependency]) -> Mapping[Dependency, Sequence[str]]:
        """The identifiers of the advisories on each package; of one with very many, those of the first page.

        Raises:
            QueryError: the API refuses the request.
            UnavailableError: it does not answer, or answers nonsense.
        """
        found = dict[Dependency, Sequence[str]]()
        for start in range(0, len(packages), self._at_once):
            batch = packages[start : start + self._at_once]
            body = {"queries": [_query(one) for one in batch]}
            results = self._api.post("/v1/querybatch", _Answer, body).results
            if len(results) != len(batch):
                raise UnavailableError(f"osv.dev: must answer {len(batch)} results, got {len(results)}")
            found |= {
                one: [advisory.id for advisory in result.vulns] for one, result in zip(batch, results, strict=True)
            }
        return found


def connect() -> Advisories:
    """The public API, which needs no credentials."""
    return Advisories(_session)


def _session() -> "requests.Session":
    import requests  # noqa: PLC0415 - with the first request

    return requests.Session()


def _query(package: Dependency) -> dict[str, object]:
    return {"package": {"ecosystem": ECOSYSTEM, "name": package.name}, "version": package.version}
