"""Links in mails by which a person answers: signed, bound to the person, the incident and the verb, and expiring.

A link is `ADDRESS/answer?token=TOKEN`, a token of `signed_tokens`. The page behind it has a button: following the link changes nothing, because
mail scanners follow links.
"""

import hashlib
from collections.abc import Mapping
from datetime import timedelta

from core.events import Verb
from core.incidents.messages import Message
from core.settings import Account
from functions.adapters.notify import chat
from functions.adapters.ports import Clock
from functions.adapters.signed_tokens import Expiring, sign

VALID_FOR = timedelta(hours=24)
_VERBS = (Verb.ACKNOWLEDGE, Verb.RESOLVE)
"""The verbs that a mail offers; the page has the others."""


class Link(Expiring, frozen=True, kw_only=True):
    """What a link says.

    Attributes:
        person: who may use it.
        incident_id: the incident.
        verb: what it does.
        message: the digest of the key of the message that it is in: another message has another link.
    """

    person: str
    incident_id: str
    verb: Verb
    message: str


class AnswerLinks:
    """Makes the links of mails.

    Args:
        accounts: the people, by name.
        secret: signs the links.
        url: the address of `command_intake`.
        clock: for the expiry.
    """

    def __init__(self, accounts: Mapping[str, Account], secret: str, url: str, clock: Clock) -> None:
        self._people = {one.email.lower(): name for name, one in accounts.items() if one.email}
        self._secret = secret
        self._url = url.rstrip("/")
        self._clock = clock

    def knows(self, address: str) -> bool:
        """Whether an address is that of a person."""
        return address.lower() in self._people

    def __call__(self, address: str, message: Message) -> tuple[tuple[str, str], ...]:
        """The links for an address, with their labels; none where it is nobody's, or nothing is left to answer."""
        person = self._people.get(address.lower())
        if person is None:
            return ()
        return tuple((chat.LABELS[verb], self._link(person, verb, message)) for verb in _offered(message))

    def _link(self, person: str, verb: Verb, message: Message) -> str:
        digest = hashlib.sha256(message.key.encode(errors="surrogatepass")).hexdigest()[:16]
        expires_at = int((self._clock() + VALID_FOR).timestamp())
        link = Link(person=person, incident_id=message.incident_id, verb=verb, message=digest, expires_at=expires_at)
        return f"{self._url}/answer?token={sign(link, self._secret)}"


def _offered(message: Message) -> list[Verb]:
    if len(message.incident_id) > 300 or not message.incident_id.isascii():  # noqa: PLR2004 - no id of ours
        return []
    return [verb for verb in chat.verbs(message) if verb in _VERBS]
