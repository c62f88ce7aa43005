"""Pub/Sub probe: the backlog of a subscription, by the metrics that Google, or the local system, has of it.

References:
    Google Cloud metrics, pubsub.googleapis.com/subscription/oldest_unacked_message_age and num_undelivered_messages.
"""

from collections.abc import Mapping
from types import MappingProxyType

from core.errors import QueryError, UnavailableError
from core.health import ProbeReason, ProbeResult
from core.settings.probes import PubsubProbe
from functions.adapters.net import Deadline
from functions.adapters.probes.failure import failed, passed
from functions.adapters.probes.sources import Sources

_WITHIN = "10m"
"""Google's metrics are sampled each minute and visible some minutes later."""
_METRICS: Mapping[str, str] = MappingProxyType(
    {
        "age": "pubsub_googleapis_com:subscription_oldest_unacked_message_age",
        "messages": "pubsub_googleapis_com:subscription_num_undelivered_messages",
    }
)


def check(probe: PubsubProbe, sources: Sources) -> ProbeResult:
    """Ask for the newest values; a subscription without any is not there, or is not measured."""
    deadline = Deadline(probe.timeout.total_seconds())
    at = int(sources.clock().timestamp())
    try:
        found = {name: _newest(sources, metric, probe.subscription, at) for name, metric in _METRICS.items()}
    except (QueryError, UnavailableError):
        return failed(ProbeReason.NO_DATA, f"{probe.where}: the metrics do not answer", deadline)
    measures = {name: value for name, value in found.items() if value is not None}
    if len(measures) < len(_METRICS):
        return failed(ProbeReason.NO_DATA, f"{probe.where}: no metrics within {_WITHIN}", deadline)
    detail = f"{measures['messages']:.0f} messages, the oldest of {measures['age']:.0f} s"
    return passed(f"{probe.where}: {detail}", deadline, **measures)


def _newest(sources: Sources, metric: str, subscription: str, at: int) -> float | None:
    query = f'max(last_over_time({metric}{{subscription_id="{subscription}"}}[{_WITHIN}]))'
    return next((series.values[0] for series in sources.instant(query, at)), None)
