"""From the bytes of a body to its JSON, each step with a limit: compression, and forms with a field `payload`."""

import json
import zlib
from typing import Final
from urllib.parse import parse_qsl

from functions.alert_intake.reading import UnreadableError

LARGEST: Final = 8_000_000
"""Bytes of a body that is read, as it is sent and unpacked."""
_MOST_FIELDS = 100
_GZIP = b"\x1f\x8b"
_AUTOMATIC = zlib.MAX_WBITS | 32
"""Has zlib recognise gzip and zlib by their headers."""
_FORM = "application/x-www-form-urlencoded"


def is_packed(body: bytes, encoding: str | None) -> bool:
    """Whether a body is compressed, by its header or as gzip begins: some senders leave the header out."""
    return body.startswith(_GZIP) or (encoding or "identity").lower() != "identity"


def plain(body: bytes, encoding: str | None, mimetype: str) -> bytes:
    """The body without compression, and what a form has in its field `payload`; a form without one as an object.

    Raises:
        UnreadableError: it is not compressed so, or too large when it is unpacked.
    """
    if is_packed(body, encoding):
        body = _inflated(body)
    return _form(body) if mimetype == _FORM or body.startswith(b"payload=") else body


def too_large(length: int | None) -> str:
    """Why a body is too large."""
    return f"body: must be at most {LARGEST} bytes" + (f", got {length}" if length is not None else "")


def _inflated(body: bytes) -> bytes:
    inflater = zlib.decompressobj(_AUTOMATIC)
    try:
        data = inflater.decompress(body, LARGEST + 1)
    except zlib.error as error:
        raise UnreadableError(f"body: must be gzip: {error}") from error
    if len(data) > LARGEST:
        raise UnreadableError(f"body: must be at most {LARGEST} bytes when it is unpacked")
    if not inflater.eof:
        raise UnreadableError("body: must be whole gzip, its end is missing")
    return data


def _form(body: bytes) -> bytes:
    try:
        fields = dict(parse_qsl(body.decode(errors="replace"), max_num_fields=_MOST_FIELDS))
    except ValueError as error:
        raise UnreadableError(f"body: must be a form of at most {_MOST_FIELDS} fields: {error}") from error
    if not fields:
        return body
    return (fields.get("payload") or json.dumps(fields)).encode(errors="replace")
