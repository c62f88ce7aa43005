"""Structured logs as Cloud Logging reads them: one JSON object per line, with severity, trace and fields.

Fields are written unchanged, so pass no secrets: settings have names of secrets, never their values.
"""

import json
import logging
import os
import sys
import time
from contextvars import ContextVar
from typing import Any

_trace: ContextVar[str] = ContextVar("trace", default="")
_function: ContextVar[str] = ContextVar("function", default="")
_request_id: ContextVar[str] = ContextVar("request_id", default="")
_SEVERITY = {"WARN": "WARNING", "FATAL": "CRITICAL", "NOTSET": "DEFAULT"}


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; extra fields come from `extra={"fields": {...}}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record's line."""
        entry: dict[str, Any] = {
            "severity": _SEVERITY.get(record.levelname, record.levelname),
            "message": record.getMessage(),
            "logger": record.name,
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S") + f".{int(record.msecs):03d}Z",
        }
        if function := _function.get():
            entry["function"] = function
        entry |= getattr(record, "fields", {})
        if request_id := _request_id.get():
            entry["request_id"] = request_id
        if trace := _trace.get():
            entry["logging.googleapis.com/trace"] = trace
        if record.exc_info:
            entry["stack_trace"] = self.formatException(record.exc_info)
        return json.dumps(entry, default=str, ensure_ascii=False)


def setup(level: str | None = None) -> None:
    """Write the logs of this process as JSON to standard error; idempotent."""
    formatter = JsonFormatter()
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level or os.environ.get("LOG_LEVEL", "INFO"))


def set_trace(header: str, project: str) -> None:
    """Set the trace of the current request, from its `X-Cloud-Trace-Context` or `traceparent` header."""
    trace = header.split("-")[1] if header.startswith("00-") else header.split("/", maxsplit=1)[0]
    _trace.set(f"projects/{project}/traces/{trace}" if trace and project else "")


def set_request_id(identifier: str) -> None:
    """Set the id of the current request."""
    _request_id.set(identifier)


def request_id() -> str:
    """The id of the current request; empty where it has none."""
    return _request_id.get()


def set_function(name: str) -> None:
    """Set the function of the current request, if one process serves several."""
    _function.set(name)


def fields(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - any value JSON can hold
    """The `extra` argument of a log call: `log.info("opened", extra=fields(incident=id))`."""
    return {"fields": values}
