"""No probe reaches an address of the machine that it runs on, or the metadata server, unless its settings say so."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, get_args

import pytest

from core.health import ProbeReason, ProbeResult
from core.settings import Probe, parse
from core.settings.probes import ConnectingProbe
from functions.adapters.probes import run as runner
from tests.support.servers.targets import Web, http_probe

pytest_plugins = ["tests.support.servers.target_fixtures"]
METADATA = "169.254.169.254"


def read(**settings: Any) -> Probe:
    [probe] = parse(
        {"version": 1, "jobs": {}, "probes": [{"name": "a", "every": "1m", "timeout": "2s", **settings}]}
    ).probes
    return probe


ENDPOINT = "projects/p/locations/europe-west1/endpoints/1"
KINDS: dict[str, Callable[[str, int], dict[str, Any]]] = {
    "http": lambda host, port: {"url": f"http://{host}:{port}/"},
    "tls": lambda host, port: {"host": host, "port": port},
    "tcp": lambda host, port: {"address": f"{host}:{port}"},
    "grpc": lambda host, port: {"address": f"{host}:{port}", "tls": False},
    "websocket": lambda host, port: {"url": f"ws://{host}:{port}/"},
    "smtp": lambda host, port: {"host": host, "port": port, "encryption": "none"},
    "postgresql": lambda host, port: {"address": f"{host}:{port}", "encryption": "none"},
    "redis": lambda host, port: {"address": f"{host}:{port}"},
    "vertex": lambda host, port: {"endpoint": ENDPOINT, "instances": [1], "url": f"http://{host}:{port}"},
    "gke": lambda host, port: {"url": f"http://{host}:{port}"},
    "journey": lambda host, port: {"steps": [{"url": f"http://{host}:{port}/"}]},
}
"""The settings of each kind that connects to a host."""


class Listener:
    """Accepts connections, and counts them."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.setblocking(False)  # noqa: FBT003 - positional only
        self.port = int(self.socket.getsockname()[1])

    def connections(self) -> int:
        count = 0
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


def forbidden(result: ProbeResult, what: str = "this machine") -> bool:
    return result.reason is ProbeReason.FORBIDDEN_ADDRESS and what in result.detail


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_reaches_this_machine_or_the_metadata_server(kind: str, listener: Listener) -> None:
    assert forbidden(runner.check(read(kind=kind, **KINDS[kind]("localhost", listener.port))))
    assert forbidden(runner.check(read(kind=kind, **KINDS[kind]("127.0.0.1", listener.port))))
    # The token that Vertex AI and GKE would show comes first; there is none here.
    result = runner.check(read(kind=kind, **KINDS[kind](METADATA, 80))) if kind not in {"vertex", "gke"} else None
    assert result is None or forbidden(result, "a metadata server")
    assert listener.connections() == 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_reaches_what_its_settings_allow(kind: str, listener: Listener) -> None:
    probe = read(kind=kind, **KINDS[kind]("127.0.0.1", listener.port), allowed_networks=["127.0.0.0/8"])
    runner.check(replace(probe, timeout=probe.timeout / 10))
    assert listener.connections() >= 1


def test_every_kind_that_connects_is_tested() -> None:
    assert KINDS.keys() | {"dns"} == {kind.kind for kind in get_args(Probe) if issubclass(kind, ConnectingProbe)}


def test_a_resolver_on_this_machine_is_not_asked() -> None:
    assert forbidden(runner.check(read(kind="dns", host="a.test", resolver=METADATA)), "a metadata server")


@pytest.mark.parametrize(
    ("host", "what"),
    [
        ("2130706433", "this machine"),
        ("0x7f000001", "this machine"),
        ("0177.0.0.1", "this machine"),
        ("127.1", "this machine"),
        ("2852039166", "a metadata server"),
        ("[::ffff:127.0.0.1]", "this machine"),
        ("[::ffff:169.254.169.254]", "a metadata server"),
        ("[64:ff9b::a9fe:a9fe]", "a metadata server"),
        ("[2002:7f00:1::]", "this machine"),
        ("[::1]", "this machine"),
        ("[fe80::1]", "link-local"),
        ("[fd20:ce::254]", "a metadata server"),
        ("0.0.0.0", "this machine"),
        ("169.254.1.1", "link-local"),
        ("224.0.0.1", "multicast"),
        ("255.255.255.255", "reserved"),
    ],
)
def test_no_spelling_of_an_address_leads_there(host: str, what: str) -> None:
    assert forbidden(runner.check(http_probe(f"http://{host}:9/", allowed_networks=())), what)


