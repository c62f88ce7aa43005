"""What all probes have in common, and what those have that connect to their target themselves."""

import ipaddress
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, ClassVar

from core.errors import Fault
from core.events import Severity
from core.settings.declare import Faults, validator
from core.settings.kinds import Slug, Streak
from core.settings.network import is_loopback
from core.settings.notes import Defines, NoneAs, Range, Reads
from core.settings.reader import Node, WrongError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(node: Node) -> tuple[Network, ...]:
    """A list, or one text with commas, which a variable may stand for; empty where there is none."""
    given = node.value.split(",") if isinstance(node.value, str) and node.value.strip() else node.value or []
    try:
        return tuple(ipaddress.ip_network(str(one).strip()) for one in given)
    except (TypeError, ValueError) as error:
        raise WrongError("must be networks in CIDR notation, as in ['127.0.0.0/8', '::1/128']") from error


Networks = Annotated[
    tuple[Network, ...],
    Reads(
        _networks,
        "a list of networks in CIDR notation, or one text with commas",
        {"type": ["array", "string"], "items": {"type": "string"}},
    ),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What a probe expects."""

    latency: Annotated[timedelta | None, Range("1ms", "30s")] = None
    """Maximum latency of the check; at most the `timeout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseProbe(ABC):
    """What all probes have."""

    kind: ClassVar[str]
    name: Annotated[Slug, Defines("probe")]
    """Name of the probe, as in the target `probe/NAME`."""
    every: Annotated[timedelta, Range("1m", "1d", step="m")]
    """Interval between checks."""
    fail_after: Streak = 3
    """Number of consecutive failures before the probe is down."""
    recover_after: Streak = 2
    """Number of consecutive successes before the probe is up."""
    timeout: Annotated[timedelta, Range("100ms", "30s")] = timedelta(seconds=5)
    """Timeout of the check, with its retries."""
    retries: Annotated[int, Range(0, 5)] = 0
    """Number of further attempts of a check that failed, while the `timeout` lasts."""
    objective: Annotated[float | None, Range(50, 99.999, "percent")] = None
    """Share of the checks of a month that must be good; the rest is the error budget."""
    limit_severity: Severity = Severity.WARNING
    """Severity of the finding that a measured value exceeds its limit in `expect`."""
    no_verdict_after: Annotated[timedelta | None, Range("1m", "90d"), NoneAs("never")] = timedelta(hours=1)
    """How long nothing may be known of the target, since no check was started in time or its source has no data, before that is a finding."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding."""
    expect: Timing = field(default_factory=Timing)
    """What the probe expects."""

    @property
    def target(self) -> str:
        """The probe as a target."""
        return f"probe/{self.name}"

    @property
    @abstractmethod
    def where(self) -> str:
        """What the probe checks, for people: without credentials, query and fragment of a URL, which may be secret."""


@validator(BaseProbe, "expect", "timeout")  # type: ignore[type-abstract] # a key of the rules, from which nothing is made
def _latency_is_within_the_timeout(probe: BaseProbe) -> Faults:
    if probe.expect.latency and probe.expect.latency > probe.timeout:
        yield Fault("expect.latency", "must be at most the timeout", str(probe.expect.latency))


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectingProbe(BaseProbe):
    """A probe that connects to its target itself; addresses of `core.health.networks.SPECIAL` are refused to it."""

    allowed_networks: Networks = ()
    """Networks with loopback, link-local, metadata or other special addresses that the probe may connect to, as in
    `[127.0.0.0/8, "::1/128"]`; without one it may not."""


def hides_no_password(*, host: str, password: str, encrypted: bool, key: str, given: str | bool) -> Faults:
    """The fault of a password that would be sent to another machine in plain text."""
    if password and not encrypted and not is_loopback(host):
        yield Fault(key, "must encrypt where a password is sent to another machine", str(given))


def host_and_port(host: str, port: int) -> str:
    """A host and a port as one text.

    >>> host_and_port("::1", 53), host_and_port("db.example.com", 5432)
    ('[::1]:53', 'db.example.com:5432')
    """
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
