"""The page of upkeep: the newest run of each task, the newest advice, and the messages that could not be handled."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from core.maintenance.task import RunOutcome
from core.text import instant
from functions.adapters.ports import Data
from functions.api.page import PAGES
from functions.services.html import document, table

_STYLE = """body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; }
nav a { margin-right: 1rem; } .scroll { overflow-x: auto; } td { overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; min-width: 46rem; }
th, td { padding: .3rem .9rem .3rem 0; text-align: left; vertical-align: top; } th { font-weight: 600; white-space: nowrap; }
tr { border-bottom: 1px solid #8884; }
"""
_OUTCOMES = {
    RunOutcome.DONE: "succeeded",
    RunOutcome.CONTINUES: "continues at the next tick",
    RunOutcome.FAILED: "failed",
    RunOutcome.WAITS: "not run yet",
}


def page(found: Data, letters: Iterable[Data]) -> str:
    """The page; every text is escaped.

    Args:
        found: the tasks and the newest advice, as `GET /api/maintenance` has them.
        letters: the dead letters, as `GET /api/dead-letters` has them.
    """
    links = "".join(f'<a href="{path}">{escape(name)}</a>' for path, name in PAGES.items())
    parts = (
        f'<nav aria-label="Pages">{links}</nav><h1>Upkeep</h1>',
        _table(("task", "newest run", "outcome", "successes", "what it did"), map(_task, found["tasks"])),
        "<h2>Dead letters of the last 30 days</h2>",
        _letters(letters),
        "<h2>Advice</h2>",
        _advice(found["advice"]),
    )
    return document(title="Upkeep · aia", style=_STYLE, body="".join(parts))


def _table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    return f'<div class="scroll">{table(heads, rows)}</div>'


def _task(task: Data) -> Sequence[Any]:
    ratio = "" if task["success_ratio"] is None else f"{task['success_ratio']:.0%}"
    finished = instant(task["finished_at"]) if task["finished_at"] else ""
    return task["task"], finished, _OUTCOMES[RunOutcome(task["outcome"])], ratio, task["detail"]


def _advice(newest: Data | None) -> str:
    if newest is None:
        return "<p>Not known: the task <code>optimisation</code> has not run yet.</p>"
    if not newest["advice"]:
        return f"<p>None, as of {escape(instant(newest['at']))}.</p>"
    rows = (
        (one["kind"].replace("_", " "), one["subject"], one["text"], _numbers(one["numbers"]))
        for one in newest["advice"]
    )
    return _table(("kind", "subject", "advice", "numbers"), rows)


def _numbers(numbers: Data) -> str:
    return ", ".join(f"{name.replace('_', ' ')}: {value:,}" for name, value in numbers.items())


def _letters(letters: Iterable[Data]) -> str:
    rows = [
        (instant(one["received_at"]), one["function"], one["id"], one["reason"], "yes" if one["sent_again"] else "no")
        for one in letters
    ]
    if not rows:
        return "<p>None.</p>"
    how = "<p><code>aia dead-letters resend ID --why TEXT</code> sends one again.</p>"
    return _table(("parked", "function", "id", "reason", "sent again"), rows) + how
