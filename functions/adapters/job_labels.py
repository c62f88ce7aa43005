"""Labels of BigQuery jobs: which function ran a statement, for which rollup or model.

The billing export has them beside the cost of each job, so what the system itself costs is allocated like everything else.
Labels that are set here count for the statements of the same thread.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

SERVICE = "aia"
"""The label `service` of every job."""
LONGEST = 63
"""Characters of a value."""
_current: ContextVar[Mapping[str, str]] = ContextVar("job_labels", default=MappingProxyType({}))


@contextmanager
def job_labels(**labels: str) -> Iterator[None]:
    """Label the jobs of a block, beside the labels of the block around it.

    >>> with job_labels(rollup="revenue"), job_labels(model="Flight Delay"):
    ...     current_labels()
    {'rollup': 'revenue', 'model': 'flight-delay'}
    """
    token = _current.set({**_current.get(), **{key: _value(text) for key, text in labels.items()}})
    try:
        yield
    finally:
        _current.reset(token)


def current_labels() -> dict[str, str]:
    """The labels of a job that starts now."""
    return dict(_current.get())


def _value(text: str) -> str:
    """A text as a value of a label: lower-case letters, digits, dashes and underscores."""
    return re.sub(r"[^\w-]", "-", text.lower())[:LONGEST]
