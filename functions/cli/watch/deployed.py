"""The running system that a log is given to: its API, its project, and its clients."""

import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from core.onboarding import OnboardingError
from functions.adapters.ports import BulkBus, Warehouse
from functions.cli.api import Json, RefusedError, is_loopback, login
from functions.cli.client import Client

if TYPE_CHECKING:
    from google.cloud import bigquery

    from functions.services.api_schemas.system import Deployment

_PATIENCE_SECONDS: Final = 15.0
_FORBIDDEN: Final = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A running system.

    Attributes:
        url: of its API.
        project: of Google Cloud.
        is_local: whether it runs on this machine, with emulators.
    """

    url: str
    project: str
    is_local: bool

    @classmethod
    def at(cls, url: str, project: str | None = None) -> "Deployed":
        """The system whose API answers at an address; on this machine its emulators are used from here on.

        Raises:
            RefusedError: it does not answer, or is that of another project than the one that is given.
        """
        found = Client(url).deployment()
        if project not in {None, found["project"]}:
            raise RefusedError(
                f"--project: must be {found['project']}, of which {url} is the API, got {project}; --url or AIA_API_URL names another API"
            )
        return cls.told(url, found)

    @classmethod
    def told(cls, url: str, told: "Deployment") -> "Deployed":
        """The system that `/v1/deployment` of an address tells of."""
        is_local = is_loopback(url) and bool(told["emulators"])
        if is_local:
            os.environ.update({"GOOGLE_CLOUD_PROJECT": told["project"], **told["emulators"]})
        return cls(url=url, project=told["project"], is_local=is_local)

    def model(self, name: str) -> Json | None:
        """The settings of a model of the table, or None where there is none of the name.

        Raises:
            OnboardingError: monitoring.yaml has a model of the name.
        """
        try:
            found = Client(self.url).model(name)
        except RefusedError as error:
            if "no model is called" in str(error):
                return None
            raise
        if "settings" not in found:
            raise OnboardingError(f"--name: must not be that of a model of infra/monitoring.yaml, got {name!r}")
        return found["settings"]

    def require_right(self, name: str) -> None:
        """Ask whether a model may be created or changed, before anything is made for it.

        Raises:
            RefusedError: the API does not let the caller do that.
        """
        try:
            # No settings are valid of no model: nothing is changed, and the server itself says who may.
            Client(self.url).put_model(name, {}, by=login())
        except RefusedError as error:
            if getattr(error.__cause__, "code", None) in _FORBIDDEN:
                raise

    def apply(self, settings: Json) -> str:
        """Create or change a model; what that did."""
        return Client(self.url).put_model(settings["name"], settings, by=login())["change"]

    def remove(self, name: str) -> None:
        """Remove a model of the table."""
        Client(self.url).remove_model(name, by=login())

    def bigquery(self) -> "bigquery.Client":
        """BigQuery's own client, for tables and load jobs."""
        from google.cloud import bigquery  # noqa: PLC0415 - slow to import, and what can be refused is refused before

        return bigquery.Client(project=self.project)

    def warehouse(self) -> Warehouse:
        """The warehouse, for statements."""
        from functions.adapters.warehouse import open_warehouse  # noqa: PLC0415 - as above

        return open_warehouse(self.project, "cli")

    def bus(self) -> BulkBus:
        """The bus."""
        from functions.adapters.bus import open_bus  # noqa: PLC0415 - as above

        return open_bus(self.project, patience=_PATIENCE_SECONDS)
