"""DNS probe: whether a name resolves, and how long it takes."""

import dns.exception
import dns.resolver

from core.health import ProbeReason, ProbeResult
from core.settings import DnsProbe
from functions.adapters.net import Deadline
from functions.adapters.probes.failure import failed, passed
from functions.adapters.probes.reach import refuses

_SHOWN = 8
"""Addresses that the result names: an answer may have thousands."""
_REASONS: dict[type[Exception], ProbeReason] = {
    dns.resolver.NXDOMAIN: ProbeReason.UNKNOWN_NAME,
    dns.resolver.NoAnswer: ProbeReason.NO_ADDRESS,
    dns.exception.Timeout: ProbeReason.TIMEOUT,
    TimeoutError: ProbeReason.TIMEOUT,
}


def check(probe: DnsProbe) -> ProbeResult:
    """Ask for the addresses of the name, IPv4 before IPv6; nothing is answered from a cache of this process."""
    deadline = Deadline(probe.timeout.total_seconds())
    if probe.resolver is not None and (refused := refuses(probe)(probe.resolver.host)):
        where = f"{probe.host}: the resolver is {refused}"
        return failed(ProbeReason.FORBIDDEN_ADDRESS, where, deadline)
    try:
        addresses = _addresses(probe, deadline)
    except (dns.exception.DNSException, TimeoutError) as error:
        return failed(_why(error), probe.host, deadline)
    further = len(addresses) - _SHOWN
    shown = ", ".join(addresses[:_SHOWN]) + (f" and {further} more" if further > 0 else "")
    return passed(f"{probe.host} is {shown}", deadline)


def _addresses(probe: DnsProbe, deadline: Deadline) -> list[str]:
    resolver = dns.resolver.Resolver(configure=probe.resolver is None)
    if probe.resolver is not None:
        resolver.nameservers, resolver.port = [probe.resolver.host], probe.resolver.port
    try:
        answer = resolver.resolve(probe.host, "A", lifetime=deadline.left(), search=False)
    except dns.resolver.NoAnswer:
        answer = resolver.resolve(probe.host, "AAAA", lifetime=deadline.left(), search=False)
    return [record.to_text() for record in answer]


def _why(error: Exception) -> ProbeReason:
    if isinstance(error, dns.resolver.NoNameservers):
        answered = any(response is not None for *_, response in error.kwargs["errors"])
        return ProbeReason.SERVER_FAILURE if answered else ProbeReason.UNREACHABLE
    return next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), ProbeReason.BAD_ANSWER)
