"""What the typed client of the API asks by."""

from dataclasses import dataclass
from typing import Any, cast

from functions.cli.api import call, fetch


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks the API at an address.

    Attributes:
        url: of the API.
    """

    url: str

    def _ask(self, method: str, address: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        return call(self.url.rstrip("/"), method, address, cast("dict[str, Any] | None", body))

    def _text(self, address: str) -> str:
        return fetch(self.url.rstrip("/"), address).decode()
