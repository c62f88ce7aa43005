"""Composes the parts of the server and serves them."""

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import grpc.aio

from infra.local.pubsub.bigquery import Warehouse
from infra.local.pubsub.broker import Broker
from infra.local.pubsub.publisher import Publisher
from infra.local.pubsub.push import open_http
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


async def serve(port: int, data: Path, project: str, tally: Tally) -> None:
    """Serve on loopback until SIGTERM or SIGINT; port 0 takes a free one, which the ready line names."""
    sys.setswitchinterval(0.001)  # the journal and the tables work in threads; the loop must not wait long for its turn
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with opened(data, project, tally) as broker:
        server = _server(broker)
        bound = server.add_insecure_port(f"127.0.0.1:{port}")
        await server.start()
        print(f"pubsub: ready on 127.0.0.1:{bound}", flush=True)
        expiry = asyncio.create_task(_expire(broker))
        await stop.wait()
        expiry.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await expiry
        await server.stop(GRACE)


def _server(broker: Broker) -> grpc.aio.Server:
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE),
            ("grpc.max_send_message_length", -1),
            ("grpc.so_reuseport", 0),  # a port that is taken must fail
        ]
    )
    services = (Publisher(broker).service(), Subscriber(broker).service(), SchemaService(broker).service())
    server.add_generic_rpc_handlers(tuple(service.handler() for service in services))
    return server


async def _expire(broker: Broker) -> None:
    while True:
        await broker.expire()
        await asyncio.sleep(EXPIRE_EVERY)