class Resolver:
    """In the place of the system's: answers differently every time, as a name server does that rebinds."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked = 0
        self._real = socket.getaddrinfo

    def __call__(self, host: str, port: int, *arguments: Any, **options: Any) -> list[Any]:
        if host != "rebind.test":
            return self._real(host, port, *arguments, **options)
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        return self._real(answer, port, *arguments, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_resolved_once_and_the_connection_goes_to_the_address_that_was_checked(
    kind: str, listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is allowed, every later one is not, and nobody asks for it; refused, where the first is not."""
    if kind in {"vertex", "gke"}:
        monkeypatch.setattr("functions.adapters.identity.Tokens.access", lambda *_: "token")
    spelt = KINDS[kind]("rebind.test", listener.port)
    if kind in {"vertex", "gke"}:
        spelt["url"] = spelt["url"].replace("http:", "https:")
    allowing = read(kind=kind, **spelt, allowed_networks=["127.0.0.1/32"])
    resolver = Resolver("127.0.0.1", "127.0.0.2")
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    runner.check(replace(allowing, timeout=allowing.timeout / 10))
    assert (resolver.asked, listener.connections() >= 1) == (1, True)
    resolver.answers, resolver.asked = ["127.0.0.2", "127.0.0.1"], 0
    assert forbidden(runner.check(allowing))
    assert (resolver.asked, listener.connections()) == (1, 0)


def test_of_several_addresses_only_those_that_are_allowed_are_tried(
    listener: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo

    def several(host: str, port: int, **options: Any) -> list[Any]:
        return [found for address in (METADATA, "127.0.0.1") for found in real(address, port, **options)]

    monkeypatch.setattr(socket, "getaddrinfo", several)
    probe = read(kind="tcp", address=f"two.test:{listener.port}", allowed_networks=["127.0.0.0/8"])
    assert runner.check(probe).ok


@pytest.mark.parametrize(
    ("location", "what"),
    [
        (f"http://{METADATA}/computeMetadata/v1/", "a metadata server"),
        ("http://[::ffff:169.254.169.254]/", "a metadata server"),
        ("http://2852039166/", "a metadata server"),
        ("http://127.0.0.2:{port}/", "this machine"),
    ],
)
def test_a_redirect_does_not_lead_there(web: Web, location: str, what: str) -> None:
    target = location.format(port=web.server_address[1])
    web.routes["/"] = lambda handler: handler.reply(302, Location=target)
    probe = read(kind="http", url=web.url("/"), allowed_networks=["127.0.0.1/32", "::1/128"])
    assert forbidden(runner.check(probe), what)
    assert len(web.asked) == 1


def test_a_redirect_to_a_name_that_rebinds_goes_to_the_address_that_was_checked(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(METADATA, "127.0.0.1")
    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    web.routes["/"] = lambda handler: handler.reply(302, Location=f"http://rebind.test:{web.server_address[1]}/on")
    web.routes["/on"] = lambda handler: handler.reply(200, b"secret")
    probe = read(kind="http", url=web.url("/"), allowed_networks=["127.0.0.0/8", "::1/128"])
    assert forbidden(runner.check(probe), "a metadata server")
    assert (len(web.asked), resolver.asked) == (1, 1)


def test_a_journey_is_not_led_there_by_what_it_captures(web: Web) -> None:
    web.routes["/"] = lambda handler: handler.reply(200, json.dumps({"id": f"@{METADATA}/"}).encode())
    step = {"url": web.url("/").rstrip("/") + "/x/{{id}}"}
    probe = read(
        kind="journey",
        steps=[{"url": web.url("/"), "capture": {"id": "id"}}, step],
        allowed_networks=["127.0.0.0/8", "::1/128"],
    )
    web.routes["/x/%40169.254.169.254%2F"] = lambda handler: handler.reply(200)
    assert runner.check(probe).ok
