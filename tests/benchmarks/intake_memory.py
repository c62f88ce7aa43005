"""The memory of `alert_intake` for any eight requests at once: as deployed, with a token, eight threads, and a real Pub/Sub behind it.

    python tests/benchmarks/intake_memory.py

Each case has a process of its own. What is measured is the most that the worker had in memory at once (`VmHWM`), beside what it had after one
small alert; the limit of the function is 512 MiB.
"""

import gzip
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from google.cloud.pubsub_v1 import PublisherClient

from infra.local.warehouse import write_credentials
from tests.support.servers.answering import answering

ROOT = Path(__file__).resolve().parents[2]
PROJECT, TOKEN, AT_ONCE = "aia-local", "token", 8
MOST = 200.0
"""MB."""
BODY = 8_000_000
"""Bytes of the largest body that is taken."""
Case = Callable[[int], list[tuple[int, bytes]]]
SMALL = json.dumps([{"labels": {"alertname": "A", "service": "s", "severity": "critical"}}]).encode()


def free() -> int:
    """A free port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def genuine(size: int) -> bytes:
    """Alerts as Prometheus sends them, each with another name, of nearly so many bytes."""
    alerts, length = list[str](), 2
    for number in range(10**6):
        one = json.dumps(
            {
                "labels": {
                    "alertname": f"HighErrorRate{number}",
                    "service": f"checkout-{number % 50}",
                    "severity": "critical",
                    "instance": f"10.0.{number // 250}.{number % 250}:9100",
                    "job": "node",
                    "cluster": "europe-west1-production",
                },
                "annotations": {
                    "summary": f"{number} % of the orders fail",
                    "description": "The share of failed orders is above the threshold. " * 6,
                },
                "startsAt": "2026-11-23T16:12:47Z",
                "generatorURL": "https://prometheus.example.com/graph?g0.expr=rate",
            }
        )
        length += len(one) + 1
        if length > size:
            break
        alerts.append(one)
    return f"[{','.join(alerts)}]".encode()


def filled(element: str, size: int) -> bytes:
    """A list with as many of an element as fit."""
    return f"[{','.join([element] * ((size - 2) // (len(element) + 1)))}]".encode()


def distinct(count: int, size: int) -> bytes:
    """An object of so many different keys and values."""
    width = size // count // 2 - 4
    return json.dumps({f"{n:0{width}}": f"{n:0{width}}" for n in range(count)}, separators=(",", ":")).encode()


def mixed(count: int) -> bytes:
    """A list of objects of three different keys and values."""
    pairs = (f'"k{number:07}":"v{number:07}"' for number in range(3 * count))
    return f"[{','.join(f'{{{one},{next(pairs)},{next(pairs)}}}' for one in pairs)}]".encode()


def post(body: bytes, headers: Mapping[str, str] = {}) -> Callable[[int], tuple[int, bytes]]:
    """A request with the token."""

    def send(port: int) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        said = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json", **headers}
        try:
            connection.request("POST", "/api/v2/alerts", body, said)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            return 0, type(error).__name__.encode()

    return send


def held_back(size: int, *, token: str, chunked: bool) -> Callable[[int], tuple[int, bytes]]:
    """A request whose last byte does not come."""

    def send(port: int) -> tuple[int, bytes]:
        length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
        credentials = f"Authorization: Bearer {token}\r\n" if token else ""
        sent = b"[" + b" " * (size - 2)
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(f"POST / HTTP/1.1\r\nHost: localhost\r\n{credentials}{length}\r\n\r\n".encode())
                connection.sendall(f"{size:x}\r\n".encode() + sent if chunked else sent)
                return int(connection.recv(4096).split()[1]), b""
        except (OSError, IndexError, ValueError) as error:
            return 0, type(error).__name__.encode()

    return send


@contextmanager
def running() -> Iterator[tuple[int, int]]:
    """The function behind functions-framework: its port, and the process that answers."""
    bus, port = free(), free()
    with tempfile.TemporaryDirectory() as folder, answering(body=b"{}") as warehouse:
        command = [
            sys.executable,
            "-m",
            "infra.local.pubsub",
            f"--port={bus}",
            f"--rest-port={free()}",
            f"--metrics-port={free()}",
        ]
        environment = os.environ | {
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{bus}",
            "BIGQUERY_EMULATOR_HOST": warehouse.url,
            "GOOGLE_APPLICATION_CREDENTIALS": str(write_credentials(Path(folder) / "credentials.json")),
            "AIA_STORE": f"sqlite://{folder}/store.sqlite",
            "AIA_LOCATION": "local",
            "AIA_MONITORING_ENDPOINT": "127.0.0.1:9",
            "AIA_INTAKE_TOKEN": TOKEN,
            "AIA_SETTINGS": str(ROOT / "infra" / "monitoring.yaml"),
            "THREADS": str(AT_ONCE),
            "PYTHONPATH": str(ROOT),
        }
        framework = [sys.executable, "-m", "functions_framework", "--target=main", "--host=127.0.0.1", f"--port={port}"]
        framework += [f"--source={ROOT / 'functions' / 'alert_intake' / 'main.py'}"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
        with subprocess.Popen([*command, f"--data={folder}/bus.sqlite", f"--project={PROJECT}"], **quiet) as server:  # type: ignore[call-overload] # a mapping of options has one type
            _topics(bus)
            with subprocess.Popen(framework, **quiet) as process:  # type: ignore[call-overload] # as above
                try:
                    _until(lambda: post(SMALL)(port)[0] == 200)
                    yield port, _worker(process.pid)
                finally:
                    process.terminate()
                    process.wait()
                    server.terminate()


def _topics(bus: int) -> None:
    os.environ["PUBSUB_EMULATOR_HOST"] = f"127.0.0.1:{bus}"
    client = PublisherClient()
    for name in ("findings", "pipeline-runs"):
        client.create_topic(name=f"projects/{PROJECT}/topics/{name}", timeout=60)


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.2)


def _worker(pid: int) -> int:
    """The child that answers, or the process itself."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else pid


