"""The command intake with an outside in memory, and what Slack and PagerDuty send, signed as they sign."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import flask
from werkzeug.test import EnvironBuilder

from core.events import Command, Event
from core.settings import Settings, parse
from functions.command_intake.main import build
from functions.services.incidents.documents import INCIDENTS
from tests.support.builders.letters import MESSAGE
from tests.support.crash.breaking import Breaking, MemoryMetrics, MemoryStore
from tests.support.fakes.ports import MemoryPorts

NOW = datetime(2026, 1, 2, 9, tzinfo=UTC)
INCIDENT = MESSAGE.incident_id
SIGNING, OLD, NEW, LINKS = "8f742231b10e8888abcd99yyyzzz85a5", "pd-old", "pd-new", "0123456789abcdef0123456789abcdef"
ACCOUNTS = {
    "Ada": {"slack": "UADA00001", "pagerduty": "PADA001", "email": "Ada@example.com"},
    "Grace": {"email": "grace@example.com"},
}
SETTINGS = parse(
    {
        "version": 1,
        "jobs": {},
        "accounts": ACCOUNTS,
        "command_intake": {
            "slack": {"signing_secret": SIGNING},
            "pagerduty": {"secrets": [OLD, NEW]},
            "links": {"secret": LINKS},
        },
    }
)


@dataclass
class Bus:
    world: Breaking
    published: list[tuple[str, Command, dict[str, str]]] = field(default_factory=list)

    def publish(self, topic: str, event: Event, **attributes: str) -> None:
        self.world.boundary()
        assert isinstance(event, Command)
        self.published.append((topic, event, attributes))
        self.world.boundary()


@dataclass
class Intake:
    """The function over an outside in memory, with one incident that is open."""

    settings: Settings = SETTINGS
    world: Breaking = field(default_factory=lambda: Breaking(now=NOW))

    def __post_init__(self) -> None:
        self.bus = Bus(self.world)
        self.store = MemoryStore(self.world)
        self.metrics = MemoryMetrics(self.world)
        self.keep("open")
        self.world.boundaries = 0

    def keep(self, state: str, **fields: object) -> None:
        """The copy of the incident, as the router writes it for readers."""
        self.world.documents.pop((INCIDENTS, INCIDENT), None)
        data = {"id": INCIDENT, "title": "departure_delay <b>drifted", "state": state, "merged_into": ""} | fields
        self.store.create(INCIDENTS, INCIDENT, data)

    def send(self, path: str, body: bytes = b"", method: str = "POST", **headers: str) -> flask.Response:
        environ = EnvironBuilder(
            path=path,
            method=method,
            data=body,
            headers={name.replace("_", "-"): text for name, text in headers.items()},
        ).get_environ()
        ports = MemoryPorts(
            function="command_intake",
            store=self.store,
            metrics=self.metrics,
            settings=self.settings,
            clock=lambda: self.world.now,
        )
        answered = build(ports, lambda: self.bus)(flask.Request(environ))
        assert isinstance(answered, flask.Response)
        return answered

    @property
    def commands(self) -> list[Command]:
        return [command for _, command, _ in self.bus.published]

    def outcomes(self) -> dict[str, int]:
        return {key[-1]: int(count) for key, count in self.world.counts.items()}


def click(verb: str = "acknowledge", *, user: str = "UADA00001", ts: str = "1767344400.250000", **more: Any) -> bytes:
    """The body of a click, with the fields that Slack documents (`block_actions`)."""
    payload = {
        "type": "block_actions",
        "user": {"id": user, "username": "ada", "name": "ada", "team_id": "T9TK3CUKW"},
        "api_app_id": "AABA1ABCD",
        "token": "9s8d9as89d8as9d8as989",
        "container": {
            "type": "message",
            "message_ts": "1767344300.000100",
            "channel_id": "CBR2V3XEX",
            "is_ephemeral": False,
        },
        "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
        "team": {"id": "T9TK3CUKW", "domain": "example"},
        "channel": {"id": "CBR2V3XEX", "name": "ml-alerts"},
        "message": {"bot_id": "BAH5CA16Z", "type": "message", "text": "a", "ts": "1767344300.000100"},
        "response_url": "",
        "actions": [
            {
                "action_id": verb,
                "block_id": "=qXel",
                "text": {"type": "plain_text", "text": "View", "emoji": True},
                "value": INCIDENT,
                "type": "button",
                "action_ts": ts,
            }
        ],
    } | more
    return urlencode({"payload": json.dumps(payload)}).encode()


def signed_by_slack(body: bytes, at: datetime = NOW, secret: str = SIGNING) -> dict[str, str]:
    timestamp = str(int(at.timestamp()))
    digest = hmac.new(secret.encode(), b"v0:" + timestamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {
        "X_Slack_Request_Timestamp": timestamp,
        "X_Slack_Signature": f"v0={digest}",
        "Content_Type": "application/x-www-form-urlencoded",
    }


def from_slack(intake: Intake, body: bytes, **headers: str) -> flask.Response:
    return intake.send("/slack", body, **(signed_by_slack(body) | headers))


def webhook(event_type: str = "incident.acknowledged", *, agent: Any = ..., key: Any = INCIDENT, **event: Any) -> bytes:
    """A webhook v3 as PagerDuty documents it (docs/webhooks/01-Overview.md)."""
    user = {
        "html_url": "https://acme.pagerduty.com/users/PADA001",
        "id": "PADA001",
        "self": "https://api.pagerduty.com/users/PADA001",
        "summary": "Tenex Engineer",
        "type": "user_reference",
    }
    data = {"id": "PGR0VU2", "type": "incident", "number": 2, "status": "triggered", "incident_key": key}
    body = {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f",
        "event_type": event_type,
        "resource_type": "incident",
        "occurred_at": "2026-01-02T08:59:22.169Z",
        "agent": user if agent is ... else agent,
        "client": {"name": "PagerDuty"},
        "data": data,
    } | event
    return json.dumps({"event": body}).encode()


def signed_by_pagerduty(body: bytes, *secrets: str) -> dict[str, str]:
    digests = [hmac.new(secret.encode(), body, hashlib.sha256).hexdigest() for secret in secrets]
    return {"X_PagerDuty_Signature": ",".join(f"v1={digest}" for digest in digests)}


def from_pagerduty(intake: Intake, body: bytes) -> flask.Response:
    return intake.send("/pagerduty", body, **signed_by_pagerduty(body, NEW))
