"""A server that takes connections and what is sent, and never answers, or drips an answer without an end."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

DRIP = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"


@dataclass(slots=True)
class Silent:
    """A running server.

    Attributes:
        port: on 127.0.0.1.
        drips: whether it answers, with a byte now and then.
        taken: the connections.
        given_up: set when it has closed one by itself, which it does after `seconds`.
    """

    port: int
    drips: bool
    seconds: float
    taken: list[socket.socket] = field(default_factory=list)
    given_up: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)

    def hold(self, connection: socket.socket) -> None:
        """Keep a connection until the server gives it up."""
        with suppress(OSError):
            if self.drips:
                connection.recv(65_536)
                connection.sendall(DRIP)
            for _ in range(round(self.seconds / 0.05)):
                if self.over.wait(0.05):
                    return
                if self.drips:
                    connection.sendall(b" ")
            self.given_up.set()
            connection.shutdown(socket.SHUT_RDWR)


@contextmanager
def silent(*, drips: bool = False, seconds: float = 20.0) -> Iterator[Silent]:
    """Serve until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Silent(listening.getsockname()[1], drips, seconds)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    server.taken.append(connection)
                    threading.Thread(target=server.hold, args=[connection], daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield server
        finally:
            server.over.set()
            listening.shutdown(socket.SHUT_RDWR)
            for connection in server.taken:
                connection.close()
