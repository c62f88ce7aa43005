"""Which requests are taken: by the host that they name, and by the site that a browser says they come from."""

import pytest

from core.browsers import Asked, BrowserReason, refusal

OWN = "127.0.0.1:8080"
HOSTS = ("alerts.example.com", "*.run.app")


def reason(
    method: str = "POST", host: str | None = OWN, origin: str | None = None, site: str | None = None
) -> BrowserReason | None:
    found = refusal(Asked(method=method, host=host, origin=origin, site=site), HOSTS)
    return found.reason if found else None


@pytest.mark.parametrize(
    "host",
    [
        OWN,
        "localhost",
        "LOCALHOST:80",
        "[::1]:8080",
        "[::1]",
        "127.0.0.1:",
        "Alerts.Example.com:443",
        "api-x.a.run.app",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_name_of_the_server_is_taken(host: str, method: str) -> None:
    assert reason(method, host) is None


@pytest.mark.parametrize(
    "host",
    [
        None,
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:localhost",
        "localhost:80@evil.example",
        "localhost:80:90",
        "[::1]evil.example",
        "[::2]",
        "::1",
        "x.alerts.example.com",
        "run.app.evil.example",
        "0.0.0.0",
        "2130706433",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_any_other_name_is_refused_also_to_read(host: str | None, method: str) -> None:
    assert reason(method, host, origin=f"http://{host}", site="same-origin") is BrowserReason.HOST


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "Same-Origin", "same-origin, cross-site"])
@pytest.mark.parametrize("origin", [None, f"http://{OWN}"])
def test_a_change_that_a_page_of_another_site_asks_for_is_refused(site: str, origin: str | None) -> None:
    assert reason(site=site, origin=origin) is BrowserReason.CROSS_SITE
    assert reason("GET", site=site, origin=origin) is None, "a link from a mail is followed"


@pytest.mark.parametrize(
    "origin", ["null", "", "https://evil.example", "http://127.0.0.1:9090", "http://localhost:8080", f"x{OWN}", OWN]
)
def test_an_older_browser_says_it_by_the_origin(origin: str) -> None:
    assert reason(origin=origin) is BrowserReason.CROSS_SITE


@pytest.mark.parametrize(
    ("origin", "site"),
    [(None, None), (f"http://{OWN}", None), (f"https://{OWN}", None), ("null", "same-origin"), (None, "none")],
)
def test_the_servers_own_pages_and_programs_change_things(origin: str | None, site: str | None) -> None:
    assert reason(origin=origin, site=site) is None
