"""Calls of Google's APIs: their timeouts, and their errors as ours."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import grpc
from google.api_core import exceptions as api
from google.api_core.retry import Retry, if_exception_type
from google.auth import exceptions as auth

from core.errors import ActionError, UnavailableError
from core.settings.response import Resource
from functions.adapters import request_deadline

PATIENCE = 5.0
"""Seconds that a call is repeated for while nothing answers, and seconds that each attempt may take: 10 at most."""
LONGEST_REASON = 300
"""Characters of what Google answered that an error carries."""
_LATER = (
    api.ServerError,
    api.TooManyRequests,
    api.Aborted,
    api.Cancelled,
    api.RetryError,
    auth.TransportError,
)


def limits(patience: float) -> dict[str, Any]:
    """The arguments of a call of a Google client now: a repetition is safe, since every change carries an etag or an id.

    Args:
        patience: seconds, or what is left of the request.

    Raises:
        DeadlineError: nothing is left.
    """
    seconds = request_deadline.within(patience)
    passing = if_exception_type(api.ServiceUnavailable)
    return {"retry": Retry(predicate=passing, initial=0.2, maximum=2.0, timeout=seconds), "timeout": seconds}


def channel(endpoint: str) -> grpc.Channel:
    """A connection to a server without TLS in Google's place."""
    return grpc.insecure_channel(endpoint)


@contextmanager
def answers(resource: str) -> Iterator[None]:
    """Turn the errors of Google's clients into ours, which name the resource.

    Raises:
        UnavailableError: it does not answer, is overloaded, or a concurrent write won; a retry may help.
        ActionError: it refuses, and would refuse again.
    """
    try:
        yield
    except api.MethodNotImplemented as error:
        raise ActionError(f"{resource}: refused: {reason(error)}") from error
    except _LATER as error:
        raise request_deadline.no_answer(f"{resource}: does not answer: {reason(error)}") from error
    except auth.RefreshError as error:
        kind = UnavailableError if error.retryable else ActionError
        raise kind(f"{resource}: no credentials: {reason(error)}") from error
    except (api.GoogleAPICallError, auth.GoogleAuthError) as error:
        raise ActionError(f"{resource}: refused: {reason(error)}") from error


def reason(error: Exception) -> str:
    """The type and message of an error, in one line."""
    said = " ".join(str(getattr(error, "message", error)).split())
    return f"{type(error).__name__}: {said}"[:LONGEST_REASON]


def lookup(resources: Mapping[str, Resource], target: str, field: str) -> str:
    """The cloud resource of a target.

    Raises:
        ActionError: the settings do not say.
    """
    value: str = getattr(resources.get(target, Resource()), field)
    if not value:
        raise ActionError(f"resources.{target}.{field}: must be given for this action, got {value!r}")
    return value


def short(name: str) -> str:
    """The last part of a resource's name.

    >>> short("projects/p/locations/us-central1/services/web")
    'web'
    """
    return name.rpartition("/")[2]


def digest(text: str) -> str:
    """A text as a label or an identifier may spell it: 32 hexadecimal digits.

    >>> digest("inc-1:2:rollback_model:model/flights")
    '429022c94b2b3cbc23747e5936ad5256'
    """
    return hashlib.sha256(text.encode()).hexdigest()[:32]
