"""A bad night that the API has, in memory, and its address; a pytest plugin."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.support.builders import night, pages
from tests.support.builders.pages import ApiFixture, Rows
from tests.support.crash.breaking import Breaking, MemoryStore


@pytest.fixture
def now() -> datetime:
    """The present: ages are counted from it."""
    return datetime.now(UTC)


@pytest.fixture
def office(now: datetime) -> ApiFixture:
    office = ApiFixture(MemoryStore(Breaking(now=now)))
    night.fill(office, now)
    return office


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def url(office: ApiFixture, rows: Rows, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with pages.served(pages.application(pages.services(office.store, rows, office, lambda: now))) as url:
        monkeypatch.setenv("AIA_API_URL", url)
        yield url
