"""GKE probe: whether the API server of a cluster is live and ready.

References:
    Kubernetes, API health endpoints: /livez and /readyz, with `verbose` a line a check, `[-]` where it failed.
"""

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urljoin

from urllib3.util import parse_url

from core.health import ProbeReason, ProbeResult
from core.settings.probes import GkeProbe
from functions.adapters.identity import TOKENS, Tokens
from functions.adapters.net import trusting_only
from functions.adapters.probes import web
from functions.adapters.probes.authorized import call
from functions.adapters.probes.reach import refuses

_FAILED = re.compile(r"^\[-\]([\w./-]{1,80})", re.MULTILINE)
_UNAUTHORIZED = (401, 403)


def check(probe: GkeProbe, tokens: Tokens = TOKENS) -> ProbeResult:
    """Ask whether it is live, then whether it is ready; the latency is that of both."""
    live = _ask(probe, "/livez", tokens)
    if not live.ok:
        return live
    left = probe.timeout - timedelta(seconds=live.latency)
    ready = _ask(replace(probe, timeout=left), "/readyz", tokens)
    return replace(ready, latency=live.latency + ready.latency)


def _ask(probe: GkeProbe, path: str, tokens: Tokens) -> ProbeResult:
    url = parse_url(urljoin(probe.url, f"{path}?verbose"))
    request = web.Request(url=url, refuses=refuses(probe), context=trusting_only(probe.ca))
    result = call(probe, request, tokens)
    if result.ok or result.status is None:
        return replace(result, detail=f"{path}: {result.detail}")
    if result.status in _UNAUTHORIZED:
        return replace(result, reason=ProbeReason.NOT_AUTHENTICATED, detail=f"{path}: HTTP {result.status}")
    failed = ", ".join(_FAILED.findall(result.body))
    detail = f"{path}: HTTP {result.status}" + (f", failed checks: {failed}" if failed else "")
    return replace(result, reason=ProbeReason.NOT_SERVING, detail=detail)
