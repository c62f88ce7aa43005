"""Foreign text that may be kept and shown: on one line, short, without what looks like a secret."""

import hashlib
import json
import re
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

from core.incidents.text import LINE_LIMIT, clean
from functions.alert_intake.reading import LONGEST

HIDDEN = "[hidden]"
LONGEST_LINK = 160
"""Characters; what is remembered of an incident keeps no longer ones."""
_NAMES = r"passw(?:or)?d|passphrase|pwd|secret|token|(?:api|access|private)[_-]?key|credentials?|authorization|cookie"
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_ASSIGNED = re.compile(
    rf"\b([\w-]{{0,40}}(?:{_NAMES})[\"']?\s{{0,3}}[=:]\s{{0,3}})(?:bearer\s+|basic\s+)?"
    r"(?:\"[^\"]*\"?|'[^']*'?|[^\s\"',;&]+)",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b(bearer|basic)\s+[\w.~+/=-]{8,}", re.IGNORECASE)
_USER = re.compile(r"(://)[^\s/@]{1,200}@")
_SHAPED = re.compile(
    r"\b(?:AKIA[0-9A-Z]{16}|AIza[\w-]{30,}|gh[pousr]_\w{20,}|xox[abprs]-[\w-]{10,}|ya29\.[\w-]{10,}"
    r"|eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]+)?)|-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*"
)
_WEB = re.compile(r"https?://[^\s<>\"'\\^`{|}]+", re.IGNORECASE)
_SECTION = re.compile(r"[a-z0-9_-]+(?:/[a-z0-9_-]+)*\.md(?:#[\w-]+)?", re.IGNORECASE)


def line(text: str, limit: int = LINE_LIMIT) -> str:
    """The text on one line of at most `limit` characters, secrets hidden."""
    return clean(_hide(clean(text[:LONGEST], LONGEST)), limit)


def secret(name: str) -> bool:
    """Whether what has that name is nothing to show.

    >>> secret("API_KEY"), secret("pod")
    (True, False)
    """
    return _SECRET_NAME.search(name) is not None


def link(text: str) -> str:
    """The web address without credentials, or nothing where it is none or too long to keep.

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
    told = ["" if secret(part) else part for part in (parts.query, parts.fragment)]
    full, short = (urlunsplit((parts.scheme, host, parts.path, *rest)) for rest in (told, ("", "")))
    shown = full if len(full) <= LONGEST_LINK else short
    return shown if host and len(shown) <= LONGEST_LINK and _hide(shown) == shown else ""


def runbook(text: str) -> str:
    """A web address, or a section of our runbooks as in `models.md#drift`; else nothing."""
    return text if len(text) <= LONGEST_LINK and _SECTION.fullmatch(text) and not secret(text) else link(text)


def digest(*texts: str, labels: Mapping[str, str] | None = None) -> str:
    """Ten characters that tell these texts and labels from others, the same whenever they are made."""
    told = json.dumps([texts, sorted((labels or {}).items())])
    return hashlib.sha256(told.encode()).hexdigest()[:10]


def _hide(text: str) -> str:
    if "=" in text or ":" in text:
        text = _USER.sub(rf"\1{HIDDEN}@", _ASSIGNED.sub(rf"\1{HIDDEN}", text))
    return _SHAPED.sub(HIDDEN, _BEARER.sub(rf"\1 {HIDDEN}", text))
