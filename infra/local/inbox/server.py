"""The inbox over HTTP.

`POST /` takes a message: 201 when it is new, 200 when its key is known, 400 when it is none; `POST /?channel=NAME` says
which channel it was sent through. `POST /api/v2/alerts` takes alerts from Prometheus itself, as an Alertmanager does,
and keeps those about silence: 200, or 400 when it is no list of alerts. `GET /` is the page, `GET /messages.json` the
same as JSON, the newest first.
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from core.browsers import Asked, BrowserReason, refusal
from infra.local.inbox import alerts, messages
from infra.local.inbox.messages import Messages, Posted
from infra.local.inbox.page import page

SHOWN = 200
LISTED = 10_000
LONGEST_BODY = 256 * 1024
_POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'"
_REFUSALS = {BrowserReason.HOST: HTTPStatus.MISDIRECTED_REQUEST, BrowserReason.CROSS_SITE: HTTPStatus.FORBIDDEN}
_PARTS = {"/style.css": "text/css", "/refresh.js": "text/javascript", "/icon.svg": "image/svg+xml"}


class Inbox(ThreadingHTTPServer):
    """Serves one file of messages on the loopback interface.

    Args:
        port: to listen on; 0 takes any free one.
        data: the SQLite file.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, data: Path) -> None:
        self.messages = Messages(data)
        super().__init__(("127.0.0.1", port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: Inbox
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self) -> None:
        if self._is_foreign():
            return None
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            return self._refuse(HTTPStatus.LENGTH_REQUIRED, "Content-Length: must be the number of bytes")
        if int(length) > LONGEST_BODY:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"body: must be at most {LONGEST_BODY} bytes")
        body = self.rfile.read(int(length))
        where = urlsplit(self.path)
        reads = _READERS.get(where.path)
        if reads is None:
            return self._refuse(HTTPStatus.NOT_FOUND, f"path: must be one of {', '.join(_READERS)}")
        try:
            answer = reads(body, where.query)
        except ValueError as error:
            return self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        new = [self.server.messages.receive(message) for message in answer]
        # Prometheus accepts any 2xx; an Alertmanager answers 200.
        created = where.path == "/" and any(new)
        return self._send(HTTPStatus.CREATED if created else HTTPStatus.OK, "application/json", b"{}")

    def do_GET(self) -> None:
        if self._is_foreign():
            return None
        path = urlsplit(self.path).path
        if path in _PARTS:
            return self._send(HTTPStatus.OK, _PARTS[path], (Path(__file__).parent / path[1:]).read_bytes())
        answer = _ANSWERS.get(path)
        if answer is None:
            return self._refuse(HTTPStatus.NOT_FOUND, f"path: must be one of {', '.join((*_ANSWERS, *_PARTS))}")
        kind, render = answer
        body = render(self.server.messages)
        tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == tag:
            return self._send(HTTPStatus.NOT_MODIFIED, kind, b"", tag)
        return self._send(HTTPStatus.OK, kind, body, tag)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _is_foreign(self) -> bool:
        """Whether the request is refused: it names another host, or a page of another site asks a browser for a change."""
        headers = self.headers
        asked = Asked(
            method=self.command, host=headers["Host"], origin=headers["Origin"], site=headers["Sec-Fetch-Site"]
        )
        if found := refusal(asked, ()):
            self._refuse(_REFUSALS[found.reason], found.message)
        return found is not None

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self.close_connection = True
        self._send(status, "application/json", msgspec.json.encode({"error": why}))

    def _send(self, status: HTTPStatus, kind: str, body: bytes, tag: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        if status is not HTTPStatus.NOT_MODIFIED:
            self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        if tag:
            self.send_header("ETag", tag)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name the base class gives it
        """Say nothing: the page shows what arrived, and a page that refreshes would fill the log."""


def _read_message(body: bytes, query: str) -> list[Posted]:
    return [messages.read(body, parse_qs(query).get("channel", [""])[0])]


def _read_alerts(body: bytes, _: str) -> list[Posted]:
    return alerts.read(body, datetime.now(UTC))


def _page(kept: Messages) -> bytes:
    return page(kept.newest(SHOWN), kept.count()).encode(errors="replace")


def _json(kept: Messages) -> bytes:
    return msgspec.json.encode(kept.newest(LISTED))


_READERS: dict[str, Callable[[bytes, str], list[Posted]]] = {"/": _read_message, "/api/v2/alerts": _read_alerts}
_ANSWERS: dict[str, tuple[str, Callable[[Messages], bytes]]] = {
    "/": ("text/html", _page),
    "/messages.json": ("application/json", _json),
}
