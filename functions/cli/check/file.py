"""A file of settings, checked where nothing is deployed: its faults and warnings with their lines."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from core.errors import Fault
from core.settings import Settings
from functions.adapters import config
from functions.cli.check.lines import Lines

_ELSEWHERE: Final = {
    "AIA_API_URL": "http://127.0.0.1:8080",
    "AIA_INBOX_URL": "http://127.0.0.1:8081/",
    "AIA_PROBE_NETWORKS": "127.0.0.0/8",
    "AIA_WAREHOUSE_ADDRESS": "127.0.0.1:9050",
}
"""What the deployment sets by itself; here any value that is valid does."""


def load(file: Path) -> Settings:
    """The settings of a file, whose other variables are those of this environment.

    Raises:
        SettingsError: with every fault.
    """
    return config.load(file, {**_ELSEWHERE, **os.environ})


def told(file: Path, faults: Iterable[Fault], *, mark: str = "") -> list[str]:
    """One line a fault, in the order of the file."""
    lines = Lines(file)
    placed = sorted(((lines.of(fault.path) or 0, fault) for fault in faults), key=lambda one: one[0])
    return [f"{file}:{line}: {mark}{fault}" if line else f"{file}: {mark}{fault}" for line, fault in placed]
