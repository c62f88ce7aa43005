"""One running `aia local` for the tests of this folder, which only look or publish; those that break things start their own."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.support.servers.stack import LocalStack, eventually
from tests.support.web.viewing import Tab

DAYS = 33
"""More than the fewest that the page shows, which can be chosen, so that a choice shows."""


@pytest.fixture(scope="package")
def new(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A stack that has just been told to start."""
    with LocalStack(tmp_path_factory.mktemp("local") / "data", DAYS) as stack:
        stack.launch()
        yield stack


@pytest.fixture(scope="package")
def stack(new: LocalStack) -> LocalStack:
    """The stack with all of its history."""
    new.await_running()
    # what is compared before and after must not be loaded in between
    eventually(lambda: new.get("/v1/backfills")["history"]["done"], "whole history", within=180)
    new.measure_often()
    return new


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Tab:
    return Tab(browser)