def megabytes(pid: int, what: str) -> float:
    """A figure of the memory of a process."""
    found = re.search(rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    return int(found[1]) / 1000 if found else 0.0


CASES: dict[str, Callable[[int], tuple[int, bytes]]] = {
    "no token, 32 MB, the last byte held back": held_back(32_000_000, token="", chunked=False),
    "no token, 32 MB in chunks, held back": held_back(32_000_000, token="", chunked=True),
    "token, 8 MB in chunks, held back": held_back(BODY, token=TOKEN, chunked=True),
    'token, 7 MB of `{"a":[]}`': post(filled('{"a":[]}', 7_000_000)),
    'token, 0.9 MB of `{"a":[]}`, as many as are read': post(filled('{"a":[]}', 49_900 * 9)),
    "token, 8 MB, one object of 290,000 keys": post(distinct(290_000, BODY - 400_000)),
    "token, 7 MB, 99,000 objects of three keys": post(mixed(99_000)),
    "token, 8 MB, one text beyond the BMP": post(b'{"target":"' + "\N{BUG}".encode() * 1_990_000 + b'"}'),
    "token, 8 MB that is no JSON": post(b"x" * BODY),
    "token, gzip of 100 MB": post(gzip.compress(b" " * 100_000_000), {"Content-Encoding": "gzip"}),
    "token, 8 MB of genuine alerts": post(genuine(BODY)),
    "token, gzip of 8 MB of genuine alerts": post(gzip.compress(genuine(BODY)), {"Content-Encoding": "gzip"}),
}


def main(names: list[str]) -> int:
    """Print the memory of each case; 1 where one takes more."""
    print(f"| {AT_ONCE} requests at once | answered | before, MB | most, MB |\n|---|---|---|---|")
    missed = 0
    for name, send in CASES.items():
        if names and not any(word in name for word in names):
            continue
        with running() as (port, pid), ThreadPoolExecutor(AT_ONCE) as pool:
            before = megabytes(pid, "VmHWM")
            answers = list(pool.map(send, [port] * AT_ONCE))
            most = megabytes(pid, "VmHWM")
        counts = {status: sum(one == status for one, _ in answers) for status, _ in answers}
        accepted = max((json.loads(body).get("accepted", 0) for status, body in answers if status == 200), default=0)
        told = ", ".join(f"{count} x {status or 'cut off'}" for status, count in sorted(counts.items()))
        told += f" ({accepted} alerts each)" if accepted else ""
        print(f"| {name} | {told} | {before:.0f} | {most:.0f} |", flush=True)
        missed |= most > MOST or ("genuine" in name and 200 not in counts)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
