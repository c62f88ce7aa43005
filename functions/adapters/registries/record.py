"""Versions as JSON, as registries keep them beside their own fields, and as rows of `ops.model_versions`."""

from dataclasses import asdict
from typing import Any

import msgspec

from core.errors import UnreadableError
from core.versions import Metric, Version
from functions.adapters.ports import Data

_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Version)
_JSON = ("parameters", "metrics")


def encode(version: Version) -> str:
    """The version as JSON; equal versions have equal texts."""
    return _encoder.encode(version).decode()


def decode(text: str) -> Version:
    """The version in a text.

    Raises:
        UnreadableError: it has none; the message carries the path.
    """
    try:
        return _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnreadableError(f"version: {error}") from error


def json_text(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A value as JSON."""
    return _encoder.encode(value).decode()


def row(version: Version) -> Data:
    """The row of a version: parameters and metrics are JSON."""
    return asdict(version) | {name: json_text(getattr(version, name)) for name in _JSON}


def from_row(found: Data) -> Version:
    """The version in a row; columns that are NULL, as in rows of other writers, have their defaults.

    Raises:
        UnreadableError: it is no version.
    """
    known = {name: value for name, value in found.items() if value is not None and name in Version.__dataclass_fields__}
    try:
        read: dict[str, Any] = {name: msgspec.json.decode(known.pop(name)) for name in _JSON if name in known}
        metrics = msgspec.convert(read.pop("metrics", {}), dict[str, Metric])
        return Version(**known, **read, metrics=metrics)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
        raise UnreadableError(f"{found.get('model')} {found.get('version')}: {error}") from error
