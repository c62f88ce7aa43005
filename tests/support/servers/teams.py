"""A server that stands for a workflow of Microsoft Teams ("Post to a channel when a webhook request is received").

`python -m tests.support.servers.teams --port 0` prints its port; the webhook is any path with `sig=…`, `GET /log` says what came. The
real one answers 202 before it posts, and what it cannot post stands in its run history only; this one refuses it at once.

Sources: Microsoft Learn, "Create and send messages" (the request, the rates), "Create Incoming Webhooks" (28 KB), "Format cards
in Microsoft Teams"; the schema of Adaptive Cards 1.2 (microsoft/AdaptiveCards, schemas/1.2.1); how the size is counted, issue
11274 of MicrosoftDocs/msteams-docs.
"""

import argparse
import json
import logging
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from markdown_it import MarkdownIt

from tests.support.servers.receivers import Receiver, Reply, Window, run

LARGEST = 28 * 1024
SIGNATURE = "S3CR3T-of-the-workflow"
INVOKE = "/workflows/0f1e2d3c/triggers/manual/paths/invoke?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sig="
_SIZES = {"small", "default", "medium", "large", "extraLarge"}
_STYLES = {"default", "emphasis", "good", "attention", "warning", "accent"}
_MARKDOWN = MarkdownIt("commonmark").enable("strikethrough")
# It logs every rule that it tries.
logging.getLogger("markdown_it").setLevel(logging.WARNING)


class TeamsServer(Receiver):
    """Takes so many cards a second."""

    def __init__(self, port: int = 0, per_second: int = 4) -> None:
        super().__init__(port)
        self._window = Window(per_second, 1.0) if per_second else None

    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if parse_qs(urlsplit(path).query).get("sig") != [SIGNATURE]:
            return _failed(401, "DirectApiInvalidAuthorizationScheme")
        if found := faults(body):
            self.log.faults += found
            return _failed(400, "BadRequest")
        if self._window and (wait := self._window.wait()):
            self.log.limited += 1
            return Reply(429, b"", {"Retry-After": str(math.ceil(wait))})
        self.accept("workflow", json.loads(body))
        return Reply(202)


def _failed(status: int, code: str) -> Reply:
    return Reply(status, json.dumps({"error": {"code": code, "message": f"It was {SIGNATURE}."}}).encode())


def faults(body: bytes) -> list[str]:
    """Everything wrong with a request, and every piece of Markdown in its facts that Teams would act on."""
    try:
        message = json.loads(body.decode())
    except ValueError:
        return ["no JSON"]
    if not isinstance(message, dict) or message.get("type") != "message" or message.keys() - {"type", "attachments"}:
        return ["must be a message of attachments"]
    match message.get("attachments"):
        case [{"contentType": "application/vnd.microsoft.card.adaptive", "content": dict() as card}]:
            pass
        case _:
            return ["must be one attachment, an adaptive card"]
    found = _known(card, {"$schema", "version", "msteams", "body", "actions"})
    if card.get("type") != "AdaptiveCard" or card.get("version") != "1.2":
        found.append("must be an AdaptiveCard of version 1.2")
    if (counted := len(json.dumps(body.decode(), ensure_ascii=False).encode())) > LARGEST:
        found.append(f"MessageSizeExceeded: {counted} bytes")
    found += [fault for element in card.get("body", []) for fault in _element(element)]
    return found + [fault for action in card.get("actions", []) for fault in _action(action)]


def _element(element: Mapping[str, Any]) -> list[str]:
    check = _ELEMENTS.get(element.get("type"))
    return check(element) if check else [f"of no known type: {element}"]


def _container(element: Mapping[str, Any]) -> list[str]:
    found = _known(element, {"style", "bleed", "items"})
    if element.get("style") not in _STYLES or not element.get("items"):
        found.append("must have a known style, and items")
    return found + [fault for item in element.get("items", []) for fault in _element(item)]


def _rich_text(element: Mapping[str, Any]) -> list[str]:
    found = _known(element, {"inlines"})
    for inline in element.get("inlines", []):
        found += _known(inline, {"text", "weight", "size", "isSubtle"}) + _text(inline.get("text"))
        if inline.get("type") != "TextRun" or inline.get("size", "default") not in _SIZES:
            found.append("must be a text run of a known size")
    return found if element.get("inlines") else [*found, "must have inlines"]


def _fact_set(element: Mapping[str, Any]) -> list[str]:
    found = _known(element, {"facts"})
    for fact in element.get("facts", []):
        found += _known(fact, {"title", "value"}) + _text(fact.get("title")) + _text(fact.get("value"))
        found += [f"Markdown: {text!r}" for text in fact.values() if _is_markup(text)]
    return found if element.get("facts") else [*found, "must have facts"]


def _is_markup(text: str) -> bool:
    return not re.fullmatch(r"<p>[^<]*</p>\n", _MARKDOWN.render(text))


def _action(action: Mapping[str, Any]) -> list[str]:
    found = _known(action, {"title", "url", "style"}) + _text(action.get("title"))
    if action.get("type") != "Action.OpenUrl" or action.get("style", "default") not in {"default", "positive"}:
        found.append("must open an address, in a known style")
    if urlsplit(action.get("url", "")).scheme not in {"http", "https"}:
        found.append("url must be an address")
    return found


def _text(text: object) -> list[str]:
    return [] if isinstance(text, str) and text.strip() else ["must be a text that is not empty"]


def _known(holder: Mapping[str, Any], names: set[str]) -> list[str]:
    return [f"unknown: {name}" for name in holder.keys() - names - {"type"}]


_ELEMENTS: dict[Any, Callable[[Mapping[str, Any]], list[str]]] = {
    "Container": _container,
    "RichTextBlock": _rich_text,
    "FactSet": _fact_set,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.servers.teams")
    parser.add_argument("--per-second", type=int, default=4, help="cards; 0: any number")
    return run(lambda options: TeamsServer(options.port, options.per_second), parser)


if __name__ == "__main__":
    raise SystemExit(main())
