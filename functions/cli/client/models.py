"""The operations of `models` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from functions.services.api_schemas.bodies import Promoted, Reasoned
    from functions.services.api_schemas.incidents import Accepted
    from functions.services.api_schemas.models import (
        Distributions,
        Drift,
        Experiment,
        History,
        Model,
        ModelChange,
        ModelSettings,
        Overview,
        Performance,
        TrainingRequest,
        Trainings,
        VersionDifference,
        Versions,
    )


class ModelsClient(Asking):
    """Asks them."""

    __slots__ = ()

    def models(self) -> list[Model]:
        """Models with their newest window."""
        return cast("list[Model]", self._ask("GET", path("models")))

    def model(self, name: str) -> ModelSettings:
        """Where the settings of a model are, and those of the table."""
        return cast("ModelSettings", self._ask("GET", path("models", name)))

    def put_model(self, name: str, body: dict[str, Any], *, by: str | None = None) -> ModelChange:
        """Create or change a model of the table."""
        return cast("ModelChange", self._ask("PUT", path("models", name, by=by), body))

    def remove_model(self, name: str, *, by: str | None = None) -> ModelChange:
        """Remove a model of the table."""
        return cast("ModelChange", self._ask("DELETE", path("models", name, by=by)))

    def drift(self, name: str, *, since: str | None = None, until: str | None = None, days: int | None = None) -> Drift:
        """Drift of a model by feature and day."""
        return cast("Drift", self._ask("GET", path("models", name, "drift", since=since, until=until, days=days)))

    def performance(
        self, name: str, *, since: str | None = None, until: str | None = None, days: int | None = None
    ) -> Performance:
        """Every measure of the performance of a model by day."""
        return cast(
            "Performance", self._ask("GET", path("models", name, "performance", since=since, until=until, days=days))
        )

    def model_overview(self, name: str) -> Overview:
        """A model with its verdicts and open incidents."""
        return cast("Overview", self._ask("GET", path("models", name, "overview")))

    def model_history(
        self, name: str, *, since: str | None = None, until: str | None = None, days: int | None = None
    ) -> History:
        """Drift, performance, costs, versions and incidents of a model by day."""
        return cast("History", self._ask("GET", path("models", name, "history", since=since, until=until, days=days)))

    def distributions(self, name: str) -> Distributions:
        """The features of the newest window beside the reference."""
        return cast("Distributions", self._ask("GET", path("models", name, "distributions")))

    def versions(self, name: str, *, since: str | None = None, until: str | None = None) -> Versions:
        """The versions of a model, and the changes of their aliases."""
        return cast("Versions", self._ask("GET", path("models", name, "versions", since=since, until=until)))

    def version_difference(self, name: str, before: str, after: str) -> VersionDifference:
        """How two versions of a model differ."""
        return cast("VersionDifference", self._ask("GET", path("models", name, "versions", before, "diff", after)))

    def trainings(self, name: str, *, since: str | None = None, until: str | None = None) -> Trainings:
        """The trainings of a model, and their results."""
        return cast("Trainings", self._ask("GET", path("models", name, "trainings", since=since, until=until)))

    def retrain(self, name: str, body: Reasoned) -> TrainingRequest:
        """Request a training on the newest data."""
        return cast("TrainingRequest", self._ask("POST", path("models", name, "retrain"), body))

    def experiment(self, name: str) -> Experiment:
        """The newest experiment of a model, and its promotion."""
        return cast("Experiment", self._ask("GET", path("models", name, "experiment")))

    def promote(self, name: str, body: Promoted) -> Accepted:
        """Promote a version, by default the challenger."""
        return cast("Accepted", self._ask("POST", path("models", name, "promote"), body))

    def roll_back(self, name: str, body: Reasoned) -> Accepted:
        """Give all traffic to the version that was in use before."""
        return cast("Accepted", self._ask("POST", path("models", name, "rollback"), body))
