"""Probes of services of Google Cloud, as the function's service account."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from core.settings.kinds import Column, Table
from core.settings.network import Authority, SecureOrigin, SecureUrl
from core.settings.notes import Default, Mark, Pattern, Range, Reads
from core.settings.probes.base import BaseProbe, ConnectingProbe, Timing
from core.settings.probes.endpoints import shown_url
from core.settings.reader import Node, WrongError


def _instances(node: Node) -> tuple[Any, ...]:
    if not isinstance(node.value, list) or not node.value:
        raise WrongError("must be a list of at least 1")
    return tuple(node.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectFresh(Timing):
    """What a BigQuery probe expects."""

    age: Annotated[timedelta, Range("1m", "90d"), Mark.REQUIRED] = timedelta(days=1)
    """Maximum age of the newest row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BigqueryProbe(BaseProbe):
    """How old the newest row of a BigQuery table is; rows older than twice `expect.age` are not read."""

    kind: ClassVar[str] = "bigquery"
    table: Table
    """Table whose newest row is looked for."""
    timestamp: Column
    """Column with the instant of a row, a `TIMESTAMP`."""
    timeout: Annotated[timedelta, Range("100ms", "30s")] = timedelta(seconds=20)
    """Timeout of the check, with its retries."""
    expect: ExpectFresh
    """What the probe expects."""

    @property
    def where(self) -> str:
        """The table."""
        return self.table


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectBacklog(Timing):
    """What a Pub/Sub probe expects."""

    age: Annotated[timedelta | None, Range("1s", "7d")] = None
    """Maximum age of the oldest message that is not acknowledged."""
    messages: Annotated[int | None, Range(0, 1_000_000_000)] = None
    """Maximum number of messages that are not acknowledged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PubsubProbe(BaseProbe):
    """The backlog of a Pub/Sub subscription, by the metrics of Cloud Monitoring, which are some minutes old."""

    kind: ClassVar[str] = "pubsub"
    subscription: Annotated[
        str,
        Pattern(r"[A-Za-z][A-Za-z0-9._~+%-]{2,254}", "must be the id of a subscription, as in 'orders-billing'"),
    ]
    """Id of the subscription, in the project of the function."""
    timeout: Annotated[timedelta, Range("100ms", "30s")] = timedelta(seconds=10)
    """Timeout of the check, with its retries."""
    expect: ExpectBacklog = field(default_factory=ExpectBacklog)
    """What the probe expects."""

    @property
    def where(self) -> str:
        """The subscription."""
        return self.subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class VertexProbe(ConnectingProbe):
    """Whether a Vertex AI endpoint predicts: as many predictions as there are instances."""

    kind: ClassVar[str] = "vertex"
    endpoint: Annotated[
        str,
        Pattern(
            r"projects/[a-z0-9:.-]{1,63}/locations/[a-z0-9-]{1,63}/endpoints/[A-Za-z0-9_-]{1,63}",
            "must be the name of an endpoint, as in 'projects/p/locations/europe-west1/endpoints/123'",
        ),
    ]
    """Name of the endpoint."""
    instances: Annotated[
        Sequence[Any], Mark.SECRET, Reads(_instances, "a list of JSON values", {"type": "array", "minItems": 1})
    ] = field(repr=False)
    """Instances to predict, as the model takes them."""
    url: Annotated[SecureUrl | None, Default("Vertex AI's of the location")] = None
    """Address of the API, for a dedicated endpoint."""

    @property
    def where(self) -> str:
        """The endpoint."""
        return self.endpoint

    @property
    def api(self) -> str:
        """The URL that predictions are requested from."""
        location = self.endpoint.split("/")[3]
        base = self.url or f"https://{location}-aiplatform.googleapis.com"
        return f"{base.rstrip('/')}/v1/{self.endpoint}:predict"


@dataclass(frozen=True, slots=True, kw_only=True)
class GkeProbe(ConnectingProbe):
    """Whether the API server of a cluster is live and ready (`/livez` and `/readyz`)."""

    kind: ClassVar[str] = "gke"
    url: SecureOrigin
    """Address of the cluster's control plane."""
    ca: Annotated[Authority | None, Default("those of the machine")] = None
    """Certificate authority of the cluster (`masterAuth.clusterCaCertificate`); none is needed for its DNS endpoint."""

    @property
    def where(self) -> str:
        """The address."""
        return shown_url(self.url)
