"""Backlog, its age, and push results, under the names that Cloud Monitoring has in PromQL.

The backlog is read from the file, independently of the server, so that it is reported for a hung server as well.
"""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import ThreadingHTTPServer
from pathlib import Path

from infra.local.metrics_page import MetricsPage
from infra.local.pubsub import names
from infra.local.pubsub.tally import Tally

AGE = "pubsub_googleapis_com:subscription_oldest_unacked_message_age"
UNDELIVERED = "pubsub_googleapis_com:subscription_num_undelivered_messages"
_AGE_HEAD = (
    f"# HELP {AGE} Seconds since the oldest message that is not acknowledged was published, or 0.\n# TYPE {AGE} gauge\n"
)
_UNDELIVERED_HEAD = f"# HELP {UNDELIVERED} Messages that are not acknowledged.\n# TYPE {UNDELIVERED} gauge\n"
# The oldest is one step into the table's key, however much waits; counting takes some 0.1 s where 300,000 messages do.
_WAITING = """
SELECT name, (SELECT min(id) FROM queue WHERE subscription = number), (SELECT count(*) FROM queue WHERE subscription = number)
FROM subscriptions ORDER BY name
"""


@contextmanager
def serve(port: int, data: Path, tally: Tally, host: str = "127.0.0.1") -> Iterator[int]:
    """Serve `/metrics` until the block ends; the value is the port.

    Args:
        port: 0 takes a free one.
        data: the SQLite file, which may not be there yet.
        tally: where pushes are counted.
        host: the address it listens on.
    """
    with ThreadingHTTPServer((host, port), _pages(data, tally)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="metrics", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def render(data: Path, now: float) -> str:
    """The exposition of what waits.

    Args:
        data: the SQLite file.
        now: seconds since 1970.
    """
    with closing(sqlite3.connect(f"{data.resolve().as_uri()}?mode=ro", uri=True, timeout=1)) as database:
        rows = database.execute(_WAITING).fetchall()
    ages = [f"{AGE}{{{names.labels(name)}}} {_age(oldest, now):.1f}\n" for name, oldest, _ in rows]
    counts = [f"{UNDELIVERED}{{{names.labels(name)}}} {count}\n" for name, _, count in rows]
    return "".join([_AGE_HEAD, *ages, _UNDELIVERED_HEAD, *counts])


def _age(oldest: int | None, now: float) -> float:
    """Numbers of messages are microseconds since 1970."""
    return max(0.0, now - oldest / 1e6) if oldest else 0.0


def _pages(data: Path, tally: Tally) -> type[MetricsPage]:
    class Pages(MetricsPage):
        def do_GET(self) -> None:  # noqa: N802 - http.server's own name
            try:
                answer = (200, self._exposition()) if self.path == "/metrics" else (404, "not found\n")
            except sqlite3.Error as error:  # before the server has made the file
                answer = 503, f"{error}\n"
            self.reply(*answer)

        def _exposition(self) -> str:
            return render(data, time.time()) + tally.render()

    return Pages
