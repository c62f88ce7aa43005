"""How the files and answers of the API travel: kept by one browser, asked for again, packed, and a page where there is none."""

import gzip
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.test import Client

from functions.api import reply
from functions.api.page import PAGES
from functions.api.services import Services
from tests.support.builders import pages

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
EPOCH = 315_532_800
"""1980, as an archive has it."""


def served(services: Callable[[], Services]) -> Client:
    return pages.client_of(services)


@pytest.fixture
def client() -> Client:
    return served(lambda: pytest.fail("files must not need the store"))


def test_a_file_that_changed_is_given_again_whatever_its_date_and_length(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reply, "STATIC", tmp_path)
    path = tmp_path / "part.js"

    def written(text: str) -> None:
        path.write_text(text)
        os.utime(path, (EPOCH, EPOCH))

    written("let a = 1;")
    first = client.get("/assets/part.js")
    tag = {"If-None-Match": first.headers["ETag"]}
    assert client.get("/assets/part.js", headers=tag).status_code == 304
    written("let a = 2;")
    again = client.get("/assets/part.js", headers=tag)
    assert (again.status_code, again.get_data()) == (200, b"let a = 2;")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/assets/app.js", "text/javascript"),
        ("/assets/style.css", "text/css"),
        ("/assets/icon.svg", "image/svg+xml"),
        ("/", "text/html"),
        ("/coverage", "text/html"),
    ],
)
def test_a_file_is_kept_by_the_browser_alone_which_asks_each_time(client: Client, path: str, kind: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, kind)
    assert response.headers["Cache-Control"] == "private, no-cache"
    assert response.headers["Content-Security-Policy"] == reply.POLICY
    assert "Last-Modified" not in response.headers


@pytest.mark.parametrize(
    "path", ["/", "/assets/app.js", "/assets/style.css", "/assets/vendor/uplot.min.js", "/v1/runbooks/models.md"]
)
def test_what_is_long_is_packed_for_who_takes_it(client: Client, path: str) -> None:
    plain = client.get(path)
    small = client.get(path, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert small.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(small.get_data()) == plain.get_data()
    assert int(small.headers["Content-Length"]) == len(small.get_data()) < 0.6 * len(plain.get_data())
    assert "Accept-Encoding" in plain.headers["Vary"]
    assert "Accept-Encoding" in small.headers["Vary"]
    refused = client.get(path, headers={"Accept-Encoding": "gzip;q=0"})
    assert "Content-Encoding" not in refused.headers


def test_what_was_given_packed_is_not_given_again_unpacked(client: Client) -> None:
    packed = client.get("/assets/app.js", headers={"Accept-Encoding": "gzip"})
    tag = {"If-None-Match": packed.headers["ETag"]}
    assert client.get("/assets/app.js", headers=tag).status_code == 304
    assert client.get("/assets/app.js", headers=tag | {"Accept-Encoding": "gzip"}).get_data() == b""


@pytest.mark.parametrize("path", ["/", "/dashboards", "/coverage"])
def test_the_links_to_the_pages_are_the_same_on_each_and_one_is_the_page_itself(client: Client, path: str) -> None:
    text = client.get(path).get_data(as_text=True)
    assert re.findall(r'<nav id="pages"[^>]*>(.*?)</nav>', text)[0].count("<a ") == len(PAGES)
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', text) == [path]


@pytest.mark.parametrize(
    "path",
    ["/runbooks/nope.md", "/nothing", "/assets/nothing.js", "/favicon.ico", f"/assets/{'a' * 800}", "/assets/a%00b"],
)
def test_a_person_is_told_on_a_page_that_there_is_nothing(client: Client, path: str) -> None:
    response = client.get(path, headers=BROWSER)
    assert (response.status_code, response.mimetype) == (404, "text/html")
    assert b"Page not found" in response.get_data()
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Security-Policy"] == reply.POLICY
    assert "detail" in json.loads(client.get(path).get_data()), "a script is told in JSON"


def test_the_api_tells_everybody_in_json(client: Client) -> None:
    response = client.get("/v1/nothing", headers=BROWSER)
    assert (response.status_code, response.mimetype) == (404, "application/problem+json")
