"""The HTML page that a command prints: one file without anything outside it. Every text that is escaped comes from outside."""

from collections.abc import Iterable
from html import escape
from pathlib import Path

from functions.services import html

_STYLE = Path(__file__).with_name("style.css")
_BODY = """<header class="{tone}">
{header}
</header>
<main>
{main}
</main>"""


def document(*, title: str, tone: str, header: str, parts: Iterable[str]) -> str:
    """The whole page.

    Args:
        title: escaped here.
        tone: `good`, `bad` or `none`.
        header: HTML.
        parts: of the page, as HTML; empty ones are left out.
    """
    body = _BODY.format(tone=tone, header=header, main="\n".join(part for part in parts if part))
    return html.document(title=title, style=_STYLE.read_text(encoding="utf-8"), body=body)


def section(title: str, inner: str) -> str:
    """A section with its heading; empty where there is nothing in it."""
    return f"<section>\n<h2>{title}</h2>\n{inner}\n</section>" if inner else ""


def bullets(lines: Iterable[str]) -> str:
    """A list of lines, which are escaped here; empty without any."""
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""
