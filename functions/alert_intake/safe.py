"""Foreign text that may be stored and shown: one short line, without anything that looks like a secret."""

import hashlib
import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from core.text import LINE_LIMIT, clean
from functions.adapters.redact import is_secret, redact, redact_address
from functions.alert_intake.reading import LONGEST

LONGEST_LINK = 160
"""Characters; an incident stores no longer ones."""
_WEB = re.compile(r"https?://[^\s<>\"'\\^`{|}]+", re.IGNORECASE)
_SECTION = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*\.md(?:#[\w-]+)?", re.IGNORECASE)


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """The text on one line of at most `limit` characters, secrets hidden."""
    return clean(redact(clean(text[:LONGEST], LONGEST)), limit)


def link(text: str) -> str:
    """The web address without credentials; empty if it is invalid or too long.

    >>> link("https://me:pw@example.com/a?token=x"), link("javascript:alert(1)")
    ('https://example.com/a', '')
    """
    if len(text) > LONGEST or not text.isprintable() or not _WEB.fullmatch(text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    host = parts.netloc.rpartition("@")[2]
    told = ["" if is_secret(part) else part for part in (parts.query, parts.fragment)]
    full, short = (urlunsplit((parts.scheme, host, parts.path, *rest)) for rest in (told, ("", "")))
    shown = full if len(full) <= LONGEST_LINK else short
    return shown if host and len(shown) <= LONGEST_LINK and redact_address(shown) == shown else ""


def runbook(text: str) -> str:
    """A web address, or a section of our runbooks as in `models.md#drift`; else empty."""
    return text if len(text) <= LONGEST_LINK and _SECTION.fullmatch(text) and not is_secret(text) else link(text)


def digest(*texts: str, labels: Mapping[str, str] | None = None) -> str:
    """A deterministic digest of texts and labels, ten characters."""
    told = json.dumps([texts, sorted((labels or {}).items())])
    return hashlib.sha256(told.encode()).hexdigest()[:10]
