"""Cloud Logging's client, as far as the actions use it."""

import functools
import os
import time
from dataclasses import dataclass
from typing import Any

from google.cloud.audit.audit_log_pb2 import AuditLog
from google.cloud.logging_v2.services.logging_service_v2 import LoggingServiceV2Client
from google.cloud.logging_v2.services.logging_service_v2.transports import LoggingServiceV2GrpcTransport
from google.cloud.logging_v2.types import ListLogEntriesRequest, ListLogEntriesResponse
from google.logging.type.log_severity_pb2 import (  # type: ignore[import-untyped]  # published without type information
    LogSeverity,
)

from core.errors import UnavailableError
from functions.adapters import request_deadline
from functions.adapters.actions.calls import PATIENCE, answers, channel, limits
from functions.adapters.actions.log_lines import Line

_FIELDS = ("message", "msg", "error", "exception", "stack_trace")
_AUDIT_LOG = f"/{AuditLog.DESCRIPTOR.full_name}"


@dataclass(frozen=True, slots=True)
class Found:
    """Lines, the newest first, and whether there may be older ones."""

    lines: tuple[Line, ...]
    more: bool


class Logs:
    """The logs of a project.

    Args:
        project: whose logs they are.
        endpoint: `host:port` of a server without TLS in Google's place.
        patience: seconds that an attempt may take, that a call is repeated for, and after which no further one is made.
    """

    def __init__(self, project: str, *, endpoint: str = "", patience: float = PATIENCE) -> None:
        self._project = project
        self._endpoint = endpoint
        self._patience = patience

    def newest(self, selection: str, most: int, what: str) -> Found:
        """The newest lines of a filter, or those that arrive in time.

        Args:
            selection: in Cloud Logging's query language.
            most: how many.
            what: they are, for errors.
        """
        until = time.monotonic() + request_deadline.within(self._patience)
        lines: list[Line] = []
        request = ListLogEntriesRequest(
            resource_names=[f"projects/{self._project}"], filter=selection, order_by="timestamp desc", page_size=most
        )
        while True:
            try:
                page = self._page(request, what)
            except UnavailableError:
                if not lines:  # what has been found is worth more than another attempt
                    raise
                break
            lines += [Line(LogSeverity.Name(entry.severity), text_of(entry)) for entry in page.entries]
            request.page_token = page.next_page_token
            if not page.next_page_token or len(lines) >= most or time.monotonic() > until:
                break
        return Found(tuple(lines[:most]), more=bool(request.page_token) or len(lines) > most)

    def _page(self, request: ListLogEntriesRequest, what: str) -> ListLogEntriesResponse:
        """One answer. It may hold a token and no entry, where the search has not come to an end."""
        with answers(what):
            pages = self._client.list_log_entries(request=request, **limits(self._patience)).pages
            return next(iter(pages))

    @functools.cached_property
    def _client(self) -> LoggingServiceV2Client:
        if self._endpoint:
            return LoggingServiceV2Client(transport=LoggingServiceV2GrpcTransport(channel=channel(self._endpoint)))
        return LoggingServiceV2Client()


def connect() -> Logs:
    """Cloud Logging as the environment has it: GOOGLE_CLOUD_PROJECT at AIA_LOGGING_ENDPOINT, or at Google's own."""
    return Logs(os.environ["GOOGLE_CLOUD_PROJECT"], endpoint=os.environ.get("AIA_LOGGING_ENDPOINT", ""))


def text_of(entry: Any) -> str:  # noqa: ANN401 - Google publishes no types
    """The message of an entry, whichever of its payloads holds it."""
    if entry.text_payload:
        return str(entry.text_payload)
    if entry.json_payload:
        return _text(entry.json_payload)
    return _audited(entry.proto_payload) if entry.proto_payload else ""


def _text(payload: Any) -> str:  # noqa: ANN401 - Google publishes no types
    """The field of a structured line that says what happened; all that are texts where none is known to."""
    said = next((payload[name] for name in _FIELDS if payload.get(name)), payload)
    if isinstance(said, str):
        return said
    fields = said if hasattr(said, "items") else payload
    return " ".join(sorted(f"{name}={value}" for name, value in fields.items() if isinstance(value, str)))


def _audited(payload: Any) -> str:  # noqa: ANN401 - Google publishes no types
    """The summary of an audit log: the method, and why it was refused."""
    if not payload.type_url.endswith(_AUDIT_LOG):
        return str(payload.type_url.rpartition("/")[2])
    audit = AuditLog.FromString(payload.value)
    return f"{audit.status.message} ({audit.method_name})"
