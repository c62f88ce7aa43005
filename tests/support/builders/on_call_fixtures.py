"""A bad night that the API has, in memory, and its address; a pytest plugin."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from functions.api.services import Services
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


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[str, list[Services]]]:
    """The address of a server, and the services that it has: it starts once for all nights."""
    present: list[Services] = []
    with pages.served(pages.application(lambda: present[-1])) as url:
        yield url, present


@pytest.fixture
def url(
    served: tuple[str, list[Services]], office: ApiFixture, rows: Rows, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> str:
    url, present = served
    present[:] = [pages.services(office.store, rows, office, lambda: now)]
    monkeypatch.setenv("AIA_API_URL", url)
    return url
