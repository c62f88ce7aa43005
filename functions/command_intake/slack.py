"""Clicks on buttons of Slack messages: a form with a `payload` of type `block_actions`.

A click is answered with 200 within three seconds; Slack shows nothing of the body, so that what the person must know is posted
to the `response_url` of the click, as a message that only they see. 503 makes Slack tell the person that it failed.

Sources: docs.slack.dev, "Handling user interaction" and "block_actions payload".
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

import flask
import msgspec

from core.errors import AiaError
from core.events import Verb
from core.settings import Account
from functions.adapters import logs
from functions.adapters.notify import chat
from functions.adapters.notify.http_client import post
from functions.command_intake import signatures
from functions.command_intake.commands import Commands
from functions.command_intake.reply import Outcome, empty, error

VERBS = frozenset(chat.LABELS)
_PATIENCE = 1.0
"""Seconds for the message that only the person sees; with those for the bus less than the three that Slack waits."""
log = logging.getLogger(__name__)


class _User(msgspec.Struct):
    id: str = ""


class _Action(msgspec.Struct):
    action_id: str = ""
    action_ts: str = ""
    value: str = ""


class _Payload(msgspec.Struct):
    type: str
    user: _User = msgspec.field(default_factory=_User)
    actions: list[_Action] = []
    response_url: str = ""


_decoder = msgspec.json.Decoder(_Payload)


@dataclass(frozen=True, slots=True)
class Slack:
    """Takes clicks.

    Attributes:
        secret: the signing secret of the app.
        accounts: the people, by name.
        commands: publishes.
    """

    secret: str
    accounts: Mapping[str, Account]
    commands: Commands

    def __call__(self, request: flask.Request, body: bytes) -> Outcome:
        """Answer a request of Slack.

        Raises:
            AiaError: the store or the bus does not answer.
        """
        timestamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        now = self.commands.clock()
        if not signatures.slack(self.secret, body, timestamp=timestamp, signature=signature, now=now):
            return "refused", error(401, "X-Slack-Signature: must be of this app, at most five minutes old")
        try:
            payload = _decoder.decode(parse_qs(body.decode(), max_num_fields=10).get("payload", ["{}"])[0])
        except (ValueError, RecursionError) as fault:
            return "parked", error(400, f"payload: {fault}")
        for action in payload.actions if payload.type == "block_actions" else ():
            self._click(payload, action, signatures.sent_at(timestamp))
        return "done", empty()

    def _click(self, payload: _Payload, action: _Action, sent_at: datetime) -> None:
        """Publish the command of a click; buttons that are links arrive as well, and do nothing."""
        if action.action_id not in VERBS:
            return
        verb, user = Verb(action.action_id), payload.user.id
        person = next((name for name, one in self.accounts.items() if one.slack and one.slack == user), "")
        if not person:
            log.warning("nobody of the settings: Slack member %s", user[:40], extra=logs.fields(verb=verb))
            text = "Nothing was done: you are not among the people of the settings (accounts). Your member id is "
            self._tell(payload, f"{text}{user[:40]}.")
            return
        if reason := self.commands.why_not(action.value, verb):
            self._tell(payload, reason)
            return
        delivery = f"slack:{user}:{action.action_id}:{action.value}:{action.action_ts}"
        at = _instant(action.action_ts) or sent_at
        self.commands.publish(delivery, verb=verb, incident_id=action.value, by=person, at=at)

    def _tell(self, payload: _Payload, text: str) -> None:
        """Show the person a message that nobody else sees; where that fails, the click changed nothing anyway."""
        if not payload.response_url:
            return
        said = {"response_type": "ephemeral", "replace_original": False, "text": text}
        try:
            post("slack", payload.response_url, msgspec.json.encode(said), seconds=_PATIENCE, heed=False)
        except AiaError as fault:
            log.warning("person not informed: %s", fault)


def _instant(ts: str) -> datetime | None:
    """The instant of a timestamp of Slack, as in `1548426417.840180`."""
    try:
        return datetime.fromtimestamp(float(ts), UTC)
    except (ValueError, OverflowError, OSError):
        return None
