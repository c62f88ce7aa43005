"""The pages: each template in the frame that all of them share: head, links to the pages, and what the header shows."""

import functools
from collections.abc import Sequence
from pathlib import Path
from string import Template

import msgspec

TEMPLATES = Path(__file__).parent / "templates"
PAGES = {
    "/": "Overview",
    "/incidents": "Incidents",
    "/models": "Models",
    "/pipelines": "Pipelines",
    "/probes": "Probes",
    "/dashboards": "Dashboards",
    "/reports": "Reports",
    "/coverage": "Coverage",
    "/events": "Events",
    "/maintenance": "Upkeep",
}
"""The links of the header, which is one line from 1200 pixels on, and a menu below."""
_STRIP = {
    "state": '<p id="state" role="status" aria-live="polite">Loading…</p>',
    "history": '<p id="history" hidden></p>',
}
_HEADER = {
    "updated": '<p id="updated"></p>',
    "who": '<button type="button" id="who" class="do plain small"></button>',
}
_MARK = '<svg class="mark" viewBox="0 0 24 24" aria-hidden="true"><path d="M2 13h5l3-8 4 14 3-6h5"/></svg>aia'
_EXPERIENCE = '<script src="/assets/experience.js" type="module" data-service="aia" data-to="/api/experience"></script>'


class _Head(msgspec.Struct, forbid_unknown_fields=True):
    """What a template says of itself in the comment of its first line.

    Attributes:
        title: of the page.
        here: the path among the links to pages; empty where it is none of them.
        styles: style sheets beside the one of all pages.
        script: its module, which also reports how people experience the page; empty for a page without one.
        charts: whether it draws charts.
        status: what the header and the strip below it show, by the keys of `_HEADER` and `_STRIP`; with `who`, the page has the dialog that
            asks for it.
        wide: whether it takes the whole width.
    """

    title: str
    here: str = ""
    styles: tuple[str, ...] = ()
    script: str = ""
    charts: bool = False
    status: tuple[str, ...] = ()
    wide: bool = False


@functools.cache
def html(name: str) -> str:
    """A page by the name of its template."""
    first, _, body = _part(name).partition("\n")
    head = msgspec.json.decode(first.removeprefix("<!--").removesuffix("-->"), type=_Head)
    return Template(_part("frame")).substitute(
        title=head.title if head.here == "/" else f"{head.title} · aia",
        head="\n".join(_files(head)),
        wide=' class="wide"' if head.wide else "",
        brand=f"<h1>{_MARK}</h1>" if head.here == "/" else f'<a class="brand" href="/">{_MARK}</a>',
        nav="".join(_link(path, title, head.here) for path, title in PAGES.items()),
        status="\n  ".join(_HEADER[one] for one in head.status if one in _HEADER),
        strip=_strip([_STRIP[one] for one in head.status if one in _STRIP]),
        body=body.rstrip("\n") + (f"\n{_part('who')}" if "who" in head.status else ""),
    )


def _part(name: str) -> str:
    return (TEMPLATES / f"{name}.html").read_text(encoding="utf-8")


def _files(head: _Head) -> list[str]:
    styles = [*(["vendor/uplot.min"] if head.charts else []), "style", *head.styles]
    scripts = ['<script src="/assets/vendor/uplot.min.js" defer></script>'] if head.charts else []
    if head.script:
        scripts += [f'<script src="/assets/{head.script}.js" type="module"></script>', _EXPERIENCE]
    return [*(f'<link rel="stylesheet" href="/assets/{style}.css">' for style in styles), *scripts]


def _strip(shown: Sequence[str]) -> str:
    return f'<div class="strip">{"".join(shown)}</div>' if shown else ""


def _link(path: str, title: str, here: str) -> str:
    current = ' aria-current="page"' if path == here else ""
    return f'<a href="{path}"{current}>{title}</a>'
