"""The section `probes`: what is asked whether it works, and what it must answer."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from core.errors import Fault
from core.events import Severity
from core.settings.declare import Faults, validator
from core.settings.kinds import Slug, Streak
from core.settings.network import Host, HostAndPort, Port, Resolver, Url, is_secure
from core.settings.notes import Default, Defines, NoneAs, OneOf, Range, Requires


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What a probe expects."""

    latency: Annotated[timedelta | None, Range("1ms", "30s")] = None
    """Maximum latency of the check; at most the `timeout`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect(Timing):
    """What an HTTP probe expects."""

    status: Annotated[int | None, Range(100, 599), Default("200 to 299")] = None
    """Status code of the response."""
    body: str | None = None
    """Text that the response body must contain (no pattern)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    name: Annotated[Slug, Defines("probe")]
    """Name of the probe, as in the target `probe/NAME`."""
    every: Annotated[timedelta, Range("1m", "1d", step="m")]
    """Interval between checks."""
    fail_after: Streak = 3
    """Number of consecutive failures before the probe is down."""
    recover_after: Streak = 2
    """Number of consecutive successes before the probe is up."""
    timeout: Annotated[timedelta, Range("100ms", "30s")] = timedelta(seconds=5)
    """Timeout of the check."""
    no_verdict_after: Annotated[timedelta | None, Range("1m", "90d"), NoneAs("never")] = timedelta(hours=1)
    """How long there may be no result of the probe, since it could not be started in time, before that is a finding."""
    no_verdict_severity: Severity = Severity.WARNING
    """Severity of that finding."""
    expect: Timing = field(default_factory=Timing)
    """What the probe expects."""

    @property
    def target(self) -> str:
        """The probe as a target."""
        return f"probe/{self.name}"


@validator(_Probe, "expect", "timeout")
def _latency_is_within_the_timeout(probe: _Probe) -> Faults:
    if probe.expect.latency and probe.expect.latency > probe.timeout:
        yield Fault("expect.latency", "must be at most the timeout", str(probe.expect.latency))


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpProbe(_Probe):
    """Whether a URL responds as expected."""

    kind: ClassVar[str] = "http"
    url: Url = field(repr=False)
    """URL to probe; https if a token is sent."""
    auth: Annotated[str | None, OneOf("google")] = None
    """`google` sends an identity token of the function's service account."""
    audience: Annotated[str | None, Requires("auth"), Default("the origin of the `url`")] = None
    """Audience of that token."""
    expect: Expect = field(default_factory=Expect)
    """What the probe expects."""


@validator(HttpProbe, "url", "auth")
def _a_token_does_not_travel_in_the_open(probe: HttpProbe) -> Faults:
    if probe.auth and not is_secure(probe.url):
        yield Fault("url", "must be an https URL, or one of this machine, where auth is given", probe.url)
    elif probe.auth and urlsplit(probe.url).username is not None:
        yield Fault("url", "must have no credentials where auth is given")


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsProbe(_Probe):
    """Whether a certificate is trusted, and for how long yet: a warning, then critical, so long before it expires."""

    kind: ClassVar[str] = "tls"
    host: Host
    """The host whose certificate is checked."""
    port: Port = 443
    """Port of the TLS server."""
    warn_before: Annotated[timedelta, Range("1h", "365d")] = timedelta(days=21)
    """Time before expiry for a warning."""
    critical_before: Annotated[timedelta, Range("1h", "365d")] = timedelta(days=7)
    """Time before expiry for a critical finding; at most `warn_before`."""


@validator(TlsProbe, "warn_before", "critical_before")
def _a_warning_comes_first(probe: TlsProbe) -> Faults:
    if probe.critical_before > probe.warn_before:
        yield Fault("critical_before", "must be at most warn_before", str(probe.critical_before))


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpProbe(_Probe):
    """Whether a port accepts a connection."""

    kind: ClassVar[str] = "tcp"
    address: HostAndPort
    """The port to connect to."""

    @property
    def host(self) -> str:
        """The host of the address."""
        return self.address.host

    @property
    def port(self) -> int:
        """The port of the address."""
        return self.address.port


@dataclass(frozen=True, slots=True, kw_only=True)
class DnsProbe(_Probe):
    """Whether a host name resolves."""

    kind: ClassVar[str] = "dns"
    host: Host
    """The name to resolve."""
    resolver: Annotated[Resolver | None, Default("the machine's own")] = None
    """Resolver to use, at port 53 by default."""


Probe = HttpProbe | TlsProbe | TcpProbe | DnsProbe
