"""PagerDuty as a channel: an incident is an alert of a service (Events API v2), identified by the incident's id.

202                     delivered
408, 425, 429, 5xx      not now: tried again, not before the `Retry-After` of the answer
no answer in time       not now; the same event twice has the effect of once
another 2xx             retried: the answer is not PagerDuty's
anything else           refused, with PagerDuty's reasons
"""

import hashlib
from typing import Any

import msgspec

from core.errors import UnavailableError
from core.events import Change, Severity, stamp
from core.incidents.lifecycle import ENDINGS
from core.incidents.messages import Fact, Message
from core.settings.channels import PagerdutyChannel
from functions.adapters.notify import chat
from functions.adapters.notify.channel import ChannelKind, DeliveryOutcome, Receipt
from functions.adapters.notify.http_client import Answer, check_passing, post
from functions.adapters.notify.text import fit, paragraph, redacted, web
from functions.adapters.ports import Clock

CLIENT = "aia"
LONGEST_KEY = 255
LONGEST_SUMMARY = 1024
_LONGEST_NAME = 255
_LONGEST_FACT = 2000
_LONGEST_TEXT = 8000
_MOST_FACTS = 40
"""With the limits above the body stays below the 512 KB that PagerDuty takes, whatever characters it holds."""
_ACCEPTED = 202
_ACTIONS = {
    Change.RESOLVED: "resolve",
    Change.MERGED: "resolve",
    Change.ACKNOWLEDGED: "acknowledge",
    Change.MITIGATED: "acknowledge",
}
_PAGES_ANEW = frozenset({Change.UNACKNOWLEDGED, Change.REOPENED})
"""Nobody has it any more: an alert that is acknowledged would page nobody."""
_encoder = msgspec.json.Encoder()


class PagerDuty:
    """Sends each message as one event; as two if PagerDuty does not know the incident yet.

    Args:
        setting: the integration key, a secret, and the address of the Events API.
        clock: to read a `Retry-After`.
        seconds: the timeout of a request, including a slow answer.
    """

    def __init__(self, setting: PagerdutyChannel, clock: Clock, seconds: float) -> None:
        self._name = setting.name
        self._key = setting.key
        self._url = setting.url
        self._clock = clock
        self._seconds = seconds

    def send(self, message: Message) -> Receipt:
        """Send the events of the message, up to the first that is refused."""
        return self._send(events(message))

    def send_plain_text(self, message: Message) -> Receipt:
        """Send the events with no more than PagerDuty requires, and the text of the message."""
        return self._send([_bare(event, message) for event in events(message)])

    def _send(self, sent: list[dict[str, Any]]) -> Receipt:
        for event in sent:
            body = _encoder.encode({"routing_key": self._key, **event})
            answer = post(self._name, self._url, body, seconds=self._seconds)
            check_passing(self._name, answer, self._clock())
            if 200 <= answer.status < 300 and answer.status != _ACCEPTED:  # noqa: PLR2004 - HTTP's own boundaries
                raise UnavailableError(f"channel {self._name}: answered {answer.status}, must be {_ACCEPTED}")
            if answer.status != _ACCEPTED:
                return Receipt(DeliveryOutcome.REFUSED, _refusal(answer, self._key))
        return Receipt(DeliveryOutcome.DELIVERED)


def calls(message: Message) -> int:
    """How many events the message is."""
    return len(events(message))


KIND: ChannelKind[PagerdutyChannel] = ChannelKind(
    open=lambda setting, context: PagerDuty(setting, context.clock, context.seconds), calls=calls
)


