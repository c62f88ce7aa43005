"""Return on investment of each model, with what it is based on."""

from dataclasses import replace

from core.business.model_roi import Verdict
from core.detection import Outcome
from core.reports.document import Number, Part, SectionDocument, Statement, Table, amount
from core.reports.queries import MODEL_RETURNS
from core.reports.rows import ModelReturn
from core.reports.section import Facts, Section
from core.text import clean

MOST_SHOWN = 8
_NAME, _TEXT = 60, 300


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    rows = facts.rows(MODEL_RETURNS)
    ordered = sorted(rows, key=lambda row: (row.roi_middle is None, row.roi_middle or 0.0, row.model, row.arm))[
        :MOST_SHOWN
    ]
    return SectionDocument(
        name="",
        title="",
        statements=tuple(_statement(row) for row in ordered if row.verdict == Verdict.BAD),
        tables=(_table(ordered, len(rows)),),
        notes=tuple(f"{_title(row)}: {clean(row.basis_text, _TEXT)}" for row in ordered),
        unknown=tuple(f"{_title(row)}: {clean(row.reason, _TEXT)}" for row in rows if row.reason),
    )


SECTION = Section(name="model_returns", title="Return on investment by model", reads=(MODEL_RETURNS,), write=write)


def _title(row: ModelReturn) -> str:
    return clean(f"{row.model}, arm {row.arm}" if row.arm else row.model, _NAME)


def _number(row: ModelReturn, value: float | None, unit: str, basis: str) -> Number:
    reason = clean(row.reason or "it has no value", _TEXT)
    return Number(value=value, unit=unit, query=MODEL_RETURNS.name, basis=basis, at=row.day, reason=reason)


def _return(row: ModelReturn) -> Number:
    basis = f"(Attributed revenue - cost) / cost, over 30 days, by {row.basis}."
    return replace(_number(row, row.roi_middle, "ratio", basis), low=row.roi_low, high=row.roi_high)


def _statement(row: ModelReturn) -> Statement:
    """A model whose whole interval is below the target is a headline."""
    parts: tuple[Part, ...] = (
        f"The return of {_title(row)} is ",
        _return(row),
        f" by {row.basis}, below its target of ",
        _target(row),
        ".",
    )
    return Statement(parts=parts, outcome=Outcome.BAD, effect=1.0)


def _target(row: ModelReturn) -> Number:
    return _number(row, row.target, "ratio", "Of the settings.")


def _table(rows: list[ModelReturn], count: int) -> Table:
    """The target is one for all models."""
    which = "Models" if count <= MOST_SHOWN else f"Models, the {MOST_SHOWN} with the lowest return,"
    return Table(
        title=f"{which} against the target of {amount(rows[0].target, 'ratio')}",
        columns=("Model (basis)", "Revenue", "Cost", "Return, 30 days", "Verdict"),
        rows=tuple(
            (
                f"{_title(row)} ({row.basis})",
                _number(row, row.revenue, "dollars", "Attributed revenue of 30 days."),
                _number(row, row.cost, "dollars", "Allocated cost of 30 days."),
                _return(row),
                row.verdict,
            )
            for row in rows
        ),
    )
