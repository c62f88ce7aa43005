"""The command intake, as a plugin of pytest."""

import pytest

from tests.support.fakes.command_intake import Intake


@pytest.fixture
def intake() -> Intake:
    return Intake()
