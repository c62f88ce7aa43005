"""The person that Identity-Aware Proxy has signed in, by the assertion that it signs for each request (ES256).

It also sends the address in `X-Goog-Authenticated-User-Email`, which anybody can send who reaches the service by another
way: only the signed assertion is believed (https://cloud.google.com/iap/docs/signed-headers-howto).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from werkzeug.exceptions import Unauthorized

from functions.runtime import tokens
from functions.runtime.hosts import Headed
from functions.runtime.tokens import Cached, Fetch, open_fetch

HEADER = "X-Goog-IAP-JWT-Assertion"
KEYS = "https://www.gstatic.com/iap/verify/public_key"
"""The public keys that it signs with, by their id, as PEM."""
LONGEST_ADDRESS = 254
"""Characters of an e-mail address (RFC 5321)."""
_ISSUER = "https://cloud.google.com/iap"
_SKEW_SECONDS = 30
_FRESH_SECONDS = 300
"""How long the keys are cached: a new one signs soon after it is published."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Iap:
    """Identity-Aware Proxy before this service.

    Attributes:
        audience: of its assertions, as in `/projects/NUMBER/global/backendServices/ID`.
        keys: the URL of its public keys.
        fetch: fetches them.
    """

    audience: str
    keys: str = KEYS
    fetch: Fetch = field(default_factory=lambda: Cached(open_fetch(), seconds=_FRESH_SECONDS))

    def person(self, request: Headed) -> str:
        """The e-mail address of the person who is signed in.

        Raises:
            Unauthorized: there is no valid assertion.
            UnavailableError: the keys cannot be fetched.
        """
        address = self._claims(request.headers.get(HEADER) or "").get("email")
        if not isinstance(address, str) or not 1 <= len(address) <= LONGEST_ADDRESS or not address.isprintable():
            raise Unauthorized(f"{HEADER}: must name a person")
        return address.lower()

    def _claims(self, assertion: str) -> Mapping[str, object]:
        claims = tokens.verified(
            assertion, audience=self.audience, keys=self.keys, fetch=self.fetch, skew=_SKEW_SECONDS
        )
        if claims is None:
            raise Unauthorized(f"{HEADER}: must be signed by Identity-Aware Proxy for this service")
        if claims.get("iss") != _ISSUER:
            raise Unauthorized(f"{HEADER}: must be issued by {_ISSUER}")
        return claims


def open_iap(environment: Mapping[str, str]) -> Iap | None:
    """Identity-Aware Proxy, where `AIA_IAP_AUDIENCE` says that it stands before the service."""
    audience = environment.get("AIA_IAP_AUDIENCE", "")
    return Iap(audience=audience) if audience else None
