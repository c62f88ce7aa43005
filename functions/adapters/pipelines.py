"""Pipelines as the store keeps them: pipeline_monitor writes them, the pages read them."""

from dataclasses import replace

import msgspec

from core.pipelines.line import Line
from functions.adapters.ports import Data

COLLECTION = "pipelines"
"""A document a pipeline; its key is the pipeline's name."""
MOST_BYTES = 900_000
"""Of a document's text; Firestore takes a megabyte. Fifty runs of twenty stages are about 100,000."""


def line_data(line: Line) -> Data:
    """The document of a pipeline; runs with so many stages that all do not fit are dropped, the oldest first.

    It is one text: nobody looks for anything within it, and a store takes a text a hundred times faster than thousands of
    values.
    """
    while len(text := msgspec.json.encode(line)) > MOST_BYTES and len(line.runs) > 1:
        line = replace(line, runs=line.runs[1:])
    return {"line": text.decode()}


def read_line(data: Data) -> Line:
    """The pipeline that a document holds."""
    return msgspec.json.decode(data["line"], type=Line)
