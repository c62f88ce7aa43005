"""A server that stands for Slack (incoming webhooks, `chat.postMessage`, `chat.update`) and enforces what it documents.

`python -m tests.support.servers.slack --port 0` prints its port; webhooks are `/services/T…/B…/…`, the API is `/api`, `GET /log`
says what came. Sources: docs.slack.dev, Block Kit reference, "Rate limits" and "Incoming webhooks"; the limit of a whole
message is not documented (slackapi/bolt-js issue 2509).
"""

import argparse
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from tests.support.servers.receivers import Receiver, Reply, Window, run

LARGEST = 12_000
TOKEN = "xoxb-of-the-tests"
ROOM = "C0123456789"
NAME = "#ml-alerts"
"""Of the same room; `chat.update` takes the id only."""
_WEBHOOK = re.compile(r"/services/T[A-Z0-9]+/B[A-Z0-9]+/[A-Za-z0-9]+")
_MESSAGE = {"text", "blocks", "mrkdwn", "unfurl_links", "unfurl_media"}
_VERBS = {"acknowledge", "mitigate", "resolve", "cancel", "reopen", "take_over", "give_back"}
_CONTROL = re.compile(r"<[^>]*>|&(?!amp;|lt;|gt;)|[<>]")


class SlackServer(Receiver):
    """Takes so many messages a second of each webhook, or of a token for a room.

    Attributes:
        room: the messages of the room as they are now, by `ts`, in order.
        replies: by the `ts` of their parent.
    """

    def __init__(self, port: int = 0, seconds: float = 1.0) -> None:
        super().__init__(port)
        self._seconds = seconds
        self._windows: dict[str, Window] = {}
        self.room: dict[str, dict[str, Any]] = {}
        self.replies: dict[str, list[dict[str, Any]]] = {}

    @property
    def url(self) -> str:
        return f"{self.address}/services/T0TEAM/B0HOOK/S3CR3Tofthehook"

    @property
    def api(self) -> str:
        return f"{self.address}/api"

    def judge(self, path: str, headers: dict[str, str], body: bytes) -> Reply:
        if _WEBHOOK.fullmatch(path):
            return self._hook(path, body)
        if path.startswith("/api/"):
            return self._api(path.removeprefix("/api/"), headers, body)
        return Reply(404, b"no_service")

    def _hook(self, path: str, body: bytes) -> Reply:
        message = _json(body)
        if message is None:
            self.log.faults.append("no JSON object")
            return Reply(400, b"invalid_payload")
        if found := faults(message):
            self.log.faults += found
            return Reply(400, b"invalid_blocks")
        if wait := self._wait(path):
            return Reply(429, b"rate_limited", {"Retry-After": str(math.ceil(wait))})
        self.accept(path, message)
        return Reply(200, b"ok")

    def _api(self, method: str, headers: dict[str, str], body: bytes) -> Reply:
        message = _json(body)
        given = headers.get("authorization", "")
        if given != f"Bearer {TOKEN}":
            return _failed("invalid_auth" if given.startswith("Bearer ") else "not_authed")
        if message is None:
            return _failed("invalid_json")
        room = message.pop("channel", None)
        if room not in ({ROOM, NAME} if method == "chat.postMessage" else {ROOM}):
            return _failed("channel_not_found")
        act = {"chat.postMessage": self._post, "chat.update": self._update}.get(method)
        return act(message) if act else _failed("unknown_method")

    def _post(self, message: dict[str, Any]) -> Reply:
        parent, broadcast = message.pop("thread_ts", None), message.pop("reply_broadcast", False)
        if found := faults(message):
            self.log.faults += found
            return _failed("invalid_blocks", found)
        if parent is not None and parent not in self.room:
            return _failed("thread_not_found")
        if wait := self._wait(ROOM):
            return Reply(429, b'{"ok":false,"error":"ratelimited"}', {"Retry-After": str(math.ceil(wait))})
        ts = f"1700000000.{self.log.requests:06d}"
        if parent is None:
            self.room[ts] = message
        else:
            self.replies.setdefault(parent, []).append(message | {"broadcast": broadcast})
        self.accept(ROOM, message)
        return _done(ts)

    def _update(self, message: dict[str, Any]) -> Reply:
        ts = message.pop("ts", None)
        if found := faults(message):
            self.log.faults += found
            return _failed("invalid_blocks", found)
        if ts not in self.room:
            return _failed("message_not_found")
        self.room[ts] = message
        self.accept(ROOM, message)
        return _done(ts)

    def _wait(self, account: str) -> float:
        wait = self._windows.setdefault(account, Window(1, self._seconds)).wait() if self._seconds else 0.0
        self.log.limited += wait > 0
        return wait


def _done(ts: str) -> Reply:
    return Reply(200, json.dumps({"ok": True, "channel": ROOM, "ts": ts}).encode())


def _failed(code: str, why: list[str] | None = None) -> Reply:
    said = {"ok": False, "error": code, "response_metadata": {"messages": why or []}}
    return Reply(200, json.dumps(said).encode())


