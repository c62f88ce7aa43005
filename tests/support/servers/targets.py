"""Targets for probes: real servers on loopback that answer well, wrongly, slowly, or not at all."""

import contextlib
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import trustme
from dnslib import AAAA, QTYPE, RCODE, RR, A, DNSRecord
from dnslib.server import DNSLogger, DNSServer

from core.settings import Address, DnsProbe, Expect, HttpProbe, TcpProbe, TlsProbe

if TYPE_CHECKING:
    from email.message import Message

Route = Callable[["Handler"], object]
TOKEN = "ya29.access-token-of-the-account"
"""The access token that the metadata server of the fixture `account` gives out."""


class Handler(BaseHTTPRequestHandler):
    """Answers as the server's routes say; what a probe sent is kept."""

    server: "Web"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers))
        self.server.routes[self.path.partition("?")[0]](self)

    def do_POST(self) -> None:
        self.server.asked.append((self.path, self.headers))
        self.server.posts[self.path](self)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass

    def reply(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def drip(self, start: bytes, drop: bytes) -> None:
        """Send a beginning, then a little again and again, each well within any timeout of a single read."""
        self.wfile.write(start)
        while not self.server.over.wait(0.02):
            self.wfile.write(drop)
            self.wfile.flush()

    def hang(self) -> None:
        """Keep the connection and say nothing until the test is over."""
        self.server.over.wait()


class Web(ThreadingHTTPServer):
    """An HTTP server on a free port."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.routes: dict[str, Route] = {"/": lambda handler: handler.reply(200, b"ok")}
        self.posts: dict[str, Route] = {}
        self.asked: list[tuple[str, Message]] = []
        self.over = threading.Event()

    def url(self, path: str = "/", *, scheme: str = "http", auth: str = "") -> str:
        return f"{scheme}://{auth}localhost:{self.server_address[1]}{path}"

    def secure(self, certificate: trustme.LeafCert) -> None:
        """Speak TLS from now on."""
        self.socket = server_context(certificate).wrap_socket(self.socket, server_side=True)

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: probes hang up on servers that drip."""


class Secure(socketserver.ThreadingTCPServer):
    """A TLS server that shakes hands and says no more."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self._context = context

    def finish_request(self, request: object, client_address: object) -> None:
        assert isinstance(request, socket.socket)
        with self._context.wrap_socket(request, server_side=True) as connection:
            connection.recv(1)

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: probes hang up on certificates that they do not trust."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Names:
    """Answers for `NAME.test.` as the name says, over UDP."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._server = DNSServer(self, address="127.0.0.1", port=0, logger=DNSLogger("-request,-reply,-error"))
        self._server.start_thread()

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._server.server.server_address
        return host, port

    def resolve(self, request: DNSRecord, handler: object) -> DNSRecord:
        reply = request.reply()
        name = str(request.q.qname).split(".", maxsplit=1)[0]
        if name == "slow":
            self.over.wait()
        elif name == "fail":
            reply.header.rcode = RCODE.SERVFAIL
        elif name == "up" and request.q.qtype == QTYPE.A:
            reply.add_answer(RR(request.q.qname, QTYPE.A, rdata=A("192.0.2.7"), ttl=60))
        elif name == "six" and request.q.qtype == QTYPE.AAAA:
            reply.add_answer(RR(request.q.qname, QTYPE.AAAA, rdata=AAAA("2001:db8::7"), ttl=60))
        elif name not in {"up", "six", "empty"}:
            reply.header.rcode = RCODE.NXDOMAIN
        return reply

    def stop(self) -> None:
        self.over.set()
        self._server.stop()
        self._server.server.server_close()


def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def free_port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


MINUTE = timedelta(minutes=1)
HERE = tuple(map(ipaddress.ip_network, ("127.0.0.0/8", "0.0.0.0/32", "::1/128", "255.255.255.255/32")))
"""The networks of this machine, which the probes of tests may reach."""
ON_HERE: dict[str, Any] = {"every": MINUTE, "allowed_networks": HERE}


def http_probe(url: str, *, status: int | None = None, body: str | None = None, **changes: Any) -> HttpProbe:
    expect = Expect(status=status, body=body)
    return replace(HttpProbe(name="site", **ON_HERE, url=url, expect=expect), **changes)


def tls_probe(port: int, **changes: Any) -> TlsProbe:
    return replace(TlsProbe(name="cert", **ON_HERE, host="localhost", port=port), **changes)


def dns_probe(host: str, address: tuple[str, int], **changes: Any) -> DnsProbe:
    resolver = Address(host=address[0], port=address[1])
    return replace(DnsProbe(name="name", **ON_HERE, host=host, resolver=resolver), **changes)


def tcp_probe(port: int, host: str = "localhost", **changes: Any) -> TcpProbe:
    return replace(TcpProbe(name="port", **ON_HERE, address=Address(host=host, port=port)), **changes)
