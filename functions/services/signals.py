"""The catalogue of signals, from its file."""

import functools
from pathlib import Path

import msgspec
import yaml

from core.signals import Area, Signal

FILE = Path("infra", "signals.yaml")
"""Where an archive and the sources have it, from their root."""


class _Area(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    owner: str
    signals: list[str]
    probes: list[str] = []
    contract: str = ""
    replayed: bool = False


class _File(msgspec.Struct, forbid_unknown_fields=True):
    areas: list[_Area]


@functools.cache
def areas(file: Path) -> tuple[Area, ...]:
    """The areas of a file, in its order.

    Raises:
        msgspec.ValidationError: the file has another form; the message names the key.
    """
    read = msgspec.convert(yaml.safe_load(file.read_bytes()), _File)
    return tuple(
        Area(
            name=one.name,
            owner=one.owner,
            signals=tuple(Signal(selector=selector) for selector in one.signals),
            probes=tuple(one.probes),
            contract=one.contract,
            replayed=one.replayed,
        )
        for one in read.areas
    )
