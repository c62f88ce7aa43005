"""The section `probes` of monitoring.yaml."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from urllib.parse import urlsplit

from core.settings.network import address, host, resolver, secure_url, url
from core.settings.reader import Section, section
from core.settings.scalars import duration, named, one_of, text, whole
from core.settings.types import Address, DnsProbe, Expect, HttpProbe, Probe, TcpProbe, TlsProbe

_STREAK = whole(1, 100)


def read_probe(top: Section) -> Probe:
    """One probe."""
    kind = top.required("kind", one_of(*_PROBES))
    common: dict[str, Any] = {
        "name": top.required("name", named("probe")),
        "every": top.required("every", duration("1m", "1d", step="m")),
        "fail_after": top.optional("fail_after", _STREAK, 3),
        "recover_after": top.optional("recover_after", _STREAK, 2),
        "timeout": top.optional("timeout", duration("100ms", "30s"), timedelta(seconds=5)),
        "expect": top.optional("expect", section(lambda inner: _expect(inner, kind)), Expect()),
    }
    if kind is None:
        top.accept_rest()
        return cast("Probe", None)
    probe = _PROBES[kind](top, common)
    if top.sound and probe.expect.latency and probe.expect.latency > probe.timeout:
        top.fault("expect.latency", "must be at most the timeout", str(probe.expect.latency))
    return probe


def _expect(top: Section, kind: str) -> Expect:
    latency = top.optional("latency", duration("1ms", "30s"), None)
    if kind is None:
        top.accept_rest()
    if kind != "http":
        return Expect(latency=latency)
    return Expect(
        latency=latency, status=top.optional("status", whole(100, 599), None), body=top.optional("body", text, None)
    )


def _http(top: Section, common: dict[str, Any]) -> HttpProbe:
    auth = top.optional("auth", one_of("google"), None)
    probe = HttpProbe(
        **common,
        # A token is good for whoever reads it: it must not travel in the open.
        url=top.required("url", secure_url if auth else url),
        auth=auth,
        audience=top.optional("audience", text, None),
    )
    if top.sound and auth and urlsplit(probe.url).username is not None:
        top.fault("url", "must have no credentials where auth is given", None)
    if top.sound and probe.audience and not auth:
        top.fault("audience", "must be left out where there is no auth", probe.audience)
    return probe


def _tls(top: Section, common: dict[str, Any]) -> TlsProbe:
    probe = TlsProbe(
        **common,
        host=top.required("host", host),
        port=top.optional("port", whole(1, 65_535), 443),
        warn_before=top.optional("warn_before", duration("1h", "365d"), timedelta(days=21)),
        critical_before=top.optional("critical_before", duration("1h", "365d"), timedelta(days=7)),
    )
    if top.sound and probe.critical_before > probe.warn_before:
        top.fault("critical_before", "must be at most warn_before", str(probe.critical_before))
    return probe


def _tcp(top: Section, common: dict[str, Any]) -> TcpProbe:
    there = top.required("address", address) or Address(host="", port=0)
    return TcpProbe(**common, host=there.host, port=there.port)


def _dns(top: Section, common: dict[str, Any]) -> DnsProbe:
    return DnsProbe(**common, host=top.required("host", host), resolver=top.optional("resolver", resolver, None))


_PROBES: dict[str, Callable[[Section, dict[str, Any]], Probe]] = {
    "http": _http,
    "tls": _tls,
    "tcp": _tcp,
    "dns": _dns,
}
