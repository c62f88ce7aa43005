"""What holds for every test."""

import gc
import os
import sys
from collections.abc import Generator
from functools import cache
from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import settings
from hypothesis.internal.conjecture import providers
from xdist.scheduler import LoadFileScheduling

from tests.support.builders.budget import ALL, examples
from tests.support.servers.reaper import Reaper

ROOT = Path(__file__).parent.parent
# One thread as deployed (infra/local/stack.py), set before numpy is imported: with more workers than cores its threads wait for each
# other and use up the processor.
os.environ["OMP_NUM_THREADS"] = "1"
# Programs in Go (Terraform, promtool, Prometheus) look for garbage only when they have taken half a gigabyte: by default, at twice what
# they use, it takes a quarter of their work.
os.environ |= {"GOGC": "off", "GOMEMLIMIT": "512MiB"}
# Programs in Java (Google's emulators) end before what their second compiler does pays off: without it they take half of the processor.
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
# Compiled modules are kept, whatever the shell says: every worker and every program that a test starts imports the same ones.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
# The tables of tests are small: a second thread takes a fifth of what a statement takes of the processor.
os.environ["AIA_DUCKDB_THREADS"] = "1"
# A machine that is busy takes longer over an example: no property depends on how long one takes. `make test` tries the same examples each
# time, so that a change is not refused for what it did not touch; `make test-all` looks for new ones.
settings.register_profile(
    "patient", parent=settings.default, deadline=None, max_examples=examples(100), derandomize=not ALL
)
settings.load_profile("patient")
if not ALL:
    # Otherwise Hypothesis reads every module for numbers and texts to try: seconds of each worker, and examples that change with any of
    # them, wherever it is.
    providers._get_local_constants = lambda: providers._local_constants


REAPER = pytest.StashKey[Reaper]()


def pytest_configure(config: pytest.Config) -> None:
    """Have nothing that tests start outlive this process; what workers start is known by the same mark."""
    config.pluginmanager.register(_Examples())
    if not hasattr(config, "workerinput"):
        config.stash[REAPER] = Reaper()


def pytest_unconfigure(config: pytest.Config) -> None:
    """End what is left."""
    if REAPER in config.stash:
        config.stash[REAPER].close()


class _Examples:
    """Looks for examples in the docstrings of files that have one: of all others, most are tests, with thousands of functions."""

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(self, file_path: Path) -> Generator[None, list[pytest.Collector], list[pytest.Collector]]:
        found = yield
        if not found or ">>>" in file_path.read_text():
            return found
        return [one for one in found if not isinstance(one, DoctestModule)]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while modules are imported and tests are listed: all of it stays, and is not looked through again."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is marked as long, but where everything is to run; begin with what one worker runs one after the other.

    What takes longest comes first: at the end one worker would run it, and the others wait. Where coverage is asked for, it is that of
    core/ by its own tests, and no other test is traced.
    """
    if config.pluginmanager.hasplugin("_cov"):
        for item in items:
            if not item.nodeid.startswith(OF_CORE):
                item.add_marker("no_cover")
    long = [] if ALL else [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
    items[:] = sorted(
        (item for item in items if item not in long), key=lambda item: _rank(item.nodeid.partition("::")[0])
    )


OF_CORE = ("core/", "tests/unit/")
"""Where core's own tests are."""
TOGETHER = ("tests/e2e/stacks", "tests/contract/deployment")
"""Folders of which one worker runs all: whole stacks, of which two at a time are enough for a machine, and plans that tests share."""
APART = ("tests/e2e/stacks/test_faults.py",)
"""Files of these folders that another worker runs: it takes as long as all others of its folder."""
SERVERS = {
    "tests.support.servers.stores": ("",),
    "tests.support.servers.warehouse": ("test_bi_rollup", ""),
}
"""Plugins whose emulator takes seconds to start, and the beginnings of names by which the files that name it are parts: one worker
runs all files of a part, which have statements in common. In one part the files of the warehouse would take longer than all else."""
FIRST = (*APART, *TOGETHER, *(f"{server} {part}" for server, parts in reversed(SERVERS.items()) for part in parts))
"""What one worker runs one after the other, in the order in which it is begun."""


class _ByFile(LoadFileScheduling):
    """A file's tests run in one worker, and so do all of a folder of `TOGETHER` but those `APART`, and all of a part of `SERVERS`."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(super()._split_scope(nodeid))


@cache
def _scope(file: str) -> str:
    path = Path(file)
    if file in APART:
        return file
    if folder := next((folder for folder in TOGETHER if Path(folder) in path.parents), None):
        return folder
    text = (ROOT / path).read_text() if path.parts[0] == "tests" else ""
    server = next((server for server in SERVERS if f'"{server}"' in text), None)
    return f"{server} {next(filter(path.name.startswith, SERVERS[server]))}" if server else file


@cache
def _rank(file: str) -> int:
    scope = _scope(file)
    return FIRST.index(scope) if scope in FIRST else len(FIRST)


@pytest.hookimpl(optionalhook=True)  # only xdist asks for it
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> _ByFile:
    return _ByFile(config, log)
