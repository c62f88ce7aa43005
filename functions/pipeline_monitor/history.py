"""The history of runs: `ops.pipeline_runs`, a row a run and a row a stage."""

from functools import partial
from pathlib import Path

from core.pipelines.run import Run, Span
from core.pipelines.state import PipelineState, written
from functions.adapters.pipelines import COLLECTION, line_data, read_line
from functions.adapters.ports import Data, Store, Warehouse
from functions.adapters.store import update

_WRITE_RUNS = Path(__file__).with_name("write_runs.sql").read_text()


def write(store: Store, warehouse: Warehouse, line: PipelineState) -> None:
    """Write the runs of a pipeline that the history does not have as they are; safe to call again."""
    for run in filter(None, map(line.get, line.unwritten)):
        warehouse.query(
            _WRITE_RUNS, pipeline=line.name, run_id=run.run_id, first=run.first, last=run.last, rows=rows(run)
        )
        update(store, COLLECTION, line.name, partial(_without, run))


def rows(run: Run) -> list[Data]:
    """The rows of a run: of the whole, whose stage has no name, and of its stages."""
    return [_row(run, "", run.span), *(_row(run, stage.name, stage.span) for stage in run.in_order)]


def _row(run: Run, stage: str, span: Span) -> Data:
    return {
        "stage": stage,
        "status": span.status.value,
        "first_at": run.first,
        "started_at": span.start,
        "ended_at": span.end,
        "seconds": span.seconds,
        "error": span.error,
    }


def _without(run: Run, data: Data | None) -> Data | None:
    if data is None:
        return None
    line = read_line(data)
    after = written(line, run)
    return None if after == line else line_data(after)
