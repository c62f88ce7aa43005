"""Where a probe looks, as people may read it."""

from urllib.parse import urlsplit

from core.settings import DnsProbe, HttpProbe, Probe


def where(probe: Probe) -> str:
    """The address that a probe checks, without the credentials, query and fragment of a URL: they may be secret."""
    if isinstance(probe, HttpProbe):
        url = urlsplit(probe.url)
        return f"{url.scheme}://{url.netloc.rpartition('@')[2]}{url.path}"
    if isinstance(probe, DnsProbe):
        return probe.host
    return f"[{probe.host}]:{probe.port}" if ":" in probe.host else f"{probe.host}:{probe.port}"
