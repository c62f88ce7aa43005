"""Schemathesis over the document of the API: whatever is asked, no server error, no answer that is not documented, and nothing without credentials.

It needs the package `schemathesis`, which `make test` installs. A few seconds in `make test`, and 10 minutes with stateful sequences in
`make test-all`.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.exceptions import Unauthorized

from functions.adapters.prometheus import Prometheus
from functions.adapters.stores import open_store
from functions.api import asgi
from functions.api.limits import Rate
from functions.api.request import Request
from infra import openapi
from tests.support.builders import pages
from tests.support.builders.budget import ALL
from tests.support.builders.night import fill
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.fakes.model_table import ModelTable
from tests.support.servers.answering import answering

SECONDS = 600 if ALL else 5
TOKEN = "7f" * 16
NO_SERIES = b'{"status":"success","data":{"resultType":"vector","result":[]}}'
"""What Prometheus says where it has nothing."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "ignored_auth",
    "unsupported_method",
    "allow_header_conformance",
)
"""Not whether valid data are taken and invalid ones refused: some rules are over several fields, bytes and the store, which a schema cannot say."""


class Writable(Rows):
    """A warehouse that takes rows as well."""

    def append(self, table: str, rows: object, *, together: str = "") -> None:
        pass


def identify(request: Request) -> str:
    if request.headers.get("Authorization") != f"Bearer {TOKEN}":
        raise Unauthorized("token: must be given")
    return "ada@example.com"


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("READS", "ACTS", "FAILURES"):
        monkeypatch.setattr(asgi, name, Rate(1_000_000, 1_000_000.0))
    store = open_store(f"sqlite://{tmp_path / 'store.sqlite'}", "test")
    office = ApiFixture(store, obeys=False)
    fill(office, datetime.now(UTC))
    with answering(200, NO_SERIES) as prometheus:
        monkeypatch.setattr(
            pages, "NOBODY", Prometheus(name="Prometheus", url=prometheus.url, open_session=requests.Session)
        )
        made = pages.services(store, Writable(), office, lambda: datetime.now(UTC), table=ModelTable())
        with pages.served(pages.application(made, identify)) as url:
            yield url
    store.close()  # type: ignore[attr-defined]


def guarded() -> dict[str, Any]:
    """The document where credentials must be given for everything, as they must be behind Identity-Aware Proxy."""
    return openapi.document() | {"security": [{"bearer": []}]}


@pytest.mark.skipif(
    not importlib.util.find_spec("schemathesis"), reason="schemathesis is absent: `make test` installs it"
)
@pytest.mark.timeout(SECONDS + 120)
def test_whatever_is_asked_the_answer_is_as_documented_and_nothing_is_read_without_credentials(
    url: str, tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(guarded()))
    command = [sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "openapi.json"), "--url", url]
    command += ["--header", f"Authorization: Bearer {TOKEN}", "--checks", ",".join(CHECKS), "--max-time", str(SECONDS)]
    command += ["--phases", "fuzzing,stateful" if ALL else "fuzzing", "--seed", "7", "--warnings", "off"]
    command += ["--suppress-health-check", "all", "--no-color"]
    command += [] if ALL else ["--max-examples", "2", "--no-shrink"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
