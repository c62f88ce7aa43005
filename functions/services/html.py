"""An HTML page without anything outside it: no script, no resource, light and dark."""

from collections.abc import Iterable
from html import escape

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def document(*, title: str, style: str, body: str) -> str:
    """The whole page.

    Args:
        title: escaped here.
        style: CSS.
        body: HTML.
    """
    return _PAGE.format(title=escape(title), style=style, body=body)


def table(heads: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table.

    Args:
        heads: names of its columns, escaped here.
        rows: their values, which are escaped here.
    """
    head = "".join(f"<th>{escape(name)}</th>" for name in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>"
