"""Documents of pipelines: pipeline_monitor writes them, the pages read them."""

import contextlib
from collections.abc import Iterator

import msgspec

from core.errors import UnreadableError
from core.pipelines.state import PipelineState, lighter
from functions.adapters.ports import Data, Store
from functions.adapters.store import every

COLLECTION = "pipelines"
"""A document a pipeline; its key is the pipeline's name."""
MOST_BYTES = 900_000
"""Of a document's text; Firestore takes a megabyte. Fifty runs of twenty stages are about 100,000, and twice as much with what each depends on, read and ran on."""


def fitted(pipeline: PipelineState) -> PipelineState:
    """The pipeline, limited to the size of a document: if its runs have too many stages, the oldest runs are dropped."""
    while (size := len(msgspec.json.encode(pipeline))) > MOST_BYTES and len(pipeline.runs) > 1:
        pipeline = lighter(pipeline, max(1, len(pipeline.runs) * (size - MOST_BYTES) // size))
    return pipeline


def pipeline_data(pipeline: PipelineState) -> Data:
    """The document of a pipeline that fits into one.

    The pipeline is one text: nothing within it is queried, and a store writes a text a hundred times faster than thousands of
    values. Beside it stands whether a run has not ended, by which the live ones are found.
    """
    running = any(not run.span.status.is_over for run in pipeline.runs)
    return {"line": msgspec.json.encode(pipeline).decode(), "running": running}


def read_pipeline(data: Data) -> PipelineState:
    """The pipeline that a document holds.

    Raises:
        UnreadableError: it was written by another version, or is corrupt.
    """
    try:
        return msgspec.json.decode(data["line"], type=PipelineState)
    except (msgspec.MsgspecError, KeyError) as error:
        raise UnreadableError(f"cannot be read: {type(error).__name__}: {error}") from error


def readable(store: Store) -> Iterator[PipelineState]:
    """Every readable pipeline, by name."""
    for document in every(store, COLLECTION):
        with contextlib.suppress(UnreadableError):  # pipeline_monitor logs it once a minute
            yield read_pipeline(document.data)