def events(message: Message) -> list[dict[str, Any]]:
    """The events of a message, without the routing key.

    PagerDuty drops an acknowledgement or a resolution of an unknown incident. So if the receiver missed earlier
    messages, a trigger is sent first: for a resolved incident at the lowest severity, so that the history has it and
    nobody is paged. Events cannot take back an acknowledgement: where nobody has the incident any more, where it is reopened, or
    where somebody may have had it before a message that was missed, it is resolved there and triggered anew, which pages. At a
    reopening the alert may be open still: an expiry did not resolve it, and a resolution may have been dropped.

    An expiry is no event: whether the fault is over is not known. A resolution would silence the pager, and a trigger would
    page again for an alert that a person resolved. The alert stays open until a person or the source ends it; where
    PagerDuty missed it, it is triggered.
    """
    if message.change is Change.EXPIRED and not message.missed:
        return []
    action, key = _ACTIONS.get(message.change), dedup_key(message.incident_id)
    if action is None:
        again = message.missed or message.change in _PAGES_ANEW
        end = [{"event_action": "resolve", "dedup_key": key}] if again else []
        return [*end, _trigger(message, message.severity)]
    over = {"event_action": action, "dedup_key": key}
    if not message.missed:
        return [over]
    return [_trigger(message, Severity.INFO if message.change in ENDINGS else message.severity), over]


def dedup_key(incident_id: str) -> str:
    """The incident's id; of one that is too long the beginning, and a hash of it all.

    >>> dedup_key("model-flight-delay-20260102-1a2b3c4d")
    'model-flight-delay-20260102-1a2b3c4d'
    >>> len(dedup_key("x" * 300))
    255
    """
    if incident_id.strip() and len(incident_id) <= LONGEST_KEY and incident_id.isascii() and incident_id.isprintable():
        return incident_id
    digest = hashlib.sha256(incident_id.encode(errors="surrogatepass")).hexdigest()
    start = "".join(sign for sign in incident_id if sign.isascii() and sign.isprintable())
    return f"{start[: LONGEST_KEY - len(digest) - 1]}-{digest}"


def _trigger(message: Message, severity: Severity) -> dict[str, Any]:
    kind, _, name = message.target.partition("/")
    url = web(message.url)
    payload = {
        "summary": fit(message.title, LONGEST_SUMMARY) or "Incident",
        "source": fit(message.target, _LONGEST_NAME) or "unknown",
        "severity": severity.value,
        "timestamp": stamp(message.at),
        "component": fit(name, _LONGEST_NAME),
        "group": fit(kind, _LONGEST_NAME),
        "class": fit(message.category, _LONGEST_NAME),
        "custom_details": _details(message),
    }
    event = {
        "event_action": "trigger",
        "dedup_key": dedup_key(message.incident_id),
        "payload": {name: value for name, value in payload.items() if value},
        "client": CLIENT,
    }
    shown = ((url, "The incident: see and acknowledge it"), (web(message.runbook), "Runbook: what to do"))
    links = [{"href": href, "text": text} for href, text in shown if href]
    return event | ({"client_url": url} if url else {}) | ({"links": links} if links else {})


def _bare(event: dict[str, Any], message: Message) -> dict[str, Any]:
    """The event without links and details; only a trigger has any."""
    if event["event_action"] != "trigger":
        return event
    payload = {name: event["payload"][name] for name in ("source", "severity")}
    payload["summary"] = fit(chat.plain_text(message), LONGEST_SUMMARY)
    return {name: event[name] for name in ("event_action", "dedup_key")} | {"payload": payload}


def _details(message: Message) -> dict[str, str]:
    details = {"Change": message.change.value}
    for fact in message.facts[:_MOST_FACTS]:
        details[_unused(fact, details)] = fit(fact.text, _LONGEST_FACT)
    if message.runbook and not web(message.runbook):
        details["Runbook"] = fit(message.runbook, _LONGEST_FACT)
    return details | {"Message": paragraph(message.text, _LONGEST_TEXT)}


def _unused(fact: Fact, details: dict[str, str]) -> str:
    """The fact's name; where another has it already, with a number."""
    name = fit(fact.name, _LONGEST_NAME) or "Fact"
    return next(key for key in (name, *(f"{name} ({n})" for n in range(2, _MOST_FACTS + 3))) if key not in details)


class _Refusal(msgspec.Struct):
    message: str = ""
    errors: list[str] = []


_decoder = msgspec.json.Decoder(_Refusal)


def _refusal(answer: Answer, key: str) -> str:
    try:
        said = _decoder.decode(answer.body)
    except (ValueError, RecursionError):
        return f"HTTP {answer.status}"
    reasons = "; ".join((said.message, *said.errors)) if said.errors else said.message
    return fit(redacted(f"HTTP {answer.status}: {reasons}", key), 300) if reasons else f"HTTP {answer.status}"
