"""Fixtures of the targets in `targets.py`: one of each a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from functions.adapters.net import trusting
from tests.support.servers.targets import Names, Web, serving


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
