"""Documents of the detections over the audit log: memories, cases, and the arrival of entries."""

from datetime import datetime

import msgspec

from core.security.case import Case
from core.security.marks import Mark, Marks
from core.security.trail import Trail
from functions.adapters.ports import Data

MEMORIES, CASES, TRAILS = "security_marks", "security_cases", "security_trail"
"""Collections."""
TRAIL = "audit_log"
"""The one document of the collection."""


def marks_of(data: Data) -> Marks:
    """The marks of a memory; none for an empty document."""
    return tuple(Mark(*one) for one in data.get("marks", ()))


def read_case(data: Data) -> Case:
    """The case in a document."""
    return msgspec.convert(data, Case, builtin_types=(datetime,))


def case_data(case: Case) -> Data:
    """The document of a case; `open` is what it is found by."""
    data: Data = msgspec.to_builtins(case, builtin_types=(datetime,))
    return data | {"open": bool(case.open)}


def read_trail(data: Data) -> Trail:
    """The trail in a document."""
    return msgspec.convert(data, Trail, builtin_types=(datetime,))


def trail_data(trail: Trail) -> Data:
    """The document of the trail."""
    data: Data = msgspec.to_builtins(trail, builtin_types=(datetime,))
    return data
