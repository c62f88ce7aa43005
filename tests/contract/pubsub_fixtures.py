"""Pub/Sub for tests: our server and Google's emulator as processes, official clients, and an endpoint to push to."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient

PROJECT = "aia-local"
PATIENCE = 60.0
"""Seconds after which a test gives up on what it awaits."""

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Bus:
    """A running server, and clients that speak to it."""

    host: str
    publisher: PublisherClient
    subscriber: SubscriberClient
    kind: str = "ours"
    process: "subprocess.Popen[str] | None" = None
    rest: str = ""
    """The address over HTTP."""

    def kill(self) -> None:
        """End it at once, as a crash would."""
        assert self.process
        self.process.kill()
        self.process.wait()

    def topic(self, name: str = "") -> str:
        """A new topic."""
        path = f"projects/{PROJECT}/topics/{name or f'topic-{next(_numbers)}'}"
        self.publisher.create_topic(name=path)
        return path

    def subscription(self, topic: str, **details: object) -> str:
        """A new subscription."""
        path = f"projects/{PROJECT}/subscriptions/subscription-{next(_numbers)}"
        self.subscriber.create_subscription(request={"name": path, "topic": topic, **details})
        return path

    def publish(self, topic: str, data: bytes, **attributes: str) -> str:
        """Publish a message and wait until the server has it."""
        return str(self.publisher.publish(topic, data, **attributes).result(timeout=PATIENCE))

    def pull(self, subscription: str, count: int, *, acknowledge: bool = True) -> list[Any]:
        """So many messages."""
        got: list[Any] = []
        deadline = time.monotonic() + PATIENCE
        while len(got) < count:
            assert time.monotonic() < deadline, f"{len(got)} of {count} messages came"
            received = self.look(subscription, min(1000, count - len(got)))
            got += received
            if received and acknowledge:
                ids = [one.ack_id for one in received]
                self.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
            if not received:
                time.sleep(0.02)
        return got

    def waiting(self, subscription: str) -> list[bytes]:
        """What waits at this moment."""
        return [one.message.data for one in self.look(subscription, 1000)]

    def look(self, subscription: str, most: int) -> list[Any]:
        """The messages that a pull gives at once."""
        request = {"subscription": subscription, "max_messages": most, "return_immediately": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # advised against, but the only way not to wait
            return list(self.subscriber.pull(request=request).received_messages)

    def send(self, topic: str, messages: list[dict[str, Any]]) -> list[str]:
        """Publish messages in one request, as they stand and once; their numbers."""
        return list(self.publisher._gapic_publish(topic=topic, messages=messages, retry=None, timeout=30).message_ids)


@contextmanager
def clients(host: str) -> Iterator[tuple[PublisherClient, SubscriberClient]]:
    """The official clients, told by the environment where to go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PUBSUB_EMULATOR_HOST", host)
        publisher, subscriber = PublisherClient(), SubscriberClient()
    try:
        yield publisher, subscriber
    finally:
        publisher.stop()
        publisher.transport.close()
        subscriber.close()


@contextmanager
def our_server(data: Path, environment: Mapping[str, str] | None = None, options: Sequence[str] = ()) -> Iterator[Bus]:
    """Our server on a file."""
    command = [sys.executable, "-m", "infra.local.pubsub", "--port", "0", "--data", str(data), "--project", PROJECT]
    command += options
    env = {**os.environ, "GOOGLE_CLOUD_PROJECT": PROJECT, **(environment or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        try:
            assert process.stdout
            line = process.stdout.readline().split()
            host, rest = line[-1], line[3]
            with clients(host) as (publisher, subscriber):
                yield Bus(host, publisher, subscriber, process=process, rest=rest)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


@contextmanager
def google_emulator(folder: Path) -> Iterator[Bus]:
    """Google's own emulator; skips where gcloud or its component is absent."""
    program, host = _emulator_program(), f"127.0.0.1:{_free_port()}"
    command = [str(program), "--host=127.0.0.1", f"--port={host.rsplit(':', 1)[1]}"]
    with (folder / "emulator.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            _await_port(host)
            with clients(host) as (publisher, subscriber):
                yield Bus(host, publisher, subscriber, kind="google")
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def await_that(condition: Callable[[], object], what: str, *, every: float = 0.01) -> None:
    """Return when the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(every)


@dataclass(slots=True)
class Endpoint:
    """What was pushed, and with what the next pushes are answered (the last answer stays)."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    bodies: list[dict[str, Any]] = field(default_factory=list)

    def wait(self, count: int) -> list[dict[str, Any]]:
        """The first so many pushes."""
        await_that(lambda: len(self.bodies) >= count, f"{count} pushes")
        return self.bodies[:count]

    def answer(self, body: bytes) -> int:
        """Keep a body; the status to answer with."""
        self.bodies.append(json.loads(body))
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def endpoint(answers: Sequence[int] = (204,)) -> Iterator[Endpoint]:
    """An HTTP endpoint to push to."""
    place = Endpoint(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status = place.answer(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(status)
            if status != 204:
                self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        place.url = f"http://127.0.0.1:{server.server_port}/push"
        yield place
        server.shutdown()


def _emulator_program() -> Path:
    gcloud = shutil.which("gcloud")
    if not gcloud:
        pytest.skip("gcloud is absent, and with it Google's Pub/Sub emulator")
    command = [gcloud, "info", "--format=value(installation.sdk_root)"]
    root = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE).stdout.strip()
    program = Path(root) / "platform/pubsub-emulator/bin/cloud-pubsub-emulator"
    if not program.exists():
        pytest.skip(f"gcloud is absent in part: it has no pubsub-emulator component at {program}")
    return program


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(host: str) -> None:
    def answers() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", int(host.rsplit(":", 1)[1])), timeout=1):
            return True
        return False

    await_that(answers, f"a server on {host}")
