"""One running `aia local` for the tests of this folder, which only look or publish; those that break things start their own."""

from collections.abc import Iterator

import pytest

from tests.support.stack import LocalStack

DAYS = 10


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with LocalStack(tmp_path_factory.mktemp("local") / "data", DAYS) as stack:
        stack.start()
        yield stack
