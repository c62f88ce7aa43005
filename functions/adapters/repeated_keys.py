"""Keys that a JSON object has twice, of which decoders use the last: who checks one must not be answered about the other."""

import json
from typing import Any


class RepeatedKeyError(ValueError):
    """An object has a key twice; the message names it."""


def check(data: bytes) -> None:
    """Check that no object in a JSON text has a key twice; a text that is no JSON is left to its decoder.

    Raises:
        RepeatedKeyError: one has.
    """
    try:
        json.loads(data, object_pairs_hook=_once, parse_int=str, parse_float=str)
    except RepeatedKeyError:
        raise
    except (ValueError, RecursionError):
        return


def _once(pairs: list[tuple[str, Any]]) -> None:
    seen = set[str]()
    for key, _ in pairs:
        if key in seen:
            raise RepeatedKeyError(f"key {key[:80]!r} must be given once")
        seen.add(key)
