"""The check of `core.browsers` for what browsers can reach: the API with its page, and the intake of alerts."""

import logging
import os
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Protocol
from urllib.parse import urlsplit

from core.browsers import Asked, BrowserReason, Refused, refusal

log = logging.getLogger(__name__)
_OF_GOOGLE = ("*.run.app", "*.cloudfunctions.net")
"""Google's front end takes no request to such a name but for the service that has it."""
STATUS = {
    BrowserReason.HOST: HTTPStatus.MISDIRECTED_REQUEST,
    BrowserReason.CROSS_SITE: HTTPStatus.FORBIDDEN,
}


class Named(Protocol):
    """Values by their names."""

    def get(self, key: str, /) -> str | None:
        """The value of a name; None where there is none."""


class Headed(Protocol):
    """A request of any framework, as far as its method and headers."""

    @property
    def method(self) -> str:
        """Of HTTP."""

    @property
    def headers(self) -> Named:
        """By their names in any case."""


def refused(request: Headed, environment: Mapping[str, str] = os.environ) -> Refused | None:
    """Why a request must not be handled; None if it may.

    Args:
        request: of anybody.
        environment: `AIA_API_URL` and `AIA_HOSTS` (names separated by commas) are names of the server; where `K_SERVICE` is set,
            as Cloud Run does, Google's names for its services are as well.
    """
    headers = request.headers
    return _refused(
        Asked(
            method=request.method,
            host=headers.get("Host"),
            origin=headers.get("Origin"),
            site=headers.get("Sec-Fetch-Site"),
        ),
        environment,
    )


def refused_to_watch(request: Headed, environment: Mapping[str, str] = os.environ) -> Refused | None:
    """Why a connection that stays open must not be made; None if it may.

    Another site's page can read a WebSocket: `Origin`, which browsers send with each of them, has to be that of this server.

    Args:
        request: as of `refused`.
        environment: as of `refused`.
    """
    headers = request.headers
    return _refused(
        Asked(method="CONNECT", host=headers.get("Host"), origin=headers.get("Origin"), site=None), environment
    )


def _refused(asked: Asked, environment: Mapping[str, str]) -> Refused | None:
    found = refusal(asked, tuple(_names(environment)))
    if found:
        log.warning("refused: %s", found.message)
    return found


def _names(environment: Mapping[str, str]) -> Iterator[str]:
    yield from (name for given in environment.get("AIA_HOSTS", "").split(",") if (name := given.strip().lower()))
    if own := _host(environment.get("AIA_API_URL", "")):
        yield own
    if "K_SERVICE" in environment:
        yield from _OF_GOOGLE


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
