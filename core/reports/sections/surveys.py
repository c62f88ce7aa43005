"""Net Promoter Score and customer satisfaction of the stakeholder groups, by their answers."""

from collections.abc import Iterator
from dataclasses import dataclass

from core.detection import Outcome
from core.reports.changes import of_intervals
from core.reports.daily import Daily
from core.reports.document import Number, SectionDocument, Statement, Table
from core.reports.queries import DAILY_METRICS
from core.reports.section import Facts, Section
from core.settings.people import STAKEHOLDERS

_ANSWERS = "Answers within the window of the settings, of a respondent the newest one."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Question:
    """A question: its metric, and below which score its alert rule fires where the whole interval is."""

    name: str
    title: str
    metric: str
    unit: str
    floor: float
    basis: str


_NPS = _Question(
    name="nps",
    title="NPS",
    metric="aia_net_promoter_score",
    unit="",
    floor=0.0,
    basis="Share of answers of 9 and 10 less that of 0 to 6, -100 to 100, with its 90% interval.",
)
_CSAT = _Question(
    name="csat",
    title="CSAT",
    metric="aia_csat_ratio",
    unit="ratio",
    floor=0.6,
    basis="Share of answers of 4 and 5 of 5, with its 90% interval.",
)
_QUESTIONS = (_NPS, _CSAT)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Score:
    """The score of a group: now and a week before, and the number of its answers."""

    group: str
    question: _Question
    now: Number
    before: Number
    answers: Number


def write(facts: Facts) -> SectionDocument:
    """What the section says."""
    daily = Daily(facts)
    scores = {(group, question): _score(daily, group, question) for group in STAKEHOLDERS for question in _QUESTIONS}
    if not any(score.answers.is_known for score in scores.values()):
        return SectionDocument(name="", title="", unknown=(next(iter(scores.values())).answers.reason,))
    return SectionDocument(
        name="",
        title="",
        statements=tuple(one for question in _QUESTIONS for one in _statements(question, scores)),
        tables=(_table(scores),) if any(score.now.is_known for score in scores.values()) else (),
        notes=("Below the number of answers of the settings (surveys.minimum) a score is not known.",),
        unknown=tuple(line for question in _QUESTIONS for line in _unknown(question, scores)),
    )


SECTION = Section(name="surveys", title="NPS and CSAT", reads=(DAILY_METRICS,), write=write)
_Scores = dict[tuple[str, _Question], _Score]


def _score(daily: Daily, group: str, question: _Question) -> _Score:
    now, before = daily.bounded(question.metric, question.unit, question.basis, stakeholder=group)
    answers = daily.trend("aia_survey_answers", "", _ANSWERS, stakeholder=group, question=question.name).now
    return _Score(group=group, question=question, now=now, before=before, answers=answers)


def _statements(question: _Question, scores: _Scores) -> Iterator[Statement]:
    """The lowest score, and those whose interval is apart from that of the week before."""
    known = [score for score in scores.values() if score.question is question and score.now.is_known]
    for score in sorted(known, key=lambda score: score.now.value or 0.0)[:1]:
        bad = score.now.high is not None and score.now.high < question.floor
        parts = (
            f"{question.title} is lowest in the group {score.group}: ",
            score.now,
            " of ",
            score.answers,
            " answers.",
        )
        yield Statement(parts=parts, outcome=Outcome.BAD if bad else None, effect=1.0 if bad else 0.0)
    for score in known:
        effect = _effect(score)
        if effect >= 1:
            fell = (score.now.value or 0.0) < (score.before.value or 0.0)
            start = f"{question.title} of {score.group} {'fell' if fell else 'rose'} to "
            yield Statement(
                parts=(start, score.now, " from ", score.before, "."), outcome=Outcome.of(bad=fell), effect=effect
            )


def _effect(score: _Score) -> float:
    now, before = score.now, score.before
    if now.low is None or now.high is None or before.low is None or before.high is None:
        return 0.0
    return of_intervals((now.low, now.high), (before.low, before.high))


def _table(scores: _Scores) -> Table:
    return Table(
        title="NPS and CSAT by group, with 90% intervals",
        columns=("Group", "NPS", "Answers", "CSAT", "Answers"),
        rows=tuple(
            (
                group.capitalize(),
                *(
                    part
                    for question in _QUESTIONS
                    for part in (scores[group, question].now, scores[group, question].answers)
                ),
            )
            for group in STAKEHOLDERS
        ),
    )


def _unknown(question: _Question, scores: _Scores) -> Iterator[str]:
    """The groups with too few answers, in one line a question."""
    missing = [score for score in scores.values() if score.question is question and not score.now.is_known]
    if missing:
        yield f"{question.title}: too few answers of {', '.join(f'{one.group} ({one.answers.text})' for one in missing)}"
