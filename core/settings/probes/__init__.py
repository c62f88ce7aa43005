"""The section `probes`: what is asked whether it works, and what it must answer."""

from core.settings.probes.base import BaseProbe, ConnectingProbe, Network
from core.settings.probes.endpoints import (
    AddressProbe,
    DnsProbe,
    Expect,
    ExpectText,
    GrpcProbe,
    HttpProbe,
    SmtpProbe,
    TcpProbe,
    TlsProbe,
    WebsocketProbe,
)
from core.settings.probes.google import BigqueryProbe, ExpectBacklog, ExpectFresh, GkeProbe, PubsubProbe, VertexProbe
from core.settings.probes.journey import CAPTURED, JourneyProbe, Step, StepExpect
from core.settings.probes.stores import (
    DatabaseEncryption,
    ExpectPostgresql,
    ExpectRedis,
    PostgresqlProbe,
    RedisProbe,
)

Probe = (
    HttpProbe
    | TlsProbe
    | TcpProbe
    | DnsProbe
    | GrpcProbe
    | WebsocketProbe
    | SmtpProbe
    | PostgresqlProbe
    | RedisProbe
    | BigqueryProbe
    | PubsubProbe
    | VertexProbe
    | GkeProbe
    | JourneyProbe
)
"""A probe of any kind; these are all there are."""

__all__ = [
    "CAPTURED",
    "AddressProbe",
    "BaseProbe",
    "BigqueryProbe",
    "ConnectingProbe",
    "DatabaseEncryption",
    "DnsProbe",
    "Expect",
    "ExpectBacklog",
    "ExpectFresh",
    "ExpectPostgresql",
    "ExpectRedis",
    "ExpectText",
    "GkeProbe",
    "GrpcProbe",
    "HttpProbe",
    "JourneyProbe",
    "Network",
    "PostgresqlProbe",
    "Probe",
    "PubsubProbe",
    "RedisProbe",
    "SmtpProbe",
    "Step",
    "StepExpect",
    "TcpProbe",
    "TlsProbe",
    "VertexProbe",
    "WebsocketProbe",
]
