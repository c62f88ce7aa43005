"""Composes the parts of the server and serves them."""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import grpc.aio
import uvicorn

from infra.local.pubsub.bigquery import Warehouse
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.iam import Iam
from infra.local.pubsub.publisher import Publisher
from infra.local.pubsub.push import open_http
from infra.local.pubsub.rest import Rest
from infra.local.pubsub.rpc import Service
from infra.local.pubsub.schema_service import SchemaService
from infra.local.pubsub.store import Store
from infra.local.pubsub.subscriber import Subscriber
from infra.local.pubsub.subscription import Outlets
from infra.local.pubsub.tally import Tally

PUSHES: Final = 16
"""Concurrent requests of one push subscription."""
EXPIRE_EVERY: Final = 60.0
GRACE: Final = 0.5
"""Seconds that calls under way have when the server stops."""
MAX_MESSAGE: Final = 20 * 1024**2
HTTP: Final[dict[str, Any]] = {"lifespan": "off", "log_config": None, "access_log": False, "server_header": False}


@asynccontextmanager
async def opened(data: Path, project: str, tally: Tally | None = None) -> AsyncIterator[Broker]:
    """A broker at work on a file, whose pushes are counted."""
    store = Store(data, asyncio.get_running_loop())
    outlets = Outlets(open_http(PUSHES, tally or Tally()), Warehouse(project))
    broker = Broker(store, outlets)
    await broker.start()
    try:
        yield broker
    finally:
        broker.stop()
        await outlets.http.client.aclose()
        store.close()


async def serve(port: int, rest_port: int, data: Path, project: str, tally: Tally, *, host: str = "127.0.0.1") -> None:
    """Serve gRPC and REST until SIGTERM or SIGINT; port 0 takes a free one, which the ready line names."""
    sys.setswitchinterval(0.001)  # the journal and the tables work in threads; the loop must not wait long for its turn
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(data, project, tally) as broker:
        server = _server(broker)
        bound = server.add_insecure_port(f"{host}:{port}")
        with socket.create_server((host, rest_port)) as listening:
            await server.start()
            rest = _RestServer(uvicorn.Config(Rest(services(broker)), **HTTP))
            tasks = [asyncio.create_task(rest.serve([listening])), asyncio.create_task(_expire(broker))]
            rest_bound = listening.getsockname()[1]
            print(f"pubsub: REST on http://{host}:{rest_bound}/ ready on {host}:{bound}", flush=True)
            await stop.wait()
            rest.should_exit = rest.force_exit = True
            tasks[1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await server.stop(GRACE)


class _RestServer(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


def services(broker: Broker) -> tuple[Service, ...]:
    """What is served, over any transport."""
    return (
        Publisher(broker).service(),
        Subscriber(broker).service(),
        SchemaService(broker).service(),
        Iam(broker).service(),
    )


def _server(broker: Broker) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port that is taken must fail
        ]
    )
    server.add_generic_rpc_handlers(tuple(service.handler() for service in services(broker)))
    return server


async def _expire(broker: Broker) -> None:
    while True:
        await broker.expire()
        await asyncio.sleep(EXPIRE_EVERY)
