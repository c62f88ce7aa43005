"""Webhooks of PagerDuty (v3): what a person does to an incident there is done here.

incident.acknowledged, unacknowledged, resolved, reopened       by a person of the settings, on an incident of ours
the same by anybody or anything else                            nothing; an event of our own integration has no user as its agent
incident.resolved, because a person merged it into another one  nothing: PagerDuty moves our alert there, and it fires still
any other event                                                 nothing

The answer is 200 where there is nothing to do, since PagerDuty drops a webhook that gets a 4xx; 503 or 429 makes it try again, for up
to 48 hours. No time is signed, so that a webhook could be replayed at any time: each event is published once, and none that is
older than PagerDuty would still try to deliver.

Sources: PagerDuty/developer-docs, `docs/webhooks/01-Overview.md`, `02-Behavior.md`; `ResolveReason` of the REST API.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

import flask
import msgspec

from core.events import Verb, stamp
from core.settings import Account
from functions.adapters import logs
from functions.command_intake import signatures
from functions.command_intake.commands import Commands
from functions.command_intake.reply import Outcome, empty, error

OLDEST = timedelta(days=3)
"""Longer than PagerDuty retries, and far less than the ledger keeps what was published."""
VERBS = {
    "incident.acknowledged": Verb.ACKNOWLEDGE,
    "incident.resolved": Verb.RESOLVE,
    "incident.reopened": Verb.REOPEN,
    "incident.unacknowledged": Verb.GIVE_BACK,
}
_PERSON = "user_reference"
_MERGED = "merge_resolve_reason"
log = logging.getLogger(__name__)


class _Agent(msgspec.Struct):
    id: str = ""
    type: str = ""


class _ResolveReason(msgspec.Struct):
    type: str = ""


class _Incident(msgspec.Struct):
    incident_key: str | None = None
    resolve_reason: _ResolveReason | None = None

    @property
    def is_merged(self) -> bool:
        return self.resolve_reason is not None and self.resolve_reason.type == _MERGED


class _Event(msgspec.Struct):
    id: str
    event_type: str
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)]
    agent: _Agent | None = None
    data: _Incident | None = None


class _Webhook(msgspec.Struct):
    event: _Event


_decoder = msgspec.json.Decoder(_Webhook)


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """Takes webhooks.

    Attributes:
        secrets: of the webhook subscriptions.
        accounts: the people, by name.
        commands: publishes.
    """

    secrets: tuple[str, ...]
    accounts: Mapping[str, Account]
    commands: Commands

    def __call__(self, request: flask.Request, body: bytes) -> Outcome:
        """Answer a webhook.

        Raises:
            AiaError: the store or the bus does not answer.
        """
        if not signatures.pagerduty(self.secrets, body, request.headers.get("X-PagerDuty-Signature", "")):
            return "refused", error(401, "X-PagerDuty-Signature: must be of one of our subscriptions")
        try:
            event = _decoder.decode(body).event
        except (ValueError, RecursionError) as fault:
            return "parked", error(400, f"body: {fault}")
        self._take(event)
        return "done", empty()

    def _take(self, event: _Event) -> None:
        verb, incident, agent = VERBS.get(event.event_type), event.data, event.agent
        key = incident.incident_key if incident and not incident.is_merged else None
        if verb is None or not key or agent is None or agent.type != _PERSON:
            return
        details = logs.fields(event=event.id[:80], verb=verb)
        if self.commands.clock() - event.occurred_at > OLDEST:
            log.warning("too old: an event of %s", stamp(event.occurred_at), extra=details)
            return
        if self.commands.incident(key) is None:
            return
        user = agent.id
        person = next((name for name, one in self.accounts.items() if one.pagerduty and one.pagerduty == user), "")
        if not person:
            log.warning("nobody of the settings: PagerDuty user %s", user[:40], extra=details)
            return
        delivery = f"pagerduty:{event.id}"
        self.commands.publish(delivery, verb=verb, incident_id=key, by=person, at=event.occurred_at)
