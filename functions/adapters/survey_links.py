"""Links to a question: signed, bound to the group, the question and the respondent, and expiring.

A link is `ADDRESS/survey?token=TOKEN`, a token of `signed_tokens`. It names the respondent by a keyed hash only, so that neither the link
nor the answer says who that is, and all answers of one person are known to be theirs.
"""

import hashlib
import hmac
from typing import Annotated, Literal

import msgspec

from functions.adapters.signed_tokens import LATEST, Expiring

LONGEST_SUBJECT = 80
"""Characters of what a question is about."""


class SurveyLink(Expiring, frozen=True, kw_only=True, tag="survey"):
    """What a link says.

    Attributes:
        stakeholder: the group of who is asked.
        question: which question.
        about: what it is about, as in `the ML platform`.
        respondent: the keyed hash of who is asked.
        asked_at: seconds since 1970.
    """

    stakeholder: Literal["executive", "technical", "operations", "business"]
    question: Literal["nps", "csat"]
    about: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_SUBJECT)]
    respondent: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$")]
    asked_at: Annotated[int, msgspec.Meta(ge=0, le=LATEST)]


def respondent_hash(who: str, secret: str) -> str:
    """The keyed hash of a respondent, such as an address: the same for any spelling of it in capitals.

    >>> respondent_hash("Ada@example.com ", "key") == respondent_hash("ada@example.com", "key")
    True
    """
    return hmac.new(secret.encode(), who.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]
