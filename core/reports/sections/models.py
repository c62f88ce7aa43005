"""The models in the week: drift and accuracy."""

from core.detection import Outcome
from core.reports.document import Figure, Number, SectionDocument, Statement, Table
from core.reports.queries import MODELS
from core.reports.rows import ModelWeek
from core.reports.section import Facts, Section
from core.text import clean

MOST_SHOWN = 15
_NAMED = 3
"""Drifted models that are named in the sentence."""
_NAMES = 80
"""Characters of the drifted features."""
_HALF = 2.0
"""From half of the models on, drift is a headline."""


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    rows = facts.rows(MODELS)
    drifted = [row for row in rows if row.drifted]
    number, every = (
        _count(len(drifted), "Models with a drifted feature."),
        _count(len(rows), "Models scored in the week."),
    )
    named = "; ".join(f"{row.model}: {clean(row.names or '', _NAMES)}" for row in drifted[:_NAMED])
    said = Statement(
        parts=("Models with drifted features: ", number, " of ", every, f" ({named})." if named else "."),
        outcome=Outcome.of(bad=bool(drifted)),
        effect=len(drifted) / len(rows) * _HALF,
    )
    missing = sorted(set(facts.models) - {row.model for row in rows})
    return SectionDocument(
        name="",
        title="",
        statements=(said, *_below(facts, rows)),
        figures=(
            Figure(name="Models with drift", number=number, note=("of ", every, " scored"), outcome=said.outcome),
        ),
        tables=(_table(facts, rows),),
        notes=("A feature has drifted when its change is significant and larger than the threshold in the settings.",),
        unknown=(
            *(f"{name}: no window was scored in this week" for name in missing),
            *(f"accuracy of {row.model}: no labels arrived" for row in rows if row.accuracy is None),
        ),
    )


SECTION = Section(name="models", title="Models", reads=(MODELS,), write=write)


def _count(count: int, basis: str) -> Number:
    return Number(value=float(count), query=MODELS.name, basis=basis)


def _accuracy(row: ModelWeek) -> Number:
    return Number(
        value=row.accuracy,
        low=row.accuracy_low,
        high=row.accuracy_high,
        unit="ratio",
        query=MODELS.name,
        basis="Share of correct predictions among those whose label has arrived, with its 95% confidence interval.",
        at=row.window_end,
        reason="no labels arrived",
    )


def _below(facts: Facts, rows: tuple[ModelWeek, ...]) -> list[Statement]:
    """The models below their floor; significant where the whole interval is."""
    found = []
    for row in rows:
        floor = facts.floors.get(row.model)
        if floor is None or row.accuracy is None or row.accuracy >= floor:
            continue
        certain = row.accuracy_high is not None and row.accuracy_high < floor
        limit = Number(value=floor, unit="ratio", query=MODELS.name, basis="The accuracy floor of the settings.")
        found.append(
            Statement(
                parts=(f"The accuracy of {row.model} is ", _accuracy(row), ", below its floor of ", limit, "."),
                outcome=Outcome.BAD,
                effect=2.0 if certain else 0.5,
            )
        )
    return found


def _table(facts: Facts, rows: tuple[ModelWeek, ...]) -> Table:
    ordered = sorted(rows, key=lambda row: (-row.drifted / max(row.features, 1), row.model))
    return Table(
        title="Models" if len(rows) <= MOST_SHOWN else f"Models, the {MOST_SHOWN} with the most drift",
        columns=("Model", "Drifted features", "Of", "Which", "Accuracy", "Floor"),
        rows=tuple(
            (
                row.model,
                _count(row.drifted, "Features that drifted in the newest window."),
                _count(row.features, "Features that were compared."),
                clean(row.names or "none", _NAMES),
                _accuracy(row),
                Number(
                    value=facts.floors.get(row.model),
                    unit="ratio",
                    query=MODELS.name,
                    basis="Of the settings.",
                    reason="none is set",
                ),
            )
            for row in ordered[:MOST_SHOWN]
        ),
    )
