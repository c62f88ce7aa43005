"""Signatures of Amazon SNS: whether a message is what SNS sent, by the certificate at the address that it names.

The address must be of SNS itself, in one of its regions, over HTTPS; a redirect is not followed. So nobody else can name a certificate of
their own. Source: https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from core.errors import UnavailableError
from functions.alert_intake.reading import Json, UnreadableError, first
from functions.runtime.tokens import Fetch, open_fetch
from functions.services.sns_addresses import is_of_sns

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED: Final = {
    "Notification": _NOTIFICATION,
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}
_MOST_CERTIFICATES = 8
_LARGEST_CERTIFICATE = 20_000


@dataclass(slots=True)
class Signatures:
    """Verifies messages of SNS; the certificates are cached.

    Attributes:
        clock: whether a certificate is valid now.
        open_fetch: opens what gets a certificate, when one is needed.
    """

    clock: Callable[[], datetime]
    open_fetch: Callable[[], Fetch] = open_fetch
    _known: "dict[str, Certificate]" = field(default_factory=dict)

    def check(self, body: Json) -> None:
        """Check the signature of a message in the envelope of SNS; anything else passes.

        Raises:
            UnreadableError: SNS did not sign it so.
            UnavailableError: its certificate cannot be fetched now.
        """
        if not isinstance(body, dict) or first(body, "Type") not in _SIGNED:
            return
        if "TopicArn" not in body and "SubscribeURL" not in body:
            return  # of another system
        if not self._is_signed(body):
            raise UnreadableError(f"SNS: must be signed by Amazon, topic {first(body, 'TopicArn')[:200]!r}")

    def _is_signed(self, body: Mapping[str, Json]) -> bool:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only where SNS sends
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.hashes import SHA1, SHA256  # noqa: PLC0415 - as above

        algorithm = {"1": SHA1, "2": SHA256}.get(first(body, "SignatureVersion"))
        if algorithm is None:
            return False
        certificate = self._certificate(first(body, "SigningCertURL"))
        key = certificate.public_key() if certificate else None
        if not isinstance(key, RSAPublicKey):
            return False
        try:
            signature = base64.b64decode(first(body, "Signature"), validate=True)
            key.verify(signature, signed_text(body), PKCS1v15(), algorithm())
        except (InvalidSignature, ValueError):
            return False
        return True

    def _certificate(self, url: str) -> "Certificate | None":
        """The valid certificate at an address of SNS, or None."""
        from cryptography import x509  # noqa: PLC0415 - as above

        if not is_of_sns(url) or not urlsplit(url).path.endswith(".pem"):
            return None
        if url not in self._known:
            try:
                found = x509.load_pem_x509_certificate(self._fetched(url))
            except ValueError:
                return None
            if len(self._known) >= _MOST_CERTIFICATES:
                self._known.pop(next(iter(self._known)))
            self._known[url] = found
        found = self._known[url]
        return found if found.not_valid_before_utc <= self.clock() <= found.not_valid_after_utc else None

    def _fetched(self, url: str) -> bytes:
        """What is at an address; empty where there is nothing, or a redirect."""
        from google.auth.exceptions import TransportError  # noqa: PLC0415 - as above

        try:
            answer = self.open_fetch()(url, method="GET", allow_redirects=False)
        except TransportError as error:
            raise UnavailableError(f"certificate of SNS: {error}") from error
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise UnavailableError(f"certificate of SNS: status {answer.status}")
        data: bytes = answer.data
        return data if answer.status == HTTPStatus.OK and len(data) <= _LARGEST_CERTIFICATE else b""


def signed_text(body: Mapping[str, Json]) -> bytes:
    """What SNS signs of a message: its fields with their names, each on a line; a subject only where there is one."""
    names = [name for name in _SIGNED[first(body, "Type")] if isinstance(body.get(name), str)]
    return "".join(f"{name}\n{body[name]}\n" for name in names).encode(errors="replace")
