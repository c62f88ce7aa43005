"""200 probes of one tick, of which 20 hang: how long the tick takes, and the memory of its process.

The targets are real servers in this process; the probes run in a process of their own, after the imports of `health_check`, with the packages of
its archive alone.
"""

import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1.health import HealthServicer
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server
from websockets.sync.server import serve

from infra import stage
from tests.benchmarks.environments import python_of
from tests.support.servers.postgresql_server import database, owned_folder
from tests.support.servers.redis_server import redis_server
from tests.support.servers.targets import Web, serving

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
TARGET_SECONDS, TARGET_MB = 10.0, 150.0
HANGING = 20
PORTS = ("web", "websocket", "grpc", "redis", "postgresql")


def main() -> int:
    """Print the table; not 0 where a target is missed."""
    with ExitStack() as closing:
        ports = {name: closing.enter_context(SERVERS[name]()) for name in PORTS}
        settings = {"version": 1, "jobs": {}, "probes": list(probes(ports))}
        measured = [python(), str(HERE / "tick.py")]
        done = subprocess.run(
            measured, input=json.dumps(settings), capture_output=True, text=True, check=True, cwd=ROOT
        )
    found = json.loads(done.stdout.splitlines()[-1])
    print(f"| {found['probes']} probes of one tick, of which {HANGING} hang | measured | target | of the target |")
    print("|---|---|---|---|")
    print(
        f"| seconds of the tick | {found['seconds']:.1f} | {TARGET_SECONDS:g} | {found['seconds'] / TARGET_SECONDS:.2f} |"
    )
    print(f"| peak memory of the process, MB | {found['peak']:.0f} | {TARGET_MB:g} | {found['peak'] / TARGET_MB:.2f} |")
    print(f"| of it after the imports, MB | {found['before']:.0f} | | |")
    print(f"| up, timed out, other | {found['up']}, {found['timeout']}, {found['other']} | 180, {HANGING}, 0 | |")
    right = (found["up"], found["timeout"], found["other"]) == (180, HANGING, 0)
    return int(not right or found["seconds"] > TARGET_SECONDS or found["peak"] > TARGET_MB)


def python() -> str:
    """The Python of an environment with what the archive of the function has, and no more: other packages are imported by some of these."""
    locked = re.findall(r"^(\S+==[^\\\n]+?)\s*\\?$", stage.requirements("health_check"), re.MULTILINE)
    return str(python_of("health_check", locked))


def probes(ports: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The settings: 180 of seven kinds that answer, and 20 that hang."""
    here = {"every": "1m", "allowed_networks": ["127.0.0.0/8"]}
    web = f"http://127.0.0.1:{ports['web']}"
    database = {"address": f"127.0.0.1:{ports['postgresql']}", "encryption": "none", "user": "plain"}
    kinds: list[tuple[int, dict[str, Any]]] = [
        (HANGING, {"kind": "http", "url": f"{web}/hang"}),
        (60, {"kind": "http", "url": f"{web}/"}),
        (30, {"kind": "tcp", "address": f"127.0.0.1:{ports['web']}"}),
        (20, {"kind": "journey", "steps": [{"url": f"{web}/"}, {"url": f"{web}/"}]}),
        (20, {"kind": "websocket", "url": f"ws://127.0.0.1:{ports['websocket']}/"}),
        (20, {"kind": "grpc", "address": f"127.0.0.1:{ports['grpc']}", "tls": False}),
        (15, {"kind": "redis", "address": f"127.0.0.1:{ports['redis']}"}),
        (15, {"kind": "postgresql", **database}),
    ]
    for number, (count, settings) in enumerate(kinds):
        yield from ({"name": f"p{number}-{index}", **here, **settings} for index in range(count))


@contextmanager
def web_server() -> Iterator[int]:
    server = Web()
    server.routes["/hang"] = lambda handler: handler.hang()
    with serving(server):
        yield server.server_address[1]
        server.over.set()


@contextmanager
def websocket_server() -> Iterator[int]:
    with serve(lambda connection: [None for _ in connection], "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.socket.getsockname()[1]
        server.shutdown()


@contextmanager
def grpc_server() -> Iterator[int]:
    server = grpc.server(ThreadPoolExecutor(8))
    add_HealthServicer_to_server(HealthServicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield port
    server.stop(None)


@contextmanager
def redis_port() -> Iterator[int]:
    with tempfile.TemporaryDirectory() as folder, redis_server(Path(folder)) as server:
        yield int(server.address.rpartition(":")[2])


@contextmanager
def postgresql_port() -> Iterator[int]:
    with owned_folder() as folder, database(folder) as server:
        yield server.port


SERVERS = {
    "web": web_server,
    "websocket": websocket_server,
    "grpc": grpc_server,
    "redis": redis_port,
    "postgresql": postgresql_port,
}


if __name__ == "__main__":
    sys.exit(main())
