"""Probes of what stands behind IAM: the token they show, to whom, and what happens where there is none."""

import base64
import json
import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import trustme

from core.health import ProbeReason
from functions.adapters.identity import MARGIN, NoTokenError, Tokens
from functions.adapters.net import Deadline
from functions.adapters.probes import http
from tests.support.servers.targets import Web, free_port, http_probe, serving

if TYPE_CHECKING:
    from core.health import ProbeResult
    from tests.support.servers.targets import Handler, Route

pytest_plugins = ["tests.support.servers.target_fixtures"]
IDENTITY = "/computeMetadata/v1/instance/service-accounts/default/identity"
HOUR = 3600.0
# This machine by another name than those of a loopback, as far as a probe can tell.
HERE = "0.0.0.0"


def jwt(audience: str, until: float, number: int = 0) -> str:
    """A token with the claims that Google's have; its signature is nobody's."""
    claims = {"aud": audience, "exp": int(until), "number": number}
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in [*parts, b"signature"])


class Metadata(Web):
    """What Google's metadata server does about identity tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.routes[IDENTITY] = self.identity
        self.given: list[str] = []
        self.lasts = HOUR

    def identity(self, handler: "Handler") -> None:
        query = parse_qs(urlsplit(handler.path).query)
        if handler.headers.get("Metadata-Flavor") != "Google" or query.get("format") != ["full"]:
            handler.reply(403, b"Missing Metadata-Flavor:Google header.")
            return
        self.given.append(jwt(query["audience"][0], time.time() + self.lasts, len(self.given)))
        handler.reply(200, self.given[-1].encode(), Metadata_Flavor="Google")


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metadata]:
    server = Metadata()
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_address[1]}")
    with serving(server):
        yield server
        server.over.set()


@pytest.fixture
def guarded(web: Web, authority: trustme.CA) -> Web:
    """A target that wants a token, on TLS."""
    web.secure(authority.issue_cert(HERE))

    def guard(handler: "Handler") -> None:
        shown = handler.headers.get("Authorization", "")
        handler.reply(200, b"ok") if shown.startswith("Bearer ") else handler.reply(403, b"Forbidden")

    web.routes["/health"] = guard
    return web


def there(web: Web, path: str = "/health", auth: str = "") -> str:
    return web.url(path, scheme="https", auth=auth).replace("localhost", HERE)


def probed(url: str, tokens: Tokens | None = None, **changes: object) -> "ProbeResult":
    return http.check(http_probe(url, status=200, auth="google", **changes), tokens or Tokens())


def shown(web: Web) -> list[str | None]:
    """The credentials of each request."""
    return [headers.get("Authorization") for _, headers in web.asked]


def test_it_shows_a_token_for_the_origin_of_the_url(guarded: Web, metadata: Metadata) -> None:
    assert probed(there(guarded, "/health?deep=1")).ok
    [token] = metadata.given
    assert shown(guarded) == [f"Bearer {token}"]
    [(path, _)] = metadata.asked
    assert parse_qs(urlsplit(path).query)["audience"] == [there(guarded, "")]


def test_it_shows_a_token_for_the_audience_that_is_given(guarded: Web, metadata: Metadata) -> None:
    assert probed(there(guarded), audience="1234-abc.apps.googleusercontent.com").ok
    assert parse_qs(urlsplit(metadata.asked[0][0]).query)["audience"] == ["1234-abc.apps.googleusercontent.com"]


def test_without_it_the_target_refuses(guarded: Web, metadata: Metadata) -> None:
    result = http.check(http_probe(there(guarded), status=200))
    assert (result.reason, result.status) == (ProbeReason.WRONG_STATUS, 403)
    assert not metadata.asked


def test_a_token_is_kept_until_shortly_before_it_expires(metadata: Metadata) -> None:
    now = [time.time()]
    tokens = Tokens(lambda: now[0])
    first = tokens.get("https://a", Deadline(5))
    now[0] += HOUR - MARGIN - 60
    assert tokens.get("https://a", Deadline(5)) == first
    assert tokens.get("https://b", Deadline(5)) != first
    now[0] += 120
    assert tokens.get("https://a", Deadline(5)) != first
    assert len(metadata.given) == 3


def test_a_redirect_within_the_origin_is_shown_it_and_another_host_is_not(
    guarded: Web, metadata: Metadata, authority: trustme.CA
) -> None:
    other = Web()
    other.secure(authority.issue_cert("localhost", HERE))
    with serving(other):
        guarded.routes["/old"] = lambda handler: handler.reply(302, Location="/on")
        guarded.routes["/on"] = lambda handler: handler.reply(302, Location=there(other, "/"))
        assert probed(there(guarded, "/old")).ok
    [token] = metadata.given
    assert shown(guarded) == [f"Bearer {token}"] * 2
    assert shown(other) == [None]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_nothing_on_this_machine_is_shown_one_and_none_is_asked_for(host: str, web: Web, metadata: Metadata) -> None:
    assert probed(web.url("/").replace("localhost", host)).ok
    assert shown(web) == [None]
    assert not metadata.asked


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda handler: handler.reply(404, b"no account"), "the metadata server answered 404"),
        (lambda handler: handler.reply(200, jwt("a", 2e9).encode()), "what answered is not the metadata server"),
        (
            lambda handler: handler.reply(200, b"a.b", Metadata_Flavor="Google"),
            "the metadata server answered with no token",
        ),
        (
            lambda handler: handler.reply(200, b"a.e30.c", Metadata_Flavor="Google"),
            "the metadata server answered with no token",
        ),
        (
            lambda handler: handler.reply(200, b"a.W10.c", Metadata_Flavor="Google"),
            "the metadata server answered with no token",
        ),
        (
            lambda handler: handler.reply(200, b"\xff", Metadata_Flavor="Google"),
            "the metadata server answered with no token",
        ),
        (lambda handler: None, "the metadata server does not answer"),
        (lambda handler: handler.hang(), "the metadata server does not answer (TimeoutError)"),
    ],
    ids=["refused", "somebody else", "no token", "no end", "no claims", "no text", "silence", "hangs"],
)
def test_where_no_token_can_be_had_the_probe_fails_and_says_why(
    answer: "Route", said: str, guarded: Web, metadata: Metadata
) -> None:
    metadata.routes[IDENTITY] = answer
    result = probed(there(guarded), timeout=timedelta(seconds=0.5))
    assert (result.ok, result.reason) == (False, ProbeReason.NO_TOKEN)
    assert result.detail.startswith(f"no token: {there(guarded)}: {said}")
    assert not guarded.asked


def test_outside_the_cloud_there_is_no_token(guarded: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    for host in ("metadata.invalid", f"127.0.0.1:{free_port()}"):
        monkeypatch.setenv("GCE_METADATA_HOST", host)
        assert probed(there(guarded)).reason is ProbeReason.NO_TOKEN


def test_a_slow_token_is_not_the_targets_time_and_the_whole_ends_in_time(guarded: Web, metadata: Metadata) -> None:
    def slow(handler: "Handler") -> None:
        time.sleep(0.6)
        metadata.identity(handler)

    metadata.routes[IDENTITY] = slow
    guarded.routes["/hangs"] = lambda handler: handler.hang()
    start = time.monotonic()
    result = probed(there(guarded, "/hangs"), timeout=timedelta(seconds=1))
    assert result.reason is ProbeReason.TIMEOUT
    assert result.latency < 0.6
    assert time.monotonic() - start < 2


def test_no_token_is_logged_or_told(guarded: Web, metadata: Metadata, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    guarded.routes["/health"] = lambda handler: handler.reply(503, b"broken")
    tokens = Tokens()
    results = [probed(there(guarded), tokens), probed(there(guarded, "/health?x=1"), tokens)]
    metadata.routes[IDENTITY] = lambda handler: handler.reply(200, b"hush.hush", Metadata_Flavor="Google")
    with pytest.raises(NoTokenError) as refused:
        tokens.get("https://other", Deadline(5))
    told = caplog.text + repr(results) + repr(vars(tokens)) + repr(refused.value) + repr(refused.value.__cause__)
    assert "signature" not in told
    assert metadata.given[0] not in told
    assert "hush" not in told
