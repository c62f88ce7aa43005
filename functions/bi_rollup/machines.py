"""How busy the machines of Vertex AI endpoints are, by the metrics of Cloud Monitoring."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from core.business.recommendations import IDLE_DAYS
from core.errors import QueryError, UnavailableError
from core.settings import Resource
from functions.adapters.prometheus import Prometheus

QUERY = f"max by (endpoint_id) (quantile_over_time(0.95, aiplatform_googleapis_com:prediction_online_cpu_utilization[{IDLE_DAYS}d]))"
"""Utilisation that is exceeded in 5 % of the time. It counts in processors, so machines with several seem busier than they are."""
log = logging.getLogger(__name__)

Utilisation = Callable[[datetime], Mapping[str, float]]
"""The utilisation of processors by target, 0 to 1, of those that are measured."""


def unmeasured_machines(at: datetime) -> Mapping[str, float]:  # noqa: ARG001 - the signature of `Utilisation`
    """No machine is measured."""
    return {}


@dataclass(frozen=True, slots=True)
class EndpointUtilisation:
    """Reads the utilisation of the endpoints that the settings name.

    Attributes:
        resources: by target.
        open_prometheus: opens Cloud Monitoring at the first query.
    """

    resources: Mapping[str, Resource]
    open_prometheus: Callable[[], Prometheus]

    def __call__(self, at: datetime) -> Mapping[str, float]:
        """The utilisation by target; none where it cannot be read, which is logged."""
        targets = {one.endpoint.rpartition("/")[2]: target for target, one in self.resources.items() if one.endpoint}
        if not targets:
            return {}
        try:
            series = self.open_prometheus().instant(QUERY, at=int(at.timestamp()))
        except (QueryError, UnavailableError) as error:
            log.warning("utilisation of machines is not known: %s", error)
            return {}
        values = {targets.get(one.labels.get("endpoint_id", "")): _known(one.values) for one in series}
        return {target: value for target, value in values.items() if target is not None and value is not None}


def _known(values: Sequence[float | None]) -> float | None:
    return values[0] if values else None
