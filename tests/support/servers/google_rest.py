"""Resource Manager, IAM and osv.dev on loopback over REST, as far as the security scan asks them."""

import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

PROJECT = "shop"
PAGE = 2
"""Accounts of a page, so that few of them make several."""
Json = dict[str, Any]


class RefusedError(Exception):
    """The API refuses, with a status."""

    def __init__(self, code: int, status: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.body = {"error": {"code": code, "message": message, "status": status}}


@dataclass
class Cloud:
    """A project, and what osv.dev knows.

    Attributes:
        url: where it listens.
        policy: of the project.
        keys: of each account, by its e-mail address.
        advisories: by name and version of a package.
        permissions: that the caller has.
        broken: is answered to everything, where there is one: a status and a body.
        asked: the methods and paths that were asked for.
    """

    url: str = ""
    policy: Json = field(default_factory=lambda: {"version": 1, "etag": "BwW", "bindings": []})
    keys: dict[str, list[Json]] = field(default_factory=dict)
    advisories: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    permissions: set[str] = field(
        default_factory=lambda: {
            "resourcemanager.projects.getIamPolicy",
            "iam.serviceAccounts.list",
            "iam.serviceAccountKeys.list",
        }
    )
    broken: tuple[int, bytes] | None = None
    asked: list[str] = field(default_factory=list)

    def make_key(self, account: str, key: str, made: str, **changed: Any) -> None:
        """A key of an account."""
        name = f"projects/{PROJECT}/serviceAccounts/{account}/keys/{key}"
        one = {"name": name, "validAfterTime": made, "keyType": "USER_MANAGED", "keyAlgorithm": "KEY_ALG_RSA_2048"}
        self.keys.setdefault(account, []).append(one | changed)

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Json) -> Json:
        self.asked.append(f"{method} {path}")
        if (method, path) == ("POST", f"/v3/projects/{PROJECT}:getIamPolicy"):
            self._need("resourcemanager.projects.getIamPolicy")
            return self._policy(body)
        if (method, path) == ("GET", f"/v1/projects/{PROJECT}/serviceAccounts"):
            self._need("iam.serviceAccounts.list")
            return self._accounts(query)
        if method == "GET" and (found := re.fullmatch(rf"/v1/projects/{PROJECT}/serviceAccounts/([^/]+)/keys", path)):
            self._need("iam.serviceAccountKeys.list")
            return self._keys(found[1], query)
        if (method, path) == ("POST", "/v1/querybatch"):
            return {"results": [self._advised(one) for one in body["queries"]]}
        raise RefusedError(404, "NOT_FOUND", f"{path} was not found")

    def _need(self, permission: str) -> None:
        if permission not in self.permissions:
            raise RefusedError(403, "PERMISSION_DENIED", f"Permission '{permission}' denied on resource.")

    def _policy(self, body: Json) -> Json:
        conditional = any("condition" in one for one in self.policy["bindings"])
        if conditional and body.get("options", {}).get("requestedPolicyVersion") != 3:
            raise RefusedError(400, "INVALID_ARGUMENT", "the policy has conditions: ask for version 3")
        return self.policy

    def _accounts(self, query: dict[str, list[str]]) -> Json:
        start = int(query.get("pageToken", ["0"])[0])
        names = [f"projects/{PROJECT}/serviceAccounts/{email}" for email in sorted(self.keys)]
        page: Json = {"accounts": [{"name": name, "uniqueId": "1"} for name in names[start : start + PAGE]]}
        return page | ({"nextPageToken": str(start + PAGE)} if len(names) > start + PAGE else {})

    def _keys(self, email: str, query: dict[str, list[str]]) -> Json:
        kinds = query.get("keyTypes", [])
        found = [key for key in self.keys[email] if not kinds or key["keyType"] in kinds]
        return {"keys": found} if found else {}

    def _advised(self, query: Json) -> Json:
        if query["package"]["ecosystem"] != "PyPI":
            raise RefusedError(400, "INVALID_ARGUMENT", "Invalid ecosystem.")
        ids = self.advisories.get((query["package"]["name"], query["version"]), [])
        return {"vulns": [{"id": one, "modified": "2024-01-01T00:00:00Z"} for one in ids]} if ids else {}


class Api(Protocol):
    """What answers requests.

    Attributes:
        broken: is answered to everything, where there is one: a status and a body.
    """

    broken: tuple[int, bytes] | None

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Json) -> Json:
        """The answer to a request; raises `RefusedError`."""
        ...


class _Handler(BaseHTTPRequestHandler):
    api: Api

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        given = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        time.sleep(getattr(self.api, "delay", 0.0))
        try:
            found = self.api.answer(
                self.command, unquote(parts.path), parse_qs(parts.query), json.loads(given or b"{}")
            )
            code, body = self.api.broken or (200, json.dumps(found).encode())
        except RefusedError as error:
            code, body = error.code, json.dumps(error.body).encode()
        with suppress(BrokenPipeError, ConnectionResetError):  # who asked has gone
            self.send_response(code)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815 - the names of the base class

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def serve(api: Api) -> Iterator[str]:
    """An API on a free port: its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def cloud() -> Iterator[Cloud]:
    """The APIs on a free port."""
    running = Cloud()
    with serve(running) as running.url:
        yield running
