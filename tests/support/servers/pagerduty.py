"""A server that stands for PagerDuty's Events API v2 and enforces what it documents, and no more leniently.

`python -m tests.support.servers.pagerduty --port 0` prints its port; events go to `/v2/enqueue`, `GET /log` says what came.
Source: PagerDuty/developer-docs, docs/events-API-v2/01-Overview.md and 02-Trigger-Events.md.
"""

import argparse
import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tests.support.servers.receivers import Receiver, Reply, Window, run

LARGEST = 512 * 1000
_ACTIONS = {"trigger", "acknowledge", "resolve"}
_TOP = {"routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"}
_PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}


class PagerDutyServer(Receiver):
    """Takes events of any integration key of 32 characters, so many a minute each."""

    def __init__(self, port: int = 0, per_minute: int = 120) -> None:
        super().__init__(port)
        self._per_minute = per_minute
        self._windows: dict[str, Window] = {}
        self.alerts: dict[str, str] = {}

    @property
    def url(self) -> str:
        return f"{self.address}/v2/enqueue"

    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if path != "/v2/enqueue":
            return Reply(404)
        if found := faults(body):
            self.log.faults += found
            said = {"status": "invalid event", "message": "Event object is invalid", "errors": found}
            return Reply(400, json.dumps(said).encode())
        event = json.loads(body)
        window = self._windows.setdefault(event["routing_key"], Window(self._per_minute, 60))
        if wait := window.wait():
            self.log.limited += 1
            return Reply(429, b'{"status":"throttle exceeded"}', {"Retry-After": str(math.ceil(wait))})
        self.accept(event["routing_key"], event)
        self._alert(event)
        return Reply(202, json.dumps({"status": "success", "dedup_key": event["dedup_key"]}).encode())

    def _alert(self, event: Mapping[str, Any]) -> None:
        if after := after_event(self.alerts.get(event["dedup_key"]), event["event_action"]):
            self.alerts[event["dedup_key"]] = after


def after_event(before: str | None, action: str) -> str:
    """What becomes of an alert: what is not open is neither acknowledged nor resolved, and what is open is not triggered; or empty."""
    is_open = before in {"triggered", "acknowledged"}
    if action == "trigger":
        return before if is_open and before else "triggered"
    return {"acknowledge": "acknowledged", "resolve": "resolved"}[action] if is_open else before or ""


def faults(body: bytes) -> list[str]:
    """Everything wrong with an event."""
    if len(body) > LARGEST:
        return [f"event is too large (maximum is {LARGEST} bytes)"]
    try:
        event = json.loads(body.decode())
    except ValueError:
        return ["body is not JSON in UTF-8"]
    if not isinstance(event, dict):
        return ["body is not an object"]
    found = [f"'{name}' is unknown" for name in event.keys() - _TOP]
    found += _text(event, "routing_key", least=32, most=32) + _text(event, "dedup_key", least=1, most=255)
    if event.get("event_action") not in _ACTIONS:
        found.append("'event_action' is invalid")
    if event.get("event_action") == "trigger":
        found += _payload(event.get("payload"))
    elif event.keys() - {"routing_key", "dedup_key", "event_action"}:
        found.append("only a trigger carries more than its keys")
    found += [fault for link in event.get("links", []) for fault in _link(link)]
    found += _text(event, "client", least=1, most=1024) if "client" in event else []
    return found + ([] if _is_web(event.get("client_url", "http://x")) else ["'client_url' is no address"])


def _payload(payload: object) -> list[str]:
    if not isinstance(payload, dict):
        return ["'payload' is missing or blank"]
    found = [f"'payload.{name}' is unknown" for name in payload.keys() - _PAYLOAD]
    found += _text(payload, "summary", least=1, most=1024) + _text(payload, "source", least=1, most=1024)
    if payload.get("severity") not in {"critical", "error", "warning", "info"}:
        found.append("'severity' is invalid (must be one of: critical, error, warning, info)")
    for name in ("component", "group", "class"):
        found += _text(payload, name, least=1, most=1024) if name in payload else []
    if not isinstance(payload.get("custom_details", {}), dict):
        found.append("'custom_details' is no object")
    try:
        datetime.fromisoformat(payload.get("timestamp", "2026-01-02T03:04:05Z"))
    except (TypeError, ValueError):
        found.append("'timestamp' is no instant")
    return found


def _text(holder: Mapping[str, Any], name: str, *, least: int, most: int) -> list[str]:
    value = holder.get(name)
    if not isinstance(value, str) or not value.strip():
        return [f"'{name}' is missing or blank"]
    size = len(value.encode("utf-16-le")) // 2
    if size < least:
        return [f"'{name}' is too short (minimum is {least} characters)"]
    return [f"'{name}' is too long (maximum is {most} characters)"] if size > most else []


def _link(link: object) -> list[str]:
    if not isinstance(link, dict) or link.keys() - {"href", "text"} or not _is_web(link.get("href")):
        return ["'links' must hold objects of href and text"]
    return []


def _is_web(url: object) -> bool:
    try:
        return isinstance(url, str) and urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).netloc)
    except ValueError:
        return False


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.servers.pagerduty")
    parser.add_argument("--per-minute", type=int, default=120, help="events of one integration key")
    return run(lambda options: PagerDutyServer(options.port, options.per_minute), parser)


if __name__ == "__main__":
    raise SystemExit(main())
