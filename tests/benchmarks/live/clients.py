"""Clients of `/v1/live`, as server-sent events and over a WebSocket, read as bytes: what is measured is the API and not a library beside it."""

import asyncio
import base64
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Sequence
from typing import Final

KEY: Final = re.compile(rb'"key":"e-(\d+)-')
PADDING: Final = "x" * 64
"""Of a key, which makes it as long as that of a verdict."""
_ID: Final = re.compile(rb'^id: (.+)$|"id":"([^"]+)"', re.MULTILINE)
_SMALL: Final = 4096
"""Bytes of the buffer of who never reads: what it does not read fills the buffers of the API soon."""
_LARGEST: Final = 1 << 20
"""Bytes of a message: who comes again gets all changes at once."""
_PING, _PONG, _CLOSE = 9, 10, 8
_SHORT, _LONG = 126, 127
"""Lengths of a frame from which on two or eight bytes have it (RFC 6455, 5.2)."""


class Watcher:
    """A client, what it got, and how late.

    Args:
        port: of the API.
        written: when each change was written, which grows.
    """

    def __init__(self, port: int, written: Sequence[float]) -> None:
        self.port, self.written = port, written
        self.got: set[int] = set()
        self.late: list[float] = []
        self.id = ""
        self.resyncs = 0
        self.connected = asyncio.Event()

    async def watch(self) -> None:
        """Read until it is cancelled, or the API ends the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_LARGEST)
        writer.write(asking(self.id))
        try:
            async for part in self.parts(reader, writer):
                self.take(part)
        finally:
            writer.close()

    async def parts(self, reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        """The messages as they come."""
        while part := await reader.readuntil(b"\n\n"):
            yield part

    def take(self, part: bytes) -> None:
        """Note what a message says."""
        at, numbers = time.perf_counter(), [int(one) for one in KEY.findall(part)]
        self.late += [at - self.written[one] for one in numbers if one not in self.got]
        self.got.update(numbers)
        self.resyncs += b"resync" in part
        if found := _ID.search(part):
            self.id = (found[1] or found[2]).decode().strip()
            self.connected.set()


class SocketWatcher(Watcher):
    """The same over a WebSocket (RFC 6455)."""

    async def watch(self) -> None:
        """As above."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=_LARGEST)
        writer.write(asking(self.id, upgrade=True))
        try:
            assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
            async for part in self.parts(reader, writer):
                self.take(part)
        finally:
            writer.close()

    async def parts(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        """The texts as they come; pings are answered."""
        while True:
            first, length = await reader.readexactly(2)
            if length >= _SHORT:
                length = int.from_bytes(await reader.readexactly(8 if length == _LONG else 2))
            data = await reader.readexactly(length)
            if first & 15 == _PING:
                writer.write(bytes([128 | _PONG, 128 | length]) + bytes(4) + data)
            elif first & 15 == _CLOSE:
                return
            else:
                yield data


def asking(last: str, *, upgrade: bool = False) -> bytes:
    """The request of a client that has everything up to an id."""
    headers = ["Host: localhost", *([f"Last-Event-ID: {last}"] if last else [])]
    if upgrade:
        key = base64.b64encode(os.urandom(16)).decode()
        headers += [
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            f"Sec-WebSocket-Key: {key}",
        ]
    return "\r\n".join(["GET /v1/live HTTP/1.1", *headers, "", ""]).encode()


class Stuck:
    """A client that never reads, until it is asked what there is.

    Args:
        port: of the API.
        upgrade: whether it is a WebSocket.
    """

    def __init__(self, port: int, *, upgrade: bool) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL)
        self._socket.connect(("127.0.0.1", port))
        self._socket.sendall(asking("", upgrade=upgrade))

    def told(self) -> tuple[int, bool]:
        """How many changes wait for it, and whether it was told that it missed some; it leaves then."""
        read = b""
        self._socket.settimeout(1.0)
        try:
            while part := self._socket.recv(1 << 16):
                read += part
        except TimeoutError:
            pass
        self._socket.close()
        return len(KEY.findall(read)), b"resync" in read
