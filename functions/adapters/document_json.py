"""Fields of documents as JSON text, and back: the same instants, and the same numbers.

>>> from datetime import UTC
>>> encode({"at": datetime(2026, 1, 2, tzinfo=UTC), "value": math.inf})
'{"at":{"$instant":"2026-01-02T00:00:00Z"},"value":{"$number":"inf"}}'
>>> decode('{"value":{"$number":"inf"}}')
{'value': inf}
"""

import json
import math
from datetime import datetime
from typing import Any

from core.events import stamp

_INSTANT, _NUMBER = "$instant", "$number"


def encode(value: Any) -> str:  # noqa: ANN401 - JSON
    """A value as text: instants and numbers that are not finite are mappings of one name, which no field has."""
    return json.dumps(_encoded(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def decode(text: str) -> Any:  # noqa: ANN401 - JSON
    """The value that `encode` made the text of."""
    return json.loads(text, object_hook=_decoded)


def _encoded(value: Any) -> Any:  # noqa: ANN401 - JSON
    match value:
        case datetime():
            return {_INSTANT: stamp(value)}
        case float() if not math.isfinite(value):
            return {_NUMBER: str(value)}
        case list():
            return [_encoded(item) for item in value]
        case dict():
            return {f"${name}" if name.startswith("$") else name: _encoded(item) for name, item in value.items()}
    return value


def _decoded(value: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    match value:
        case {"$instant": str(text)}:
            return datetime.fromisoformat(text)
        case {"$number": str(text)}:
            return float(text)
    return {name.removeprefix("$"): item for name, item in value.items()}
