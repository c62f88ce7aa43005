"""Foreign text for a channel: without control characters and secrets, of bounded length, with valid links."""

import re
from typing import Any
from urllib.parse import urlsplit

from core.text import clean

_URL = re.compile(r"[!-~]+")
_LONGEST_URL = 1000
_MOST_LINES = 200


def fit(text: str, limit: int) -> str:
    """One clean line of at most `limit` UTF-16 code units, which is how some receivers count characters."""
    line = clean(text, limit)
    if len(line) * 2 <= limit or len(line.encode("utf-16-le")) <= limit * 2:
        return line
    return line.encode("utf-16-le")[: (limit - 1) * 2].decode("utf-16-le", "ignore").rstrip() + "…"


def paragraph(text: str, limit: int) -> str:
    """Several clean lines of at most `limit` UTF-16 code units together; empty lines are left out."""
    kept: list[str] = []
    for line in text[: limit * 4].splitlines()[:_MOST_LINES]:
        left = limit - sum(len(other.encode("utf-16-le")) // 2 + 1 for other in kept)
        if left <= 1:
            break
        if shown := fit(line, left):
            kept.append(shown)
    return "\n".join(kept)


def web(url: str) -> str:
    """The address if it is one of http or https that every receiver takes as a link, else nothing."""
    if len(url) > _LONGEST_URL or not _URL.fullmatch(url) or any(sign in url for sign in "<>|\"'`\\{}^"):
        return ""
    try:
        split = urlsplit(url)
        right = split.scheme in ("http", "https") and bool(split.hostname) and split.port != 0
    except ValueError:
        return ""
    return url if right else ""


def redacted(text: str, *secrets: str) -> str:
    """The text without the secrets, however they are capitalised."""
    for secret in filter(None, secrets):
        text = re.sub(re.escape(secret), "…", text, flags=re.IGNORECASE)
    return text


def encodable(value: Any) -> Any:  # noqa: ANN401 - JSON
    """JSON whose texts can be written in UTF-8: half a surrogate pair, which no receiver reads, becomes a `?`."""
    match value:
        case str():
            return value.encode(errors="replace").decode()
        case list() | tuple():
            return [encodable(item) for item in value]
        case dict():
            return {name: encodable(item) for name, item in value.items()}
    return value
