"""The intake with an outside in memory, and bodies for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import flask
from werkzeug.test import EnvironBuilder

from core.events import Finding
from core.settings import AlertIntakeSettings, AlertSender
from functions.adapters.events import decode, encode
from functions.adapters.ports import Clock
from functions.alert_intake.intake import NAME
from functions.alert_intake.main import build
from functions.alert_intake.unheard import KIND
from functions.runtime.authenticator import Authenticator
from tests.support.crash.breaking import Breaking, MemoryStore
from tests.support.fakes import ports
from tests.support.fakes.ports import MemoryPorts, Parked
from tests.support.fakes.recorders import RecordingBus, RecordingMetrics

NOW = datetime(2026, 11, 23, 16, 12, 47, tzinfo=UTC)
PAYLOADS = Path(__file__).parents[2] / "payloads"
LONGEST_NAME = 300


@dataclass
class World:
    """The intake and its outside."""

    bus: RecordingBus = field(default_factory=RecordingBus)
    park: Parked = field(default_factory=Parked)
    metrics: RecordingMetrics = field(default_factory=RecordingMetrics)
    authenticator: Authenticator = field(default_factory=Authenticator)
    clock: Clock = field(default=lambda: NOW)
    senders: tuple[AlertSender, ...] = ()
    settings: AlertIntakeSettings = field(default_factory=AlertIntakeSettings)
    store: MemoryStore = field(default_factory=lambda: MemoryStore(Breaking()))

    def send(self, body: bytes, path: str = "/", method: str = "POST", **headers: str) -> flask.Response:
        """Post a body, as the network would."""
        environ = EnvironBuilder(path=path, method=method, data=body, headers=list(headers.items())).get_environ()
        return self.answer(flask.Request(environ))

    @property
    def answer(self) -> Callable[[flask.Request], flask.Response]:
        """The function."""
        outside = MemoryPorts(
            function=NAME, bus=self.bus, park=self.park, metrics=self.metrics, clock=self.clock, store=self.store
        )
        return build(outside, self.authenticator, self.senders, self.settings)

    def findings(self) -> list[Finding]:
        """What was published of alerts, as the router reads it."""
        found = [routed(event) for event in self.bus.events if isinstance(event, Finding)]
        return [finding for finding in found if not finding.kind.startswith(KIND)]

    def unheard(self) -> list[Finding]:
        """What was published of alerts that are not understood."""
        found = [routed(event) for event in self.bus.events if isinstance(event, Finding)]
        return [finding for finding in found if finding.kind.startswith(KIND)]


def routed(event: Any) -> Finding:
    """The finding as it comes out of the bus, if the router takes its names."""
    assert isinstance(event, Finding)
    finding = decode(encode(event), Finding)
    assert finding == event
    for name in (finding.target, finding.kind):
        assert name.strip()
        assert name.isprintable()
        assert not name.startswith("__")
        assert len(name.encode()) <= LONGEST_NAME
    texts = [
        finding.source,
        finding.summary,
        finding.unit,
        finding.runbook,
        *finding.evidence,
        *finding.evidence.values(),
    ]
    assert all(text.isprintable() and len(text) <= LONGEST_NAME for text in texts)
    assert len(finding.evidence) <= 6
    return finding


def sent(body: Any, path: str = "/") -> list[Finding]:
    """The findings of a body of which nothing is parked."""
    world = World()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    assert world.send(data, path).status_code == 200
    assert world.park.reasons == []
    return world.findings()


def payload(name: str) -> bytes:
    """A saved body."""
    return (PAYLOADS / name).read_bytes()


def push(data: bytes, message_id: str = "7") -> bytes:
    """A push request of Pub/Sub."""
    return ports.push(data, "2026-11-23T16:12:47Z", messageId=message_id)


def cloud_monitoring_incident(**fields: Any) -> Finding:
    """The finding of an incident of Cloud Monitoring, with other fields."""
    body = json.loads(payload("gcm_pubsub_open_v1_2_flanksource.json"))
    body["incident"] |= fields
    [finding] = sent(body)
    return finding


def guide() -> str:
    """The guide to foreign alerts."""
    return (PAYLOADS.parents[1] / "docs" / "alerts.md").read_text()
