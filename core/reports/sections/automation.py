"""What automated actions did in the week."""

from collections.abc import Sequence

from core.actions.guards import TRAITS
from core.detection import Outcome
from core.events import Mode
from core.incidents.endings import EndedBy, ended_by
from core.reports.daily import Daily
from core.reports.document import Number, SectionDocument, Statement, Table
from core.reports.queries import ACTIONS, DAILY_METRICS, INCIDENTS
from core.reports.rows import ActionCount
from core.reports.section import Facts, Section
from core.settings.response import ActionName

_MODES = {Mode.ACT: "acts", Mode.DRY_RUN: "dry run: nothing is changed"}
_SAVED = "Difference in duration between incidents with the action and similar ones without any, over 90 days; observational."


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    rows = facts.rows(ACTIONS)
    acting = [row for row in rows if row.mode == Mode.ACT]
    asked, failed = (sum(getattr(row, name) for row in acting) for name in ("requests", "failed"))
    helped = sum(row.verified for row in acting if _is_remedy(row))
    dry = sum(row.requests for row in rows if row.mode == Mode.DRY_RUN)
    said = Statement(
        parts=(
            "Of ",
            _count(asked, "Requests for actions that may change something."),
            " requested actions ",
            _count(helped, "Actions after which the conditions were verified to have recovered."),
            " helped and ",
            _count(failed, "Actions that failed or were undone."),
            " failed or were undone; ",
            _count(dry, "Requests in dry runs, which change nothing."),
            " more were planned in dry runs.",
        ),
        outcome=Outcome.of(bad=failed > helped) if helped or failed else None,
    )
    return SectionDocument(
        name="",
        title="",
        statements=(said, *_trained(acting), *_healed(facts)),
        tables=(_table(facts, rows),),
        notes=(_SAVED,),
    )


SECTION = Section(name="automation", title="Automation", reads=(ACTIONS,), also=(INCIDENTS, DAILY_METRICS), write=write)


def _count(count: int, basis: str) -> Number:
    return Number(value=float(count), query=ACTIONS.name, basis=basis)


def _is_remedy(row: ActionCount) -> bool:
    """Whether the action is to end the conditions: what is verified of another one has helped nobody yet."""
    return row.action not in tuple(ActionName) or TRAITS[ActionName(row.action)].remedy


def _trained(acting: Sequence[ActionCount]) -> tuple[Statement, ...]:
    """What came of the trainings that actions requested."""
    return tuple(
        Statement(
            parts=(
                "Of ",
                _count(row.requests, "Requests to train a model."),
                " requested trainings ",
                _count(row.verified, "Trainings that registered a version, which is not in use by that."),
                " trained a version, and ",
                _count(row.failed, "Trainings that failed, or whose version is not better."),
                " failed or were not better.",
            )
        )
        for row in acting
        if row.action == ActionName.RETRAIN_MODEL
    )


def _healed(facts: Facts) -> tuple[Statement, ...]:
    """How many incidents that ended in the week an action ended."""
    week = facts.week
    ended = [
        one
        for one in facts.rows(INCIDENTS)
        if one.ended_at is not None
        and week.since <= one.ended_at < week.until
        and not one.cancelled
        and not one.merged_into
    ]
    if not ended:
        return ()
    healed = sum(ended_by(one) is EndedBy.ACTION for one in ended)
    counts = (
        Number(value=float(number), query=INCIDENTS.name, basis="Incidents that ended in the week.")
        for number in (healed, len(ended))
    )
    first, second = counts
    return (
        Statement(parts=("An automated action ended ", first, " of ", second, " incidents that ended in the week.")),
    )


def _table(facts: Facts, rows: tuple[ActionCount, ...]) -> Table:
    daily = Daily(facts)
    return Table(
        title="Automated actions",
        columns=("Action", "Mode", "Requested", "Helped", "Failed or undone", "Refused", "Time saved per incident"),
        rows=tuple(
            (
                row.action,
                _MODES.get(Mode(row.mode), row.mode),
                _count(row.requests, "Requests."),
                _count(row.verified, "Verified.") if _is_remedy(row) else "no remedy",
                _count(row.failed, "Failed or undone."),
                _count(row.refused, "Refused by a guard rail or a person, or expired."),
                daily.trend("aia_action_saved_seconds", "seconds", _SAVED, action=row.action, bound="middle").now,
            )
            for row in rows
        ),
    )
