"""An HTML page without anything outside it: no script, no resource, light and dark."""

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
