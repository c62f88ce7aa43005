"""Vertex AI probe: whether an endpoint predicts, and how long it takes.

References:
    Vertex AI, REST API, projects.locations.endpoints.predict.
"""

import json
from dataclasses import replace

from urllib3.util import parse_url

from core.health import ProbeReason, ProbeResult
from core.settings.probes import VertexProbe
from functions.adapters.identity import TOKENS, Tokens
from functions.adapters.probes import web
from functions.adapters.probes.authorized import call
from functions.adapters.probes.reach import refuses


def check(probe: VertexProbe, tokens: Tokens = TOKENS) -> ProbeResult:
    """Request predictions of the instances, and count them."""
    body = json.dumps({"instances": list(probe.instances)}).encode()
    request = web.Request(
        url=parse_url(probe.api),
        refuses=refuses(probe),
        method="POST",
        headers={"Content-Type": "application/json"},
        body=body,
    )
    result = call(probe, request, tokens)
    if not result.ok:
        return result
    found, expected = _predictions(result.body), len(probe.instances)
    if found == expected:
        return replace(result, detail=f"{found} predictions")
    detail = f"predictions: must be {expected}, got {'no such list' if found is None else found}"
    return replace(result, ok=False, reason=ProbeReason.WRONG_BODY, detail=detail)


def _predictions(body: str) -> int | None:
    try:
        found = json.loads(body)["predictions"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return len(found) if isinstance(found, list) else None
