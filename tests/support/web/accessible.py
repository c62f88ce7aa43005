"""What axe finds wrong with a page for people who use a screen reader, a keyboard, or few colours."""

from functools import cache
from pathlib import Path

from playwright.sync_api import Page

_AXE = Path(__file__).parent / "vendor" / "axe.min.js"
_RUN = """
  async () => (await axe.run(document, { resultTypes: ["violations"] })).violations
    .flatMap((rule) => rule.nodes.map((node) => `${rule.id} (${rule.impact}): ${node.target} ${node.failureSummary}`))
"""


@cache
def _script() -> str:
    return _AXE.read_text(encoding="utf-8")


def violations(page: Page) -> list[str]:
    """Each violation of a rule of axe, with the element; axe has to be evaluated, since a page's policy lets no other script in."""
    page.evaluate(_script())
    found: list[str] = page.evaluate(_RUN)
    return found
