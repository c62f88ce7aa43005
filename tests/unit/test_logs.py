"""A line of the log says which function and which request it is from, from whatever thread it is written."""

import json
import logging
from contextvars import copy_context

from functions.adapters import logs
from functions.incident_sweep.sweep import _parallel


def line(**fields: object) -> dict[str, str]:
    """A line that is written now."""
    record = logging.LogRecord("any", logging.INFO, __file__, 1, "said", None, None)
    record.__dict__ |= logs.fields(**fields) if fields else {}
    found: dict[str, str] = json.loads(logs.JsonFormatter().format(record))
    return found


def test_a_line_names_the_function_where_one_process_serves_several() -> None:
    def requested() -> None:
        assert "function" not in line()
        logs.set_function("drift_score")
        assert line()["function"] == "drift_score"
        assert line(function="other")["function"] == "other"

    copy_context().run(requested)


def test_lines_of_the_threads_of_a_sweep_name_its_function_and_its_trace() -> None:
    def requested() -> list[tuple[str, str]]:
        logs.set_function("incident_sweep")
        logs.set_trace("abc/1;o=1", "p1")
        lines = _parallel(range(3), lambda _: line())
        return [(one["function"], one["logging.googleapis.com/trace"]) for one in lines]

    assert copy_context().run(requested) == [("incident_sweep", "projects/p1/traces/abc")] * 3