def _json(body: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(body.decode())
    except ValueError:
        return None
    return message if isinstance(message, dict) else None


def faults(message: Mapping[str, Any]) -> list[str]:
    """Everything wrong with a message, and every piece of markup in it that Slack would act on."""
    found = [f"unknown: {name}" for name in message.keys() - _MESSAGE]
    text = message.get("text")
    if not isinstance(text, str) or not 0 < len(text) <= 4000:
        found.append("text must be 1 to 4000 characters")
    elif _CONTROL.search(text):
        found.append(f"text must be escaped: {text!r}")
    if "blocks" not in message:
        return found
    blocks = message["blocks"]
    if not isinstance(blocks, list) or not 0 < len(blocks) <= 50:
        return [*found, "blocks must be 1 to 50"]
    if _size(json.dumps(blocks, ensure_ascii=False)) > LARGEST:
        found.append("msg_blocks_too_long")
    for index, block in enumerate(blocks):
        check = _BLOCKS.get(block.get("type"), _unknown)
        found += [f"blocks[{index}]: {fault}" for fault in check(block)]
    return found


def _header(block: Mapping[str, Any]) -> list[str]:
    return _known(block, {"text"}) + _plain(block.get("text"), 150)


def _section(block: Mapping[str, Any]) -> list[str]:
    found = _known(block, {"text", "fields"})
    if "text" in block:
        found += _plain(block["text"], 3000)
    fields = block.get("fields", [])
    if "text" not in block and not fields:
        found.append("must have text or fields")
    if len(fields) > 10 or ("fields" in block and not fields):
        found.append("fields must be 1 to 10")
    return found + [fault for field in fields for fault in _plain(field, 2000)]


def _context(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements", [])
    found = _known(block, {"elements"}) + ([] if 0 < len(elements) <= 10 else ["elements must be 1 to 10"])
    return found + [fault for element in elements for fault in _plain(element, 3000)]


def _actions(block: Mapping[str, Any]) -> list[str]:
    elements = block.get("elements", [])
    found = _known(block, {"elements"}) + ([] if 0 < len(elements) <= 25 else ["elements must be 1 to 25"])
    ids = [element.get("action_id") for element in elements]
    if len(set(ids)) < len(ids):
        found.append("action_id must be unique")
    return found + [fault for element in elements for fault in _button(element)]


def _button(element: Mapping[str, Any]) -> list[str]:
    found = _known(element, {"text", "action_id", "url", "value", "style", "confirm"}) + _plain(element.get("text"), 75)
    if element.get("type") != "button" or element.get("style", "primary") not in {"primary", "danger"}:
        found.append("must be a button of a known style")
    if not 0 < len(element.get("action_id", "")) <= 255:
        found.append("action_id must be 1 to 255 characters")
    return found + (_answer(element) if "value" in element else _link(element.get("url", "")))


def _answer(element: Mapping[str, Any]) -> list[str]:
    found = [] if 0 < len(element["value"]) <= 2000 else ["value must be 1 to 2000 characters"]
    if element["action_id"] not in _VERBS or "url" in element:
        found.append("a button with a value must be of a verb, without an address")
    if confirm := element.get("confirm"):
        found += _known(confirm, {"title", "text", "confirm", "deny"})
        for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
            found += _plain(confirm.get(name), most)
    return found


def _link(url: str) -> list[str]:
    try:
        right = urlsplit(url).scheme in {"http", "https"} and bool(urlsplit(url).hostname)
    except ValueError:
        right = False
    if not right or len(url) > 3000 or not url.isascii() or not url.isprintable() or " " in url:
        return ["url must be an address of at most 3000 characters"]
    return []


def _unknown(block: Mapping[str, Any]) -> list[str]:
    return [f"of no known type: {block.get('type')!r}"]


_BLOCKS: dict[Any, Callable[[Mapping[str, Any]], list[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": lambda block: _known(block, set()),
}


def _plain(text: object, most: int) -> list[str]:
    """Markup is for what is ours: every text here may hold what is foreign, so that it must be plain."""
    if not isinstance(text, dict) or text.keys() - {"type", "text", "emoji"}:
        return ["must be a text of type, text and emoji"]
    if text.get("type") != "plain_text" or text.get("emoji") is not False:
        return ["must be plain_text without emoji"]
    value = text.get("text")
    if not isinstance(value, str) or not value.strip() or not 0 < _size(value) <= most:
        return [f"must be 1 to {most} characters"]
    return []


def _known(holder: Mapping[str, Any], names: set[str]) -> list[str]:
    return [f"unknown: {name}" for name in holder.keys() - names - {"type"}]


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.support.servers.slack")
    parser.add_argument("--seconds", type=float, default=1.0, help="between two messages of one webhook or room")
    return run(lambda options: SlackServer(options.port, options.seconds), parser)


if __name__ == "__main__":
    raise SystemExit(main())
