"""The API of Kubernetes on the control planes of clusters, with the access token of the function's account; none is sent to this machine."""

from http import HTTPStatus
from typing import Any, TypeVar

import msgspec
from urllib3.util import parse_url

from core.errors import ActionError, UnavailableError
from core.settings.response import Resource
from core.text import clean
from functions.adapters import request_deadline
from functions.adapters.identity import TOKENS, NoTokenError, Tokens
from functions.adapters.net import Deadline, trusting_only
from functions.adapters.notify.http_client import Answer, send

PATIENCE = 10.0
"""Seconds that one request may take, with its token."""
LARGEST = 4_000_000
"""Bytes of an answer; etcd stores objects of up to 1.5 MiB."""
_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS)

T = TypeVar("T")


class Clusters:
    """The control planes that resources name.

    Args:
        patience: seconds that one request may take.
        tokens: of the account.
    """

    def __init__(self, *, patience: float = PATIENCE, tokens: Tokens = TOKENS) -> None:
        self._patience = patience
        self._tokens = tokens

    def get(self, resource: Resource, path: str, kind: type[T]) -> T:
        """The object at a path; see `put`."""
        return self._send(resource, "GET", path, None, kind)

    def put(self, resource: Resource, path: str, wanted: T) -> T:
        """Replace the object at a path by one of the same version; as it is then.

        Raises:
            UnavailableError: the cluster does not answer, or somebody else changed the object meanwhile.
            ActionError: it refuses, or would refuse again.
        """
        return self._send(resource, "PUT", path, msgspec.json.encode(wanted), type(wanted))

    def _send(self, resource: Resource, method: str, path: str, body: bytes | None, kind: type[T]) -> T:
        url = parse_url(f"{resource.cluster}{path}")
        where = f"{url.netloc}{path}"
        deadline = Deadline(request_deadline.within(self._patience))
        try:
            token, left = self._tokens.authorization(url, deadline), deadline.left()
        except (NoTokenError, TimeoutError) as error:
            raise UnavailableError(f"{where}: no token: {error}") from error
        context = trusting_only(resource.ca)
        answer = send(where, method, url.url, body, seconds=left, says=token, most=LARGEST, context=context)
        return _decoded(where, answer, kind)


def _decoded(where: str, answer: Answer, kind: type[T]) -> T:
    if answer.status in _LATER or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise UnavailableError(f"{where}: answered {answer.status}: {_reason(answer.body)}")
    if answer.status != HTTPStatus.OK:
        raise ActionError(f"{where}: refused: {answer.status}: {_reason(answer.body)}")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise UnavailableError(f"{where}: answered what is not documented ({error})") from error


def _reason(body: bytes) -> str:
    try:
        told: Any = msgspec.json.decode(body)["message"]
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError, RecursionError):
        return "no reason given"
    return clean(str(told))
