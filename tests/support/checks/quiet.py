"""Whatever happens, a secret is neither logged nor said."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def quiet(caplog: pytest.LogCaptureFixture, *secrets: str) -> Iterator[None]:
    """Check what was logged meanwhile."""
    caplog.set_level(logging.DEBUG)
    yield
    logged = "\n".join(logging.Formatter().format(record) for record in caplog.records)
    assert not [secret for secret in secrets if secret in logged]


def said(error: BaseException) -> str:
    """All that a log could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error)
