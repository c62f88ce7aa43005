"""One running `aia local` for the tests of this folder, which only look or publish; those that break things start their own."""

from collections.abc import Iterator

import pytest

from tests.support.servers.stack import LocalStack, eventually

DAYS = 10


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("local") / "data", DAYS) as stack:
        stack.start()
        # what is compared before and after must not be loaded in between
        eventually(lambda: stack.get("/api/backfills")["history"]["done"], "whole history", within=180)
        yield stack
