"""The one session of the local system: reading is open on the loopback interface, acting takes the session.

Its token is in the data folder, for `aia`; a browser gets it as a cookie from the address that `aia local` prints.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response
from werkzeug.exceptions import NotFound, Unauthorized

from functions.api.request import Request

COOKIE = "aia_session"
ENTRY = "/session"
"""Where a browser gets the cookie, with `token` in the query."""
_READS = frozenset({"GET", "HEAD"})
_OPEN = frozenset({"/api/experience", "/survey"})
"""What browsers report without acting for anybody; a survey's link is signed."""
_KEPT_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The session of the person who runs the local system.

    Attributes:
        token: of the session.
        name: of the person.
    """

    token: str = field(repr=False)
    name: str

    def person(self, request: Request) -> str:
        """The person of a request; empty for one that only reads, without the session.

        Raises:
            Unauthorized: it acts, or enters, without the session.
        """
        if any(self._is_token(given) for given in _given(request)):
            return self.name
        if request.path in _OPEN or (request.method in _READS and request.path != ENTRY):
            return ""
        raise Unauthorized(
            "session: must be given; open the address that `aia local` prints, or send what is in session-token of its data "
            "folder as a bearer token, as `aia` does where AIA_DATA names that folder (.aia by default)"
        )

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self.token.encode())


def open_session(environment: Mapping[str, str]) -> Session | None:
    """The session, where `AIA_SESSION_TOKEN` is given; `AIA_SESSION_PERSON` is whose it is."""
    token = environment.get("AIA_SESSION_TOKEN", "")
    return Session(token=token, name=environment.get("AIA_SESSION_PERSON") or "local") if token else None


def enter(request: Request, person: str) -> Response:
    """To the page, with the cookie, for the person of the session; the token is in no address from then on."""
    if not person or request.verified:
        raise NotFound("session: must be that of the local system")
    response = Response(status_code=303, headers={"Location": "/"})
    response.set_cookie(
        COOKIE, request.args.get("token", ""), max_age=_KEPT_SECONDS, httponly=True, samesite="strict", path="/"
    )
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _given(request: Request) -> list[str]:
    """The tokens that a request has: as a cookie or a bearer token, or to enter, where it becomes the cookie, in the query alone."""
    if request.path == ENTRY:
        return [request.args.get("token", "")]
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    return [request.cookies.get(COOKIE, ""), bearer.strip() if scheme.lower() == "bearer" else ""]
