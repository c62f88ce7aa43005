"""Google's Recommender API: the recommendations on costs that it has for some projects and locations.

https://cloud.google.com/recommender/docs/reference/rest/v1/projects.locations.recommenders.recommendations/list
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from core.business.recommendations import MONTH_DAYS, Confidence, CostScope, Recommendation, RecommendationKind
from core.text import clean
from functions.adapters.json_api import PATIENCE, JsonApi, authorized

if TYPE_CHECKING:
    import requests

URL = "https://recommender.googleapis.com"
PAGES = 20
"""Pages of one recommender that are read at most."""
OF_ZONES = ("google.compute.instance.IdleResourceRecommender", "google.compute.instance.MachineTypeRecommender")
"""Recommenders that are asked by zone."""
OF_REGIONS = (
    "google.compute.commitment.UsageCommitmentRecommender",
    "google.bigquery.table.PartitionClusterRecommender",
)
"""Recommenders that are asked by region, or by multi-region."""
_PRIORITY = {"P1": Confidence.HIGH, "P2": Confidence.HIGH, "P3": Confidence.MEDIUM}
_MONTH_SECONDS = MONTH_DAYS * 86_400


class _Money(msgspec.Struct, rename="camel"):
    currency_code: str = "USD"
    units: str = "0"
    nanos: int = 0


class _Projection(msgspec.Struct, rename="camel"):
    cost: _Money = msgspec.field(default_factory=_Money)
    duration: str = ""


class _Impact(msgspec.Struct, rename="camel"):
    category: str = ""
    cost_projection: _Projection | None = None


class _Operation(msgspec.Struct, rename="camel"):
    resource: str = ""


class _Group(msgspec.Struct, rename="camel"):
    operations: list[_Operation] = []


class _Content(msgspec.Struct, rename="camel"):
    operation_groups: list[_Group] = []


class _Found(msgspec.Struct, rename="camel"):
    name: str
    description: str = ""
    recommender_subtype: str = ""
    priority: str = ""
    primary_impact: _Impact = msgspec.field(default_factory=_Impact)
    content: _Content = msgspec.field(default_factory=_Content)


class _Page(msgspec.Struct, rename="camel"):
    recommendations: list[_Found] = []
    next_page_token: str = ""


class Recommender:
    """Asks for recommendations.

    Args:
        open_session: opens the HTTP session at the first request.
        url: of the API.
        patience: seconds that one page may take.
    """

    def __init__(
        self, open_session: Callable[[], "requests.Session"], *, url: str = URL, patience: float = PATIENCE
    ) -> None:
        self._api = JsonApi("Recommender", open_session, url=url, patience=patience)

    def active(self, project: str, locations: Sequence[str]) -> list[Recommendation]:
        """The active recommendations of a project on its costs.

        Args:
            project: its id.
            locations: zones, regions and multi-regions.

        Raises:
            QueryError: the API refuses: it is not enabled, or its role is not granted.
            UnavailableError: it does not answer, is asked too often, or answers nonsense.
        """
        return [
            _recommendation(one)
            for location in locations
            for recommender in (OF_ZONES if re.search(r"-[a-z]$", location) else OF_REGIONS)
            for one in self._listed(f"projects/{project}/locations/{location}/recommenders/{recommender}")
            if one.primary_impact.category in ("", "COST")
        ]

    def _listed(self, parent: str) -> Iterator[_Found]:
        token = ""
        for _ in range(PAGES):
            page = self._page(parent, token)
            yield from page.recommendations
            token = page.next_page_token
            if not token:
                return

    def _page(self, parent: str, token: str) -> _Page:
        parameters = {"filter": "stateInfo.state=ACTIVE", "pageSize": "100"} | ({"pageToken": token} if token else {})
        return self._api.get(f"/v1/{parent}/recommendations", _Page, parameters, of=parent)


def connect() -> Recommender:
    """Google's own, with the credentials of the environment."""
    return Recommender(authorized)


def _recommendation(one: _Found) -> Recommendation:
    resources = [operation.resource for group in one.content.operation_groups for operation in group.operations]
    resource = next(filter(None, resources), "")
    return Recommendation(
        kind=RecommendationKind.GOOGLE,
        target=one.name,
        dollars_per_month=_saving(one.primary_impact.cost_projection),
        evidence=clean(f"{one.recommender_subtype or 'recommendation'}: {one.description}"),
        confidence=_PRIORITY.get(one.priority, Confidence.LOW),
        scope=CostScope(resource=resource),
    )


def _saving(projection: _Projection | None) -> float | None:
    """Dollars a month; None in another currency, or where no cost is projected. Google's cost is negative where it is saved."""
    if projection is None or projection.cost.currency_code != "USD":
        return None
    try:
        seconds = float(projection.duration.removesuffix("s"))
        cost = int(projection.cost.units) + projection.cost.nanos / 1e9
    except ValueError:
        return None
    return -cost * (_MONTH_SECONDS / seconds) + 0.0 if seconds > 0 else None
