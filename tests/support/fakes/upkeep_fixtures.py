"""The function maintenance over a warehouse in memory; a pytest plugin."""

import pytest

from tests.support.fakes import deployed
from tests.support.fakes.upkeep import AT


@pytest.fixture
def world() -> deployed.Outside:
    return deployed.Outside(now=AT)
