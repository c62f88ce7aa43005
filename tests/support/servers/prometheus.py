"""Prometheus itself, on a folder of its own."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.prometheus import command, write_config

absent = [name for name in ("prometheus", "promtool") if shutil.which(name) is None]
needs_prometheus = pytest.mark.skipif(bool(absent), reason=f"prometheus is absent: {absent} not on PATH")


class Server:
    """A running Prometheus."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: object) -> Any:
        with urllib.request.urlopen(f"{self.url}{path}?{urllib.parse.urlencode(query)}") as answer:
            return json.load(answer)["data"]

    def ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready"):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    def now(self, query: str) -> list[Any]:
        return list(self.get("/api/v1/query", query=query)["result"])

    def chart(self, query: str, start: datetime, end: datetime, step: timedelta) -> dict[str, list[float]]:
        """The values of each series of a range query, by the value of its feature."""
        edges = {"start": start.timestamp(), "end": end.timestamp(), "step": step.total_seconds()}
        found = self.get("/api/v1/query_range", query=query, **edges)["result"]
        return {one["metric"].get("feature", ""): [float(value) for _, value in one["values"]] for one in found}


@contextmanager
def prometheus(
    folder: Path, *, target: str = "127.0.0.1:1", rules: Path | None = None, alerts_to: Sequence[str] = ()
) -> Iterator[Server]:
    """Prometheus on the data of a folder until the block ends."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    config = write_config(
        folder / "prometheus.yml",
        targets={"monitoring": target},
        alerts_to=alerts_to,
        rules=rules or folder / "no-rules",
        scrape_interval=timedelta(seconds=1),
    )
    line = command(config=config, data_dir=folder / "data", listen=f"127.0.0.1:{port}")
    server = Server(port)
    with (folder / "prometheus.log").open("a") as log, subprocess.Popen(line, stderr=log) as process:
        try:
            until(server.ready)
            yield server
        finally:
            process.terminate()


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)
