"""The settings of models over HTTP: what is monitored, created, changed and removed without a deployment."""

from dataclasses import dataclass

import msgspec
from werkzeug.exceptions import Conflict

from core.errors import ConflictError, Fault, SettingsError
from functions.adapters.ports import Data
from functions.api.body import BodyError, mapping
from functions.api.request import Request
from functions.services.api_schemas.bodies import LONGEST_NAME
from functions.services.models import LARGEST, SETTINGS, TABLE, Change, Models


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """Reads and changes the settings of models.

    Attributes:
        models: of the deployment.
    """

    models: Models

    def one(self, name: str) -> Data:
        """Where the settings of a model are, and those of the table; `LookupError` where there is no such model."""
        if name in {model.name for model in self.models.given}:
            return {"name": name, "source": SETTINGS}
        entry = self.models.entries(fresh=True).get(name)
        if entry is None or entry.settings is None:
            raise LookupError(f"model: no model is called {name[:80]!r}")
        told = {"changed_at": entry.changed_at, "changed_by": entry.changed_by, "issue": entry.issue}
        return {"name": name, "source": TABLE, "settings": msgspec.Raw(entry.settings.encode())} | told

    def put(self, request: Request, name: str) -> Data:
        """Create a model of the table, or change it.

        Raises:
            BodyError: the settings are not valid; every error is listed.
            Conflict: monitoring.yaml has a model of this name.
            UnavailableError: the warehouse does not answer.
        """
        settings, by = mapping(request, LARGEST), _by(request)
        if settings.setdefault("name", name) != name:
            raise BodyError([Fault("name", f"must be {name!r}, as in the address", settings["name"])])
        try:
            return _told(name, self.models.put(settings, by))
        except SettingsError as error:
            raise BodyError(list(error.faults)) from error
        except ConflictError as error:
            raise Conflict(str(error)) from error

    def remove(self, request: Request, name: str) -> Data:
        """Remove a model of the table; raises as `put` does, and `LookupError` where there is no such model."""
        try:
            return _told(name, self.models.remove(name, _by(request)))
        except ConflictError as error:
            raise Conflict(str(error)) from error


def _told(name: str, change: Change) -> Data:
    return {"name": name, "change": change.value}


def _by(request: Request) -> str:
    """Who changes it: the person who is signed in, or else whom the parameter `by` names."""
    if request.person:
        return request.person
    by = request.args.get("by", "").strip()
    if not by or len(by) > LONGEST_NAME or not by.isprintable():
        raise BodyError([Fault("by", f"must be 1 to {LONGEST_NAME} printable characters", by[:LONGEST_NAME])])
    return by
