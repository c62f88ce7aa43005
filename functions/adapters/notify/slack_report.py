"""Reports for Slack as Block Kit blocks. As in messages about incidents, texts are in `plain_text` elements only."""

from typing import Any

from core.reports.message import ReportMessage
from functions.adapters.notify.report_outline import OutlinePart, buttons, context, outline, text
from functions.adapters.notify.slack_blocks import LONGEST_HEADER, Block, escaped, link, plain_text
from functions.adapters.notify.text import fit

_LONGEST_PLAIN_TEXT = 780
"""Characters; see `slack_blocks`."""
_LONGEST_NOTE = 300


def report_body(message: ReportMessage) -> dict[str, Any]:
    """The body of the request: the blocks, and a text for notifications."""
    if message.plain:
        return _posted(text(message, _LONGEST_PLAIN_TEXT))
    header: Block = {"type": "header", "text": plain_text(fit(message.title, LONGEST_HEADER))}
    note: Block = {"type": "context", "elements": [plain_text(context(message))]}
    parts = [_part(part) for part in outline(message.report)]
    links = [link(button) for button in buttons(message)]
    actions = [{"type": "actions", "elements": links}] if links else []
    return _posted(fit(message.title, _LONGEST_NOTE)) | {"blocks": [header, note, *parts, *actions]}


def _part(part: OutlinePart) -> Block:
    return {
        "type": "section",
        "text": plain_text("\n".join([part.title.upper(), *(f"• {line}" for line in part.lines)])),
    }


def _posted(shown: str) -> dict[str, Any]:
    return {"text": escaped(shown), "mrkdwn": False, "unfurl_links": False, "unfurl_media": False}
