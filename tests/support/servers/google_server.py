"""One of Google's gRPC services on loopback, for tests: it can be stopped, refuse, keep silent, and lose an answer."""

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

Method = tuple[Callable[[Any, grpc.ServicerContext], Any], Callable[[bytes], Any], Callable[[Any], bytes]]
"""What answers a call, and how its request and its answer are read and written."""


@dataclass
class Wire:
    """What stands between a client and a service.

    Attributes:
        endpoint: where it listens.
        denied: whether every call is refused for want of a permission.
        silent: whether no call is answered.
        losing: whether the connection breaks before the answer of the next call that changes something.
        effects: how many calls have changed something.
        calls: the methods that were called, in order.
    """

    endpoint: str = ""
    denied: bool = False
    silent: bool = False
    losing: bool = False
    effects: int = 0
    calls: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    stop: Callable[[], None] = lambda: None

    def through(self, name: str, call: Callable[[Any, grpc.ServicerContext], Any]) -> Callable[[Any, Any], Any]:
        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            self.calls.append(name)
            if self.silent:
                self.over.wait()
            if self.denied:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, f"Permission '{name}' denied on resource.")
            before = self.effects
            found = call(request, context)
            if self.losing and self.effects > before:
                self.losing = False
                context.abort(grpc.StatusCode.UNAVAILABLE, "Socket closed")
            return found

        return answer


@contextmanager
def serving(wire: Wire, service: str, methods: Mapping[str, Method]) -> Iterator[None]:
    """Serve the methods until the block ends, or `wire.stop` is called."""
    server = grpc.server(ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0)])
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            wire.through(name, call), request_deserializer=read, response_serializer=write
        )
        for name, (call, read, write) in methods.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    wire.endpoint = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"

    def stop() -> None:
        wire.over.set()
        server.stop(grace=None).wait()

    wire.stop = stop
    server.start()
    try:
        yield
    finally:
        stop()
