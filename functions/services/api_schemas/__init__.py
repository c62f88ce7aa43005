"""What the API answers and takes, as types: its document is made from them, and the tests hold every answer against it."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta

Instant = Annotated[datetime, Meta(tz=True)]
"""An instant, in UTC."""
Next = Annotated[str, Meta(description="The `cursor` of the next page; empty on the last.")]
