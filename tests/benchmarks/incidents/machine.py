"""The whole system on this machine, with servers in the place of PagerDuty and Slack that enforce their limits."""

import json
import os
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import workload
from google.api_core.exceptions import DeadlineExceeded
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

from core.events import Finding
from functions.adapters.events import encode
from functions.adapters.ports import Store, Warehouse
from functions.adapters.stores import open_store
from functions.adapters.warehouse import open_warehouse
from infra import stage
from infra.local.ports import assign, listens
from infra.local.programs import Program
from infra.local.pubsub.metrics import render
from infra.local.stack import FUNCTIONS, PRIVATE, PROJECT, Stack

RECEIVERS = ("pagerduty", "slack")
WEBHOOK = "/services/T0STORM/B0STORM/ofTheStorm"
WATCHED = ("findings", "incidents")
"""Topics of which every message is kept, to be looked at afterwards."""
_TICKS = os.sysconf("SC_CLK_TCK")
_KB_A_MB = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """What a program took, with the processes it started.

    Attributes:
        cpu: seconds, of all its threads.
        peak: MB at most in memory (the resident sets of its processes added up, so shared pages count twice).
    """

    cpu: float
    peak: float


@dataclass(frozen=True, slots=True)
class Machine:
    """The running system."""

    stack: Stack
    publisher: PublisherClient
    subscriber: SubscriberClient

    @property
    def store(self) -> Store:
        """What the functions remember."""
        return open_store(self.stack.store, PROJECT)

    @property
    def warehouse(self) -> Warehouse:
        """Where the audit table is."""
        return open_warehouse(PROJECT)

    def send(self, topic: str, event: Finding) -> Callable[[], object]:
        """Publish an event; what is handed back waits until the bus has it."""
        path = self.publisher.topic_path(PROJECT, topic)
        own = {"type": event.TYPE, "version": str(event.VERSION), "id": event.id, "severity": event.severity.value}
        return self.publisher.publish(path, encode(event), **own).result  # type: ignore[no-any-return] # the client has no types

    def log(self, receiver: str) -> dict[str, Any]:
        """What a receiver says came."""
        with urllib.request.urlopen(f"{self.stack.ports.url(receiver)}/log", timeout=30) as answer:
            said: dict[str, Any] = json.load(answer)
        return said

    def waits(self, subscription: str) -> bool:
        """Whether a message of a subscription is not acknowledged yet."""
        lines = render(self.stack.folder / "pubsub.sqlite", time.time() + 1000).splitlines()
        return any(f'"{subscription}"' in line and float(line.rsplit(" ", 1)[1]) > 0 for line in lines)

    def kept(self, topic: str) -> Iterator[Any]:
        """Every message of a watched topic."""
        path = self.subscriber.subscription_path(PROJECT, f"watch-{topic}")
        while True:
            try:
                found = self.subscriber.pull(subscription=path, max_messages=1000, timeout=3).received_messages
            except DeadlineExceeded:
                return
            if not found:
                return
            self.subscriber.acknowledge(subscription=path, ack_ids=[one.ack_id for one in found])
            yield from (one.message for one in found)

    def used(self) -> dict[str, Used]:
        """What each function took so far."""
        pids = self.stack.programs.process_ids()
        return {name: _used(_family(pids[name])) for name in FUNCTIONS}


@contextmanager
def running(folder: Path, plan: workload.Plan) -> Iterator[Machine]:
    """The system with the settings of the storm, until the block ends."""
    stack = Stack(folder, assign([*PRIVATE, *RECEIVERS], fixed=False), separate=FUNCTIONS)
    ports = stack.ports
    settings = workload.settings(
        plan, pagerduty=f"{ports.url('pagerduty')}/v2/enqueue", slack=f"{ports.url('slack')}{WEBHOOK}"
    )
    file = folder / "monitoring.yaml"
    file.write_text(workload.text(settings))
    before = os.environ.get("AIA_SETTINGS")
    os.environ["AIA_SETTINGS"] = str(file)
    try:
        with stack:
            stack.start(lambda _: None, tracks=(), charts=False)
            stack.programs.start(*(_receiver(name, ports[name]) for name in RECEIVERS))
            yield _watching(Machine(stack, PublisherClient(), SubscriberClient()))
    finally:
        os.environ.pop("AIA_SETTINGS")
        if before is not None:
            os.environ["AIA_SETTINGS"] = before


def _watching(machine: Machine) -> Machine:
    for topic in WATCHED:
        name = machine.subscriber.subscription_path(PROJECT, f"watch-{topic}")
        machine.subscriber.create_subscription(
            request={"name": name, "topic": f"projects/{PROJECT}/topics/{topic}", "ack_deadline_seconds": 600}
        )
    return machine


def _receiver(name: str, port: int) -> Program:
    return Program(
        name=name,
        command=[sys.executable, "-m", f"tests.support.servers.{name}", "--port", str(port)],
        folder=stage.ROOT,
        ready=lambda: listens(port),
    )


def _family(pid: int) -> list[int]:
    """A process and all that it started."""
    children = [int(one) for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]
    return [pid, *(one for child in children for one in _family(child))]


def _used(pids: list[int]) -> Used:
    status = [_fields(Path(f"/proc/{pid}/status").read_text()) for pid in pids]
    stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    ticks = sum(int(one[11]) + int(one[12]) for one in stats)
    return Used(cpu=ticks / _TICKS, peak=sum(int(one["VmHWM"].split()[0]) for one in status) / _KB_A_MB)


def _fields(text: str) -> Mapping[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in text.splitlines())}
