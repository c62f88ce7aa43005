"""What the typed client of the API asks by."""

from dataclasses import dataclass
from typing import Any, cast

from functions.cli.api import PATIENCE_SECONDS, call, fetch


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
