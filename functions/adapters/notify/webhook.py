"""A webhook as a channel: each message is POSTed as a JSON object, signed where there is a secret.

2xx                     delivered
408, 425, 429, 5xx      not now: tried again, not before the `Retry-After` of the answer
no answer in time       not now
anything else           refused: sending it again would not help
"""

import hashlib
import hmac

import msgspec

from core.incidents.messages import Message
from functions.adapters.notify.port import Outcome, Receipt
from functions.adapters.notify.post import SECONDS, check_passing, post
from functions.adapters.notify.text import encodable
from functions.adapters.ports import Clock

_encoder = msgspec.json.Encoder()


class Webhook:
    """POSTs each message to one address.

    Args:
        name: the channel's name, for errors and logs.
        url: the address; it may hold a secret, so that it is never logged.
        clock: for the signature, and to read a `Retry-After`.
        seconds: until an answer counts as none, however slowly it comes.
        secret: what the receiver knows as well, to tell that the message is ours; not signed where there is none.
    """

    def __init__(self, name: str, url: str, clock: Clock, seconds: float = SECONDS, secret: str = "") -> None:
        self._name = name
        self._url = url
        self._clock = clock
        self._seconds = seconds
        self._secret = secret

    def send(self, message: Message) -> Receipt:
        """POST the message."""
        body = payload(message)
        said = signed(self._secret, body, int(self._clock().timestamp())) if self._secret else {}
        answer = post(self._name, self._url, body, seconds=self._seconds, says=said, heed=False)
        check_passing(self._name, answer, self._clock())
        if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP's own boundaries
            return Receipt(Outcome.DELIVERED)
        return Receipt(Outcome.REFUSED, f"HTTP {answer.status}")


def payload(message: Message) -> bytes:
    """The body of the request: every field of the message but `channel`."""
    fields = msgspec.to_builtins(message)
    del fields["channel"]
    return _encoder.encode(encodable(fields))


def signed(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers by which the receiver knows who sent the body, and when (seconds since 1970)."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Aia-Timestamp": str(timestamp), "X-Aia-Signature": f"v1={digest}"}
