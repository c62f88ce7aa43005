"""Fixtures of the targets in `targets.py`: one of each a test."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import trustme

from functions.adapters.net import trusting
from tests.support.servers.targets import TOKEN, Names, Web, serving

if TYPE_CHECKING:
    from tests.support.servers.targets import Handler


@pytest.fixture
def web() -> Iterator[Web]:
    server = Web()
    with serving(server):
        yield server
        server.over.set()


@pytest.fixture
def names() -> Iterator[Names]:
    server = Names()
    yield server
    server.stop()


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """The only authority that this process trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    trusting.cache_clear()
    yield made
    trusting.cache_clear()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Google's metadata server, which gives out the access token of the account."""
    server = Web()

    def give(handler: "Handler") -> None:
        assert handler.headers["Metadata-Flavor"] == "Google"
        answer = {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}
        handler.reply(200, json.dumps(answer).encode(), Metadata_Flavor="Google")

    server.routes["/computeMetadata/v1/instance/service-accounts/default/token"] = give
    monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{server.server_address[1]}")
    with serving(server):
        yield server
        server.over.set()
