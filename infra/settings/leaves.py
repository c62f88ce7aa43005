"""Single values: their JSON Schema, and as its title what is allowed in words, for the guide and for editors."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from core.settings.declare import Spec
from core.settings.notes import OneOf, Pattern, Range, Reads, Refers

Schema = dict[str, Any]
_PLAIN: Mapping[object, Schema] = {
    bool: {"title": "`true` or `false`", "type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"title": "text", "type": "string", "minLength": 1, "maxLength": 200},
    date: {"title": "a day, as in `2026-01-31`", "type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    datetime: {
        "title": "an instant, as in `2026-01-31T22:00:00Z`",
        "type": "string",
        "pattern": r"^[0-9W-]{7,10}.+([Zz]|[+-][0-9:.]+)$",
    },
    time: {"title": 'a time, as in `"08:00"`', "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"},
    timedelta: {"type": "string", "pattern": "^[0-9]{1,9}(ms|s|m|h|d)$"},
}
_STEPS = {"m": "minutes", "d": "days"}
_UNLIMITED = 1e12


def leaf(spec: Spec) -> Schema:
    """The schema of a single value; empty for what is made of others."""
    for note in spec.notes:
        match note:
            case Reads():
                return {"title": note.allowed, **note.schema}
            case OneOf():
                return _enum(note)
            case Pattern():
                refers = spec.note(Refers)
                title = f"the name of a {' or a '.join(refers)}" if refers else _short(note.allowed)
                return {"title": title, "type": "string", "pattern": f"^(?:{note.regex})$"}
            case Range():
                ends = {} if spec.kind is timedelta else {"minimum": note.low, "maximum": note.high}
                return {"title": _range(note), **_PLAIN[spec.kind], **ends}
    if isinstance(spec.kind, type) and issubclass(spec.kind, StrEnum):
        return _enum([item.value for item in spec.kind])
    return _PLAIN.get(spec.kind, {})


def _enum(words: Sequence[str]) -> Schema:
    title = ("one of " if len(words) > 1 else "") + ", ".join(f"`{word}`" for word in words)
    return {"title": title, "enum": list(words)}


def _short(allowed: str) -> str:
    """What a fault says is allowed, without what follows a colon, and without an example."""
    short = re.split(r": |, as in ", allowed.removeprefix("must be "))[0]
    return re.sub(r"'([^']+)'|((?:https://|gs://|projects/)[^\s,]+)", r"`\1\2`", short)


def _range(note: Range) -> str:
    unit = f" {note.unit}" if note.unit else f", in whole {_STEPS[note.step]}" if note.step != "ms" else ""
    low, high = (f"{end:,}" if isinstance(end, int) else f"{end}" for end in (note.low, note.high))
    return (f"at least {low}" if note.high == _UNLIMITED else f"{low} to {high}") + unit
