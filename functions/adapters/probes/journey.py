"""Probe of a journey: requests one after the other, each with its expectations; values of an answer go into later requests.

Redirects are not followed: a step may expect one. No captured value is shown or logged.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from urllib3.util import parse_url

from core.health import ProbeReason, ProbeResult, judge
from core.health.journey import captured, filled, wrong_value
from core.settings.probes import JourneyProbe, Step
from functions.adapters.net import Deadline, Refuses, trusting
from functions.adapters.probes import web
from functions.adapters.probes.failure import passed
from functions.adapters.probes.reach import refuses


def check(probe: JourneyProbe) -> ProbeResult:
    """Take the steps until one fails; the latency is that of all of them."""
    trusting()  # loaded now, because it must not count as latency of the target
    deadline, refuse = Deadline(probe.timeout.total_seconds()), refuses(probe)
    values: dict[str, str] = {}
    for number, step in enumerate(probe.steps, start=1):
        result = _take(step, values, refuse, deadline)
        if result.ok:
            result = _compare(step, result, values)
        if not result.ok:
            detail = f"step {number} of {len(probe.steps)}: {result.detail}"
            return replace(result, detail=detail, certificate_expires_at=None)  # of one host of perhaps several
    return passed(f"{len(probe.steps)} steps", deadline)


def _take(step: Step, values: Mapping[str, str], refuse: Refuses, deadline: Deadline) -> ProbeResult:
    # What was captured must stay one part of the path or of the query.
    url = parse_url(filled(step.url, {name: quote(value, safe="") for name, value in values.items()}))
    headers = {name: _one_line(filled(value, values)) for name, value in step.headers.items()}
    body = None
    if step.json is not None:
        headers = {"Content-Type": "application/json"} | headers
        body = json.dumps(filled(step.json, values)).encode()
    request = web.Request(url=url, refuses=refuse, method=step.method, headers=headers, body=body)
    where = web.shown(parse_url(step.url))
    try:
        answer = web.answer(request, deadline)
    except web.FAULTS as error:
        return web.failed_by(error, where, deadline)
    return judge(web.completed(answer, deadline), status=step.expect.status, body=step.expect.body)


def _compare(step: Step, result: ProbeResult, values: dict[str, str]) -> ProbeResult:
    """Compare the JSON of an answer, and take what later steps use."""
    if not step.expect.json and not step.capture:
        return result
    try:
        body: Any = json.loads(result.body)
    except (ValueError, RecursionError):
        return replace(result, ok=False, reason=ProbeReason.WRONG_BODY, detail="body: must be JSON of at most 64 KiB")
    if fault := wrong_value(body, step.expect.json):
        return replace(result, ok=False, reason=ProbeReason.WRONG_VALUE, detail=fault)
    for name, path in step.capture.items():
        found = captured(body, path)
        if found is None:
            detail = f"{path}: must be a text or a number, to capture {name}"
            return replace(result, ok=False, reason=ProbeReason.NOT_CAPTURED, detail=detail)
        values[name] = found
    return result


def _one_line(value: str) -> str:
    """The value of a header; a line break in what was captured would begin another header."""
    return value.replace("\r", "").replace("\n", "")
