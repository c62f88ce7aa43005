"""What a topic takes; apart from Pub/Sub's client, which takes half a second to import."""

from collections.abc import Mapping
from typing import NamedTuple


class Message(NamedTuple):
    """A message, as it is published."""

    data: bytes
    attributes: Mapping[str, str]
