"""The catalogue of signals, from its file."""

import functools
from pathlib import Path

import msgspec
import yaml

from core.signals import Area, SetUp, Signal

FILE = Path("infra", "signals.yaml")
"""Where an archive and the sources have it, from their root."""


class _SetUp(msgspec.Struct, forbid_unknown_fields=True):
    how: str
    guide: str
    settings: str = ""
    keys: str = ""


class _Area(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    owner: str
    signals: list[str]
    probes: list[str] = []
    contract: str = ""
    job: str = ""
    replayed: bool | dict[str, str] = False
    set_up: _SetUp | None = None


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
            job=one.job,
            replayed=bool(one.replayed),
            replays=one.replayed if isinstance(one.replayed, dict) else {},
            set_up=SetUp(**msgspec.structs.asdict(one.set_up)) if one.set_up else None,
        )
        for one in read.areas
    )
