"""A gRPC server of a test, behind a wire that the test can cut: what happens between a call and its answer."""

import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import grpc

HOST = "127.0.0.1"


class Refused(Exception):  # noqa: N818 - it is what the server answers, not a fault of it
    """A call is answered with an error of the API."""

    def __init__(self, code: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Method:
    """A method of a service: what answers it, and the real messages of its request and answer."""

    answer: Callable[[Any], Any]
    asks: Any
    answers: Any


class Wire:
    """Passes bytes between clients and a port of this machine until it is cut, held or closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._held = threading.Event()
        self._losing = b""
        self._lost: set[socket.socket] = set()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server((HOST, 0))
        self.endpoint = f"{HOST}:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def hold(self) -> None:
        """Take what clients send, and pass nothing on."""
        self._held.set()

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def lose_answer_of(self, text: bytes) -> None:
        """Pass the next bytes of a client that have this text, and break the connection when they are answered."""
        self._losing = text

    def close(self) -> None:
        """Break every connection, and take no new one."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in [*self._threads]:
            thread.join()

    def _start(self, run: Callable[..., None], *arguments: Any) -> None:
        thread = threading.Thread(target=run, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((HOST, self._port))
                with self._lock:
                    self._open |= {client, server}
                self._start(self._join, client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        back = threading.Thread(target=self._pass, args=(server, client), daemon=True)
        back.start()
        self._pass(client, server)
        back.join()
        with self._lock:
            self._open -= {client, server}
        client.close()
        server.close()

    def _pass(self, source: socket.socket, goal: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if self._losing and self._losing in data:
                    self._losing = b""
                    self._lost.add(goal)
                if source in self._lost:
                    break
                if not self._held.is_set():
                    goal.sendall(data)
        with suppress(OSError):
            goal.shutdown(socket.SHUT_RDWR)


class GrpcServer:
    """Services of Google's, by their real names and messages, over one store.

    Args:
        services: names to methods, by name.
        denied: what the refusal of a call for want of a permission says.
    """

    def __init__(self, services: Mapping[str, Mapping[str, Method]], denied: str) -> None:
        self.effects = 0
        self.calls: list[str] = []
        self._denied_message = denied
        self._denied = False
        self._losing = False
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
        for service, methods in services.items():
            handlers = {name: self._handler(name, method) for name, method in methods.items()}
            self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
        port = self._server.add_insecure_port(f"{HOST}:0")
        self._server.start()
        self._wire = Wire(port)
        self.endpoint = self._wire.endpoint

    def deny(self) -> None:
        """Refuse every call from now on."""
        self._denied = True

    def lose_answer(self) -> None:
        """Break the connection when the next call has changed something, before it is answered."""
        self._losing = True

    def hang(self) -> None:
        """Answer no call from now on."""
        self._wire.hold()

    def stop(self) -> None:
        """Stop; safe to call again."""
        self._wire.close()
        self._server.stop(0).wait()

    def _handler(self, name: str, method: Method) -> "grpc.RpcMethodHandler[Any, Any]":
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(name, method, request, context),
            request_deserializer=getattr(method.asks, "deserialize", None) or method.asks.FromString,
            response_serializer=_serialize(method.answers),
        )

    def _answer(self, name: str, method: Method, request: Any, context: grpc.ServicerContext) -> Any:
        with self._lock:
            self.calls.append(name)
            if self._denied:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, self._denied_message)
            before = self.effects
            try:
                answer = method.answer(request)
            except Refused as refusal:
                context.abort(refusal.code, str(refusal))
            if self._losing and self.effects > before:
                self._losing = False
                self._wire.cut()
            return answer


def _serialize(kind: Any) -> Callable[[Any], bytes]:
    if hasattr(kind, "serialize"):
        return lambda message: bytes(kind.serialize(message))
    return lambda message: bytes(message.SerializeToString())
