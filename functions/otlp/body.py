"""From the bytes of a request to its message: gzip, protobuf and JSON, each with a limit."""

import base64
import binascii
import gzip
import io
import zlib
from typing import Any, Final

import msgspec
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from functions.otlp.parts import parts_of_json, parts_of_protobuf

LARGEST: Final = 4_000_000
"""Bytes of a body as it is sent."""
LARGEST_UNPACKED: Final = 16_000_000
"""Bytes of a body that was compressed: reading takes some times as much memory."""
MOST_PARTS: Final = 300_000
"""Messages in a body: spans, attributes, values and the like. A Collector's batch of 8,192 spans with eight attributes each has 139,264."""
PROTOBUF, JSON = "application/x-protobuf", "application/json"
TYPES = {PROTOBUF: PROTOBUF, "application/protobuf": PROTOBUF, JSON: JSON}
"""Content types that are read, and what each is answered with."""
REQUESTS: dict[str, type[Message]] = {
    "traces": ExportTraceServiceRequest,
    "metrics": ExportMetricsServiceRequest,
    "logs": ExportLogsServiceRequest,
}
RESPONSES: dict[str, type[Message]] = {
    "traces": ExportTraceServiceResponse,
    "metrics": ExportMetricsServiceResponse,
    "logs": ExportLogsServiceResponse,
}
_IDS = frozenset({"traceId", "spanId", "parentSpanId"})
"""Bytes that are hexadecimal in JSON; any others are base64."""
_DEEPEST = 60
_LONGEST_REASON = 300


class MalformedError(Exception):
    """The body is not what its content type and its path say; the message says why."""


class TooLargeError(Exception):
    """The body is larger than what is read; the message has the limit."""


def unpacked(body: bytes, encoding: str) -> bytes:
    """The body without its compression.

    Raises:
        MalformedError: it is not compressed so, or in another way.
        TooLargeError: it would be too large; nothing beyond the limit was unpacked.
    """
    if encoding in ("", "identity"):
        return body
    if encoding != "gzip":
        raise MalformedError(f"content-encoding: must be gzip or identity, got {encoding[:40]!r}")
    try:
        plain = gzip.GzipFile(fileobj=io.BytesIO(body)).read(LARGEST_UNPACKED + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise MalformedError(f"body: must be gzip: {error}") from error
    if len(plain) > LARGEST_UNPACKED:
        raise TooLargeError(f"body: must be at most {LARGEST_UNPACKED} bytes when it is unpacked")
    return plain


def decoded(body: bytes, signal: str, content_type: str) -> Message:
    """The message in a body; fields that are not known are dropped.

    Args:
        body: without compression.
        signal: `traces`, `metrics` or `logs`.
        content_type: one of `TYPES`.

    Raises:
        MalformedError: there is none.
        TooLargeError: it has more than `MOST_PARTS`; it was not parsed.
    """
    message = REQUESTS[signal]()
    is_json = TYPES[content_type] == JSON
    if len(body) // 2 > MOST_PARTS:  # each has two bytes at least
        parts = parts_of_json(body) if is_json else parts_of_protobuf(body, message.DESCRIPTOR, MOST_PARTS)
        if parts > MOST_PARTS:
            raise TooLargeError(
                f"body: must have at most {MOST_PARTS} spans, points, records, attributes and values in all"
            )
    try:
        if is_json:
            given = _with_ids(msgspec.json.decode(body, type=dict[str, Any]), 0)
            json_format.ParseDict(given, message, ignore_unknown_fields=True, max_recursion_depth=_DEEPEST)
        else:
            message.ParseFromString(body)
    except DecodeError as error:
        raise MalformedError(f"body: must be {message.DESCRIPTOR.name} in protobuf: {error}") from error
    except (msgspec.MsgspecError, json_format.ParseError, ValueError, RecursionError) as error:
        raise MalformedError(f"body: must be {message.DESCRIPTOR.name} in JSON: {error}"[:_LONGEST_REASON]) from error
    return message


def encoded(message: Message, content_type: str) -> bytes:
    """A message in a content type: `PROTOBUF` or `JSON`."""
    if content_type == PROTOBUF:
        return message.SerializeToString()
    return json_format.MessageToJson(message, indent=None).encode()


def _with_ids(given: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
    """JSON whose ids are base64, as the reader of protobuf's JSON has them."""
    if depth > _DEEPEST:
        raise MalformedError(f"body: must be nested at most {_DEEPEST} deep")
    if isinstance(given, list):
        return [_with_ids(one, depth + 1) for one in given]
    if not isinstance(given, dict):
        return given
    return {name: _id(name, one) if name in _IDS else _with_ids(one, depth + 1) for name, one in given.items()}


def _id(name: str, given: Any) -> str:  # noqa: ANN401 - JSON
    try:
        return base64.b64encode(binascii.unhexlify(given)).decode()
    except (TypeError, ValueError) as error:
        raise MalformedError(f"body: {name} must be hexadecimal, got {str(given)[:40]!r}") from error
