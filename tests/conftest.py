"""What holds for every test."""

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# A machine that is busy takes longer over an example: no property depends on how long one takes.
settings.register_profile("patient", parent=settings.default, deadline=None)
settings.load_profile("patient")

RUNNING = "tests/e2e/running/"
"""What looks at one running stack."""


class _ByFile(LoadFileScheduling):
    """A file's tests run in one worker, and in one all files whose tests share a stack, so that it is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return RUNNING if nodeid.startswith(RUNNING) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)  # only xdist asks for it
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _ByFile:
    return _ByFile(config, log)
