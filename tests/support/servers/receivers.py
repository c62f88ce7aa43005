"""What the receivers of messages have in common: an HTTP server that judges each call, and keeps what it accepted."""

import argparse
import json
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """What a call is answered."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """One call that was accepted: when it arrived (seconds since 1970), on which account, and what it said."""

    at: float
    account: str
    body: Any


@dataclass
class Log:
    """What came: calls that were accepted, reasons why others were refused, and how many were too many."""

    calls: list[Call] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    limited: int = 0
    requests: int = 0


class Receiver(ThreadingHTTPServer):
    """Judges each POST, or answers it with the next of its scripted answers; `GET /log` says what came.

    Args:
        port: to listen on; 0 takes any free one.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.log = Log()
        self.lock = threading.Lock()
        self.scripted: deque[Reply] = deque()
        self.heard: list[tuple[dict[str, str], bytes]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        raise NotImplementedError

    def accept(self, account: str, body: Any) -> None:
        self.log.calls.append(Call(time.time(), account, body))

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        with self.lock:
            self.log.requests += 1
            self.heard.append((headers, body))
            return self.scripted.popleft() if self.scripted else self.judge(path, headers, body)

    def report(self) -> bytes:
        with self.lock:
            said = asdict(self.log) | {"violations": len(self.log.faults) + self.log.limited}
        return json.dumps(said).encode()

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: callers hang up."""


class _Handler(BaseHTTPRequestHandler):
    server: Receiver
    timeout = 30

    def do_POST(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers["content-length"]))
        self._send(self.server.answer(self.path, headers, body))

    def do_GET(self) -> None:
        self._send(Reply(200, self.server.report()) if self.path == "/log" else Reply(404))

    def _send(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@dataclass
class Window:
    """At most so many in any so many seconds, as the receiver's clock sees them."""

    most: int
    seconds: float
    times: deque[float] = field(default_factory=deque)

    def wait(self) -> float:
        """0 where one more is taken, and it is counted; else the seconds until it would be."""
        now = time.monotonic()
        while self.times and self.times[0] <= now - self.seconds:
            self.times.popleft()
        if len(self.times) >= self.most:
            return self.times[0] + self.seconds - now
        self.times.append(now)
        return 0.0


def run(make: Callable[[argparse.Namespace], Receiver], parser: argparse.ArgumentParser) -> int:
    """Serve until SIGTERM or SIGINT; the first line of the output is the port."""
    parser.add_argument("--port", type=int, default=0, help="to listen on, on the loopback interface; 0: any free")
    server = make(parser.parse_args())
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: threading.Thread(target=server.shutdown).start())
    print(server.server_address[1], flush=True)
    server.serve_forever()
    server.server_close()
    return 0
