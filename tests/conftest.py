"""What holds for every test."""

from pathlib import Path

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from tests.support.builders.budget import ALL, examples

# A machine that is busy takes longer over an example: no property depends on how long one takes.
settings.register_profile("patient", parent=settings.default, deadline=None, max_examples=examples(100))
settings.load_profile("patient")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked as long, but where everything is to run."""
    long = [] if ALL else [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


TOGETHER = (Path("tests/e2e/stacks"), Path("tests/contract/deployment"))
"""Folders of which one worker runs all: whole stacks, of which one at a time is enough for a machine, and plans that tests share."""


class _ByFile(LoadFileScheduling):
    """A file's tests run in one worker, and so do all of a folder of `TOGETHER`."""

    def _split_scope(self, nodeid: str) -> str:
        file = Path(super()._split_scope(nodeid))
        return next((str(folder) for folder in TOGETHER if folder in file.parents), str(file))


@pytest.hookimpl(optionalhook=True)  # only xdist asks for it
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _ByFile:
    return _ByFile(config, log)
