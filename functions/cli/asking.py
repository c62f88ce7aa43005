"""What the typed client of the API asks by."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from functions.cli.api import PATIENCE_SECONDS, call, fetch

Page = TypeVar("Page", bound=Mapping[str, Any])


def pages(ask: Callable[..., Page], **query: Any) -> Iterator[Page]:  # noqa: ANN401 - parameters of the method
    """Every page of a list, from the first on.

    Args:
        ask: the method of the client.
        query: its parameters.
    """
    page = ask(**query)
    yield page
    while cursor := page["next"]:
        page = ask(**query, cursor=cursor)
        yield page


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks the API at an address.

    Attributes:
        url: of the API.
        patience: seconds to wait for each part of an answer.
    """

    url: str
    patience: float = PATIENCE_SECONDS

    def _ask(self, method: str, address: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        return call(self.url.rstrip("/"), method, address, cast("dict[str, Any] | None", body), patience=self.patience)

    def _text(self, address: str) -> str:
        return fetch(self.url.rstrip("/"), address, patience=self.patience).decode()
