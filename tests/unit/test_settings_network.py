"""What names a place on the network, in the settings: URLs, hosts and resolvers, and that no secret of them is shown."""

from typing import Any

import pytest

from core.settings import Address, DnsProbe, HttpProbe, parse
from tests.support.builders import settings as support
from tests.support.builders.settings import Path, faults

SAMPLE: dict[str, Any] = {
    "version": 1,
    "jobs": {},
    "probes": [
        {"name": "api", "kind": "http", "url": "https://user:hunter2@api.example.com/healthz", "every": "5m"},
        {"name": "zone", "kind": "dns", "host": "api.example.com", "every": "1m"},
    ],
    "channels": [{"name": "inbox", "kind": "webhook", "url": "https://hooks.example.com/T0/B0/hunter2"}],
}


def changed(path: Path, value: object) -> dict[str, Any]:
    return support.changed(SAMPLE, path, value)


@pytest.mark.parametrize("given", ["8.8.8.8", "8.8.8.8:53"])
def test_a_resolver_is_asked_at_port_53_unless_another_is_given(given: str) -> None:
    probe = parse(changed(("probes", 1, "resolver"), given)).probes[1]
    assert isinstance(probe, DnsProbe)
    assert probe.resolver == Address(host="8.8.8.8", port=53)


@pytest.mark.parametrize(
    "url",
    [
        "api.example.com",
        "ftp://a.b",
        "http://",
        "http://a b",
        "http://a:99999",
        "http://a/\n",
        "http://a#b",
        "http://[::1",
        "//a",
        5,
    ],
)
def test_a_url_is_of_http_with_a_host(url: object) -> None:
    [fault] = faults(changed(("probes", 0, "url"), url))
    assert fault.startswith("probes[0].url: must be an http or https URL with a host, got ")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://u:hunter2@a.b/hunter2",
        "hunter2",
        "https://a.b:x/hunter2?key=hunter2#hunter2",
        "https://u:hunter2/x@a.b/",
        "https://u:hunter2?x@a.b/",
        "https://u:hunter2#x@a.b/",
        "https://a.b\\x@hunter2/",
    ],
)
def test_no_fault_and_no_text_of_the_settings_shows_what_a_url_may_hide(url: str) -> None:
    assert "hunter2" not in "\n".join(faults(changed(("channels", 0, "url"), url)))
    assert "hunter2" not in repr(parse(SAMPLE))


def probe(**own: object) -> dict[str, Any]:
    """The settings with one probe of a URL that proves who it is."""
    first = {"name": "api", "kind": "http", "url": "https://api.example.com/health", "every": "5m", "auth": "google"}
    return changed(("probes", 0), {key: value for key, value in (first | own).items() if value is not None})


@pytest.mark.parametrize("url", ["https://api.example.com/health", "http://127.0.0.1:8080/health"])
def test_a_probe_may_prove_who_it_is(url: str) -> None:
    first = parse(probe(url=url)).probes[0]
    assert isinstance(first, HttpProbe)
    assert (first.auth, first.audience) == ("google", None)
    given = parse(probe(url=url, audience="1-a.apps.googleusercontent.com")).probes[0]
    assert isinstance(given, HttpProbe)
    assert given.audience == "1-a.apps.googleusercontent.com"


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        ({"auth": "basic"}, "probes[0].auth: must be one of google, got 'basic'"),
        ({"url": "http://api.example.com/"}, "probes[0].url: must be an https URL, or one of this machine"),
        ({"url": "https://user:hunter2@a.b/"}, "probes[0].url: must have no credentials where auth is given"),
        ({"auth": None, "audience": "x"}, "probes[0].auth: must be given where audience is given, got None"),
        ({"audience": ""}, "probes[0].audience: must be 1 to 200 printable characters"),
        ({"kind": "dns", "host": "a.b"}, "probes[0].auth: must be a known key"),
    ],
)
def test_a_token_goes_only_where_it_may(own: dict[str, object], fault: str) -> None:
    found = "\n".join(faults({**probe(**own)}))
    assert fault in found
    assert "hunter2" not in found
