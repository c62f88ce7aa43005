"""The gRPC port and the HTTP port, started and stopped together."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path

import grpc

from infra.local.metrics_page import MetricsPage
from infra.local.monitoring import exposition, machine, service
from infra.local.monitoring.series import Written

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the server listens."""

    grpc: int
    http: int

    @property
    def endpoint(self) -> str:
        """What AIA_MONITORING_ENDPOINT is set to."""
        return f"{HOST}:{self.grpc}"

    @property
    def target(self) -> str:
        """What Prometheus scrapes."""
        return f"{HOST}:{self.http}"


@contextmanager
def serve(
    *,
    grpc_port: int = 0,
    http_port: int = 0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    data: Path | None = None,
    host: str = HOST,
) -> Iterator[Ports]:
    """Serve both ports until the block ends.

    Args:
        grpc_port: for the API; 0 takes a free one.
        http_port: for `/metrics` and `/healthz`; 0 takes a free one.
        clock: now, in UTC.
        data: the folder whose disk is measured as well, with the memory of the machine; None for neither.
        host: the address both listen on; everybody who reaches it may write.

    Raises:
        RuntimeError, OSError: a port is taken.
    """
    written = Written()
    api = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    api.add_generic_rpc_handlers((service.handlers(service.Service(written, clock)),))
    bound = api.add_insecure_port(f"{host}:{grpc_port}")
    with ThreadingHTTPServer((host, http_port), _pages(written, clock, data)) as http:
        api.start()
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield Ports(grpc=bound, http=http.server_address[1])
        finally:
            api.stop(grace=1).wait(timeout=3)
            http.shutdown()
            thread.join()


def _pages(written: Written, clock: Callable[[], datetime], data: Path | None) -> type[MetricsPage]:
    class Pages(MetricsPage):
        def do_GET(self) -> None:  # noqa: N802 - http.server's own name
            if self.path == "/metrics":
                own = machine.exposition(data) if data else ""
                self.reply(200, written.read(lambda every: exposition.render(every, clock())) + own)
            else:
                self.reply(*((200, "ok\n") if self.path == "/healthz" else (404, "not found\n")))

    return Pages
