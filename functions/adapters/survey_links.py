"""Links to a question: signed, bound to the group, the question and the respondent, and expiring.

A link is `ADDRESS/survey?token=TOKEN`, a token of `signed_tokens`. It names the respondent by a keyed hash only, so that neither the link
nor the answer says who that is, and all answers of one person are known to be theirs.
"""

import hashlib
import hmac
from datetime import UTC, datetime
from typing import Annotated, Literal

import msgspec

from functions.adapters import signed_tokens
from functions.adapters.signed_tokens import LinkError

LONGEST_SUBJECT = 80
"""Characters of what a question is about."""


class SurveyLink(msgspec.Struct, frozen=True, tag="survey"):
    """What a link says.

    Attributes:
        stakeholder: the group of who is asked.
        question: which question.
        about: what it is about, as in `the ML platform`.
        respondent: the keyed hash of who is asked.
        asked_at: seconds since 1970.
        expires_at: seconds since 1970.
    """

    stakeholder: Literal["executive", "technical", "operations", "business"]
    question: Literal["nps", "csat"]
    about: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_SUBJECT)]
    respondent: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    asked_at: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]
    expires_at: Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]


_decoder = msgspec.json.Decoder(SurveyLink)


def respondent_hash(who: str, secret: str) -> str:
    """The keyed hash of a respondent, such as an address: the same for any spelling of it in capitals.

    >>> respondent_hash("Ada@example.com ", "key") == respondent_hash("ada@example.com", "key")
    True
    """
    return hmac.new(secret.encode(), who.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]


def sign(link: SurveyLink, secret: str) -> str:
    """The token of a link."""
    return signed_tokens.sign(msgspec.json.encode(link), secret)


def verify(token: str, secret: str, now: datetime) -> SurveyLink:
    """The link of a token.

    Raises:
        LinkError: it was not signed with the secret, or has expired.
    """
    try:
        link = _decoder.decode(signed_tokens.verified(token, secret))
    except ValueError as error:
        raise LinkError("This link is not valid.") from error
    if now >= datetime.fromtimestamp(link.expires_at, UTC):
        raise LinkError("This link has expired.")
    return link
