"""Foreign text that is kept: one clean line that takes few bytes, whatever its script, so that documents stay bounded."""

from functools import lru_cache

from core.incidents.text import LINE_LIMIT, clean

_ELLIPSIS = "…"


def brief(text: str, limit: int = LINE_LIMIT) -> str:
    r"""Foreign text as one clean line of at most so many bytes in UTF-8.

    >>> brief("a\nb"), brief("longer than that", 10), brief("\N{CAT FACE}" * 10, 11)
    ('a b', 'longer …', '🐱🐱…')
    """
    return _kept(text, limit) if len(text) <= limit else _brief(text, limit)


@lru_cache(maxsize=4096)
def _kept(text: str, limit: int) -> str:
    """Short texts come again and again: names, units, summaries of what goes on."""
    return _brief(text, limit)


def _brief(text: str, limit: int) -> str:
    line = clean(text, limit)
    raw = line.encode()
    if len(raw) <= limit:
        return line
    return raw[: limit - len(_ELLIPSIS.encode())].decode(errors="ignore").removesuffix(_ELLIPSIS) + _ELLIPSIS
