"""The operations of `business` as typed methods. Written by `make openapi`: do not change it here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from functions.cli.api import path
from functions.cli.asking import Asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.services.api_schemas.business import Forecasts, Metrics


class BusinessClient(Asking):
    """Asks them."""

    __slots__ = ()

    def business_metrics(
        self,
        *,
        name: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Metrics:
        """Business metrics by day, of the last 30 days where no range is given, page by page."""
        return cast(
            "Metrics",
            self._ask(
                "GET", path("business", "metrics", name=name, since=since, until=until, limit=limit, cursor=cursor)
            ),
        )

    def forecasts(
        self,
        *,
        metric: Sequence[str] | None = None,
        subject: str | None = None,
        since: str | None = None,
        until: str | None = None,
        limit: int | None = None,
        cursor: str | None = None,
    ) -> Forecasts:
        """Every forecast that is kept, as it was made, and how right those before it were."""
        return cast(
            "Forecasts",
            self._ask(
                "GET",
                path("forecasts", metric=metric, subject=subject, since=since, until=until, limit=limit, cursor=cursor),
            ),
        )

    def settings(self) -> dict[str, Any]:
        """The settings as they hold, without what is secret."""
        return cast("dict[str, Any]", self._ask("GET", path("settings")))
