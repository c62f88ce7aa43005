"""Who asks: a person by Identity-Aware Proxy, by an identity token of Google, or by an API token; or whoever has the local session."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from werkzeug.exceptions import Unauthorized

from core.access import Role
from functions.api.request import Request
from functions.api.services import Services
from functions.api.tokens import PREFIX
from functions.runtime import tokens
from functions.runtime.iap import HEADER
from functions.runtime.tokens import Cached, Fetch, open_fetch

Identify = Callable[[Request], str]
"""The person of a request, empty where there is none; raises `Unauthorized` where one must be known."""
CALLER, ADDRESS, AGAIN = "caller", "address", "again"
"""In the state of a connection: who asks, from where, and what finds out again whether they still may."""
CERTIFICATES = "https://www.googleapis.com/oauth2/v1/certs"
"""The certificates that Google signs identity tokens with."""
_ISSUERS = frozenset({"https://accounts.google.com", "accounts.google.com"})
_DOTS = 2
_SKEW_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks.

    Attributes:
        person: empty where nobody is known.
        verified: whether the identity was verified.
        role: the most that the token of the request may do; None where it has none.
        until: when what shows who it is expires; None where that is not known.
        unproven: whether people are verified here, and this one was not.
        token: the id of the API token of the request; empty where it has none.
    """

    person: str = ""
    verified: bool = False
    role: Role | None = None
    until: datetime | None = None
    unproven: bool = False
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """Finds out who asks.

    Attributes:
        identify: gives the person; None where nobody is verified.
        verified: whether `identify` verifies several people; else it knows one, who runs the local system.
        services: has the API tokens.
    """

    identify: Identify | None
    verified: bool
    services: Callable[[], Services]

    @property
    def _verifies(self) -> bool:
        return self.identify is not None and self.verified

    def of(self, request: Request) -> Caller:
        """Who asks; raises as `Identify` and `Tokens.holder` do."""
        if (token := bearer(request)).startswith(PREFIX):
            holder = self.services().tokens.holder(token)
            unproven = self._verifies and not holder.verified
            return Caller(holder.person, holder.verified, holder.role, holder.until, unproven, holder.id)
        person = self.identify(request) if self.identify else ""
        if not person or not self.verified:
            return Caller(person, unproven=self._verifies)
        shown = (tokens.expiry(one) for one in (request.headers.get(HEADER) or "", token))
        return Caller(person, verified=True, until=min((one for one in shown if one), default=None))


@dataclass(frozen=True, slots=True, kw_only=True)
class IdTokens:
    """Identity tokens that Google signs for people and service accounts.

    Attributes:
        audience: that they must be for.
        otherwise: who asks without one; None where that is nobody.
        keys: the URL of the certificates.
        fetch: fetches them.
    """

    audience: str
    otherwise: Identify | None = None
    keys: str = CERTIFICATES
    fetch: Fetch = field(default_factory=lambda: Cached(open_fetch()))

    def person(self, request: Request) -> str:
        """As `Identify` has it; raises `UnavailableError` where the certificates cannot be fetched."""
        token = bearer(request)
        if token.count(".") != _DOTS:
            return self.otherwise(request) if self.otherwise else ""
        claims = tokens.verified(token, audience=self.audience, keys=self.keys, fetch=self.fetch, skew=_SKEW_SECONDS)
        email = (claims or {}).get("email")
        if claims is None or claims.get("iss") not in _ISSUERS or not claims.get("email_verified"):
            raise Unauthorized(f"token: must be an identity token of Google for {self.audience}")
        if not isinstance(email, str) or not email.isprintable() or not email:
            raise Unauthorized("token: must name a person")
        return email.lower()


def open_id_tokens(environment: Mapping[str, str], otherwise: Identify | None) -> Identify | None:
    """Identity tokens besides what identifies people otherwise, where `AIA_ID_TOKEN_AUDIENCE` says whom they are for."""
    audience = environment.get("AIA_ID_TOKEN_AUDIENCE", "")
    return IdTokens(audience=audience, otherwise=otherwise).person if audience else otherwise


def credentials(request: Request) -> str:
    """What a request shows that has to be verified; empty where that is nothing, which is refused without any effort."""
    return "\n".join(filter(None, (bearer(request), request.headers.get(HEADER))))


def source_of(request: Request) -> str:
    """What a caller is looked up in, which may hang: the store by an API token, else keys that sign assertions."""
    return "api token" if bearer(request).startswith(PREFIX) else "identity"


def bearer(request: Request) -> str:
    """The bearer token of a request; empty where there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""
