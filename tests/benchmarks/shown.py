"""What the pages of a stack still lack, asked through its API as a browser does."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from infra.local import unavailable_metrics
from infra.local.outcome import MODEL
from tests.support.servers.stack import LocalStack, listens

DAY = 86_400
PAST = (
    *("aia_drift_", "aia_prediction_drift_", "aia_model_accuracy_", "aia_model_measure_", "aia_data_quality_"),
    *("aia_revenue_", "aia_forecast_", "aia_customer", "aia_market_", "aia_payment", "aia_cost_", "aia_stakeholder_"),
    *("aia_experience_sessions", "aia_orders_newest_", "aia_business_data_issues"),
)
"""How the names of the metrics begin that have a past: a tile of one shows it before anything live is there."""
OLDER = 14 * DAY
"""Seconds: so old the oldest point of such a chart must be at least, where the stack has so many days."""
_FINEST = 15


@dataclass(slots=True)
class Shown:
    """Asks again only for what was not there the last time.

    Attributes:
        stack: whose pages.
        lacks: what is not there yet, by name, with the reason.
        tiles: those that lack something, by dashboard and index; None before they are known.
    """

    stack: LocalStack
    lacks: dict[str, str] = field(default_factory=dict)
    tiles: dict[tuple[str, int], dict[str, Any]] | None = None

    def answers(self) -> bool:
        """Whether the first page does."""
        try:
            with urllib.request.urlopen(self.stack.url("page"), timeout=5) as response:
                return response.status == 200  # type: ignore[no-any-return]
        except OSError:
            return False

    def weeks(self) -> bool:
        """Whether the newest weeks are on every dashboard, the model on the first page, and its incident told."""
        return self._shown(self._told, past=True)

    def everything(self) -> bool:
        """Whether every query of every dashboard has data as well; what is a rate needs some scrapes."""
        return self._shown(past=False)

    def _shown(self, *more: Callable[[], None], past: bool) -> bool:
        self.lacks = {}
        if not listens(self.stack.ports["prometheus"]):  # asking for each tile would cost the stack its time
            self.lacks["Prometheus"] = "does not answer"
            return False
        try:
            self._boards(past=past)
            self._model()
            for check in more:
                check()
        except (OSError, LookupError, ValueError) as error:
            self.lacks["api"] = repr(error)
        return not self.lacks

    def history(self) -> dict[str, Any] | None:
        """How far the past is; None where nothing is told of it."""
        try:
            found: dict[str, Any] | None = self.stack.get("/v1/backfills")["history"]
        except (OSError, LookupError, ValueError):
            return None
        return found

    def _boards(self, *, past: bool) -> None:
        if self.tiles is None:
            names = [one["name"] for one in self.stack.get("/v1/dashboards")]
            layouts = {name: self.stack.get(f"/v1/dashboards/{name}")["tiles"] for name in names}
            self.tiles = {
                (name, tile["index"]): tile for name, tiles in layouts.items() for tile in tiles if tile.get("sets")
            }
        for (name, index), tile in list(self.tiles.items()):
            if past and not _has_past(tile):
                continue
            if why := self._fault(name, index, tile):
                self.lacks[f"{name}, {tile['title']}"] = why
            else:
                del self.tiles[name, index]

    def _fault(self, name: str, index: int, tile: dict[str, Any]) -> str:
        path = f"/v1/dashboards/{name}/tiles/{index}"
        queries = [one["query"] for one in tile["sets"]]
        try:
            now = self.stack.get(f"{path}?step={_FINEST}")["sets"]
            faults = [
                unavailable_metrics.fault(query, has_data=_values(one)) for query, one in zip(queries, now, strict=True)
            ]
            if any(faults):
                return "; ".join(filter(None, faults))
            if tile["kind"] != "chart" or not self._has_weeks or not _has_past(tile):
                return ""
            end = int(time.time()) - OLDER
            past = self.stack.get(f"{path}?start={end - 16 * DAY}&end={end}&step=3600")["sets"]
        except urllib.error.HTTPError as error:
            return str(json.load(error)["detail"])
        return "" if any(map(_values, past)) else f"no point older than {OLDER // DAY} days"

    @property
    def _has_weeks(self) -> bool:
        return self.stack.days > OLDER // DAY

    def _model(self) -> None:
        found = {one["name"]: one for one in self.stack.get("/v1/models")}
        if found[MODEL]["window_end"] is None:
            self.lacks["model"] = "not scored"
        elif self._has_weeks and len(self.stack.get(f"/v1/models/{MODEL}/drift?days=30")["days"]) <= OLDER // DAY:
            self.lacks["model"] = "no weeks of drift"

    def _told(self) -> None:
        found = [one for one in self.stack.incidents(f"model/{MODEL}") if one["state"] != "resolved"]
        if not found:
            self.lacks["incident"] = f"none is open of {MODEL}"
        elif not self.stack.inbox(found[0]["id"]):
            self.lacks["message"] = f"none about {found[0]['id']}"


def _has_past(tile: dict[str, Any]) -> bool:
    return any(metric in one["query"] for one in tile["sets"] for metric in PAST)


def _values(one: dict[str, Any]) -> bool:
    newest = [sample["value"] for sample in one["now"]]
    return any(
        value is not None for values in (newest, *(each["values"] for each in one["series"])) for value in values
    )
