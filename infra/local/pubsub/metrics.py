"""How long messages have waited: what Cloud Monitoring has of every subscription by itself, and under its name in PromQL.

Read from the file, beside the server that writes it, so that it is told of a server that hangs as well.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from infra.local.pubsub import names

NAME = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_HEAD = f"# HELP {NAME} Seconds since the oldest message that is not acknowledged was published, or 0.\n# TYPE {NAME} gauge\n"
# For each subscription one step into the table's key, however much waits.
_OLDEST = "SELECT name, (SELECT min(id) FROM queue WHERE subscription = number) FROM subscriptions ORDER BY name"


@contextmanager
def serve(port: int, data: Path) -> Iterator[int]:
    """Serve `/metrics` on loopback until the block ends; the value is the port.

    Args:
        port: 0 takes a free one.
        data: the SQLite file, which may not be there yet.
    """
    with ThreadingHTTPServer(("127.0.0.1", port), _pages(data)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def render(data: Path, now: float) -> str:
    """The exposition.

    Args:
        data: the SQLite file.
        now: seconds since 1970.
    """
    with closing(sqlite3.connect(f"{data.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as database:
        rows = database.execute(_OLDEST).fetchall()
    return _HEAD + "".join(_line(name, oldest, now) for name, oldest in rows)


def _line(name: str, oldest: int | None, now: float) -> str:
    labels = f'project_id="{names.project(name)}",subscription_id="{names.short(name)}"'
    # Numbers of messages are microseconds since 1970.
    return f"{NAME}{{{labels}}} {max(0.0, now - oldest / 1e6) if oldest else 0.0:.1f}\n"


def _pages(data: Path) -> type[BaseHTTPRequestHandler]:
    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server's own name
            try:
                found = (200, render(data, time.time())) if self.path == "/metrics" else (404, "not found\n")
            except sqlite3.Error as error:  # before the server has made the file
                found = 503, f"{error}\n"
            self._answer(*found)

        def _answer(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own name
            """Say nothing: a scrape every five seconds is no news."""

    return Pages
