"""What stands before BigQuery's emulator and does what only Google's service does: an id of a load job is taken once, quotas and permissions refuse.

The emulator gives each upload an id of its own, whatever the client asks for (`jobs.insert` answers 409 for one that is there), and its
tables name no location.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import requests

_TABLE = re.compile(r"/datasets/(\w+)/tables/\w+(?:\?|$)")
_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "server", "date"}


@dataclass
class Fault:
    """How requests are answered, instead of by the emulator.

    Attributes:
        method: of the requests.
        part: of their path.
        status: of HTTP; 200 where the request is taken and the job fails.
        reason: of the error, as in rateLimitExceeded.
        times: of how many requests.
        after: how many pass first.
        goes_on: whether an upload is loaded all the same, when its job is asked for: the client was killed, and the job was not.
    """

    method: str
    part: str
    status: int
    reason: str
    times: int = 1
    after: int = 0
    goes_on: bool = False

    def meets(self, method: str, path: str) -> bool:
        """Whether it answers a request; counts it."""
        if method != self.method or self.part not in path or not self.times:
            return False
        if self.after:
            self.after -= 1
            return False
        self.times -= 1
        return True

    @property
    def error(self) -> dict[str, Any]:
        one = {"reason": self.reason, "message": f"{self.reason} by a test", "domain": "global"}
        return {"code": self.status, "message": one["message"], "errors": [one]}


@dataclass
class Front:
    """The service: `jobs` by their ids, `None` while one goes on, and `locations` of datasets that are not in US."""

    emulator: str
    faults: list[Fault] = field(default_factory=list)
    jobs: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    locations: dict[str, str] = field(default_factory=dict)
    pending: dict[str, requests.Request] = field(default_factory=dict)

    def answer(self, asked: requests.Request, path: str) -> tuple[int, dict[str, str], bytes]:
        """The answer to a request."""
        fault = next((one for one in self.faults if one.meets(str(asked.method), path)), None)
        if fault and fault.goes_on:
            self.pending[self.uploads[path]] = asked
        if fault and fault.status == 200:
            return self._done(
                self.uploads[path], {"status": {"state": "DONE", "errorResult": fault.error["errors"][0]}}
            )
        if fault:
            return _json(fault.status, {"error": fault.error})
        identifier = path.partition("?")[0].rpartition("/")[2]
        if asked.method == "GET" and identifier in self.jobs:
            return self._asked_for(identifier)
        if asked.method == "POST" and "uploadType=resumable" in path:
            return self._begun(asked)
        status, headers, body = _passed(asked)
        if (table := _TABLE.search(path)) and asked.method == "GET" and status == 200:
            return _json(status, json.loads(body) | {"location": self.locations.get(table[1], "US")})
        return (
            self._done(self.uploads[path], json.loads(body))
            if path in self.uploads and status == 200
            else (status, headers, body)
        )

    def _begun(self, asked: requests.Request) -> tuple[int, dict[str, str], bytes]:
        identifier = json.loads(asked.data)["jobReference"]["jobId"]
        if identifier in self.jobs:
            fault = Fault("POST", "", 409, "duplicate")
            return _json(409, {"error": fault.error})
        status, headers, body = _passed(asked)
        name = next(name for name in headers if name.lower() == "location")
        path = "/" + headers[name].partition("://")[2].partition("/")[2]
        self.uploads[path], self.jobs[identifier] = identifier, None
        return status, headers | {name: path}, body

    def _asked_for(self, identifier: str) -> tuple[int, dict[str, str], bytes]:
        if identifier in self.pending:
            _, _, body = _passed(self.pending.pop(identifier))
            return self._done(identifier, json.loads(body))
        return _json(200, self.jobs[identifier])

    def _done(self, identifier: str, told: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        reference = {"jobReference": {"projectId": "test", "jobId": identifier, "location": "US"}}
        self.jobs[identifier] = {"configuration": {"load": {}}, **told, **reference}
        return _json(200, self.jobs[identifier])


def _json(status: int, told: Any) -> tuple[int, dict[str, str], bytes]:
    return status, {"Content-Type": "application/json"}, json.dumps(told).encode()


def _passed(asked: requests.Request) -> tuple[int, dict[str, str], bytes]:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.send(asked.prepare(), timeout=30)
    return answer.status_code, {k: v for k, v in answer.headers.items() if k.lower() not in _HOP}, answer.content


@contextmanager
def front_of(emulator: str) -> Iterator[tuple[Front, str]]:
    """A front of an emulator, and its address."""
    front = Front(emulator)

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kept = {name: value for name, value in self.headers.items() if name.lower() not in {*_HOP, "host"}}
            asked = requests.Request(self.command, front.emulator + self.path, headers=kept, data=body)
            status, headers, content = front.answer(asked, self.path)
            self.send_response(status)
            for name, value in headers.items():
                here = f"http://{self.headers['Host']}{value}" if name.lower() == "location" else value
                self.send_header(name, here)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer  # noqa: N815 - the names are http.server's

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield front, f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
