"""Slack by a bot's token: an incident is one thread of a room (`chat.postMessage`, `chat.update`).

The first message about an incident is its card. Later ones update the card and are replies in its thread. The store keeps
where the card is and which message was the last reply, for all instances. If the process ends after Slack took a card or a reply
and before the store did, the next attempt posts it once more; of two cards the newer one is updated from then on.

200 and `ok`                                  delivered
429, `ratelimited`                            retried, not before the `Retry-After` of the answer
408, 425, 5xx, an error of Slack's own        retried
200 without `ok`, no answer in time           retried
the card is gone                              a new card is posted
anything else                                 refused, with Slack's reason: `channel_not_found`, `invalid_auth`, `not_in_channel`

Sources: docs.slack.dev, methods `chat.postMessage` (a message a second and room) and `chat.update` (needs the id of the room, not
its name; 50 calls a minute), "Rate limits".
"""

import logging
import re
from dataclasses import replace
from typing import Any

import msgspec

from core.errors import AiaError, UnavailableError
from core.incidents.messages import Message
from core.reports.message import ReportMessage
from core.settings.channels import SlackChannel
from functions.adapters import logs
from functions.adapters.notify import chat
from functions.adapters.notify.channel import Context, DeliveryOutcome, Receipt
from functions.adapters.notify.http_client import TOO_MANY, check_passing, post
from functions.adapters.notify.slack_blocks import body, plain, reply
from functions.adapters.notify.slack_report import report_body
from functions.adapters.notify.slack_threads import Thread, Threads, digest

_OK = 200
_CODE = re.compile(r"[a-z][a-z_]{1,60}")
_LIMITED = frozenset({"ratelimited", "rate_limited"})
_PASSING = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org"})
_GONE = frozenset({"message_not_found", "thread_not_found"})
"""Somebody deleted the card."""
_FIXED = frozenset({"cant_update_message", "edit_window_closed", "update_failed"})
"""The workspace lets nobody change a message so old, or the card is of an app before: only the reply is posted."""
_encoder = msgspec.json.Encoder()
log = logging.getLogger(__name__)


class _Said(msgspec.Struct):
    ok: bool
    error: str = ""
    channel: str = ""
    ts: str = ""


_decoder = msgspec.json.Decoder(_Said)


class SlackBot:
    """Posts to a room.

    Args:
        setting: the bot's token, a secret, the id or the name of the room, and where Slack's API is.
        context: the clock to read a `Retry-After`, the timeout of a request, and the store that keeps the threads.
    """

    def __init__(self, setting: SlackChannel, context: Context) -> None:
        self._name = setting.name
        self._token = setting.token
        self._room = setting.room
        self._api = setting.api.rstrip("/")
        self._clock = context.clock
        self._seconds = context.seconds
        self._answers = context.answers.slack
        self._threads = Threads(context.store, context.clock)

    def send(self, message: Message) -> Receipt:
        """Post the card of the incident, or update it and reply in its thread."""
        place = f"{self._room}\0{message.incident_id}"
        thread = self._threads.get(place)
        if thread is not None:
            receipt = self._follow(place, thread, message)
            if receipt is not None:
                return receipt
        return self._open(place, message, self._body(message))

    def send_plain_text(self, message: Message) -> Receipt:
        """Post the message as text: in the thread of the incident, or as its card."""
        place = f"{self._room}\0{message.incident_id}"
        thread = self._threads.get(place)
        if thread is None or digest(message.key) == thread.posted_for:
            return self._open(place, message, plain(message))
        posted = {"channel": thread.room, "thread_ts": thread.ts, "reply_broadcast": chat.is_open(message)}
        return _receipt(self._call("chat.postMessage", posted | plain(message)))

    def send_report(self, message: ReportMessage) -> Receipt:
        """Post the report to the room; it has no thread."""
        return _receipt(self._call("chat.postMessage", {"channel": self._room, **report_body(message)}))

    def _open(self, place: str, message: Message, card: dict[str, Any]) -> Receipt:
        said = self._call("chat.postMessage", {"channel": self._room, **card})
        if said.ok:
            posted_for = digest(message.key)
            self._remember(place, Thread(room=said.channel, ts=said.ts, posted_for=posted_for, at=message.at))
        return _receipt(said)

    def _follow(self, place: str, thread: Thread, message: Message) -> Receipt | None:
        """Update the card and reply; None where the card is gone.

        The update comes first, because it may be repeated without effect.
        """
        key, card = digest(message.key), {"channel": thread.room, "ts": thread.ts}
        if key == thread.replied_for:
            return Receipt(DeliveryOutcome.DELIVERED)
        if message.at >= thread.at:  # else a later message was sent before
            said = self._call("chat.update", card | self._body(message))
            if said.error in _GONE:
                return None
            if not said.ok and said.error not in _FIXED:
                return _receipt(said)
            if key == thread.posted_for:
                return Receipt(DeliveryOutcome.DELIVERED)  # the card itself, once more
        # A reply alone reaches only those who follow the thread: what nobody takes care of is shown in the room as well.
        posted = {"channel": thread.room, "thread_ts": thread.ts, "reply_broadcast": chat.is_open(message)}
        said = self._call("chat.postMessage", posted | reply(message))
        if said.ok:
            self._remember(place, replace(thread, at=max(message.at, thread.at), replied_for=key))
        return None if said.error in _GONE else _receipt(said)

    def _body(self, message: Message) -> dict[str, Any]:
        return body(message, answers=self._answers)

    def _remember(self, place: str, thread: Thread) -> None:
        """Keep where the card is; Slack has taken the message already, so an error here must not repeat it."""
        if not thread.ts:
            return
        try:
            self._threads.put(place, thread)
        except AiaError as error:
            log.warning(
                "thread not kept, the next message is a new card: %s", error, extra=logs.fields(channel=self._name)
            )

    def _call(self, method: str, request: dict[str, Any]) -> _Said:
        """Call a method of the Web API.

        Raises:
            LimitedError: not before an instant.
            UnavailableError: Slack does not answer, or has a fault of its own.
        """
        says = {"Authorization": f"Bearer {self._token}"}
        answer = post(self._name, f"{self._api}/{method}", _encoder.encode(request), seconds=self._seconds, says=says)
        check_passing(self._name, answer, self._clock())
        if answer.status != _OK:
            return _Said(ok=False, error=f"HTTP {answer.status}")
        try:
            said = _decoder.decode(answer.body)
        except (ValueError, RecursionError):
            raise UnavailableError(f"channel {self._name}: answered {answer.status} without 'ok'") from None
        if not said.ok and said.error in _LIMITED:
            check_passing(self._name, replace(answer, status=TOO_MANY), self._clock())
        if not said.ok and said.error in _PASSING:
            raise UnavailableError(f"channel {self._name}: answered {said.error}")
        return said if said.ok or is_code(said.error) else _Said(ok=False, error="an error without a name")


def is_code(text: str) -> bool:
    """Whether a text is one of Slack's error codes, and not something that may have a secret in it."""
    return _CODE.fullmatch(text) is not None


def _receipt(said: _Said) -> Receipt:
    return Receipt(DeliveryOutcome.DELIVERED) if said.ok else Receipt(DeliveryOutcome.REFUSED, said.error)
