"""Net Promoter Score and customer satisfaction of the stakeholder groups, from their answers of the last months."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from core.business.answers import survey_score
from core.settings.people import STAKEHOLDERS
from core.surveys import SCORES
from functions.bi_rollup.data_issues import data_issues
from functions.bi_rollup.queries import Query
from functions.bi_rollup.result import MetricValue, RollupResult
from functions.bi_rollup.rollup import Outside, RollupJob
from functions.bi_rollup.spans import HOUR

METRICS = {"nps": "aia_net_promoter_score", "csat": "aia_csat_ratio"}


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCounts:
    """Answers of a group to a question with one score, and those that are not valid."""

    stakeholder: str
    question: str
    score: int
    answers: int
    invalid: int


ANSWER_COUNTS = Query("answer_counts", AnswerCounts)


def run(outside: Outside, due: datetime, _: RollupResult | None) -> RollupResult:
    """Count the newest answer of each respondent, and score each group."""
    surveys = outside.settings.surveys
    if surveys is None:
        raise ValueError("surveys: must be given, got nothing")
    rows = outside.tables.read(ANSWER_COUNTS, since=due - surveys.window, until=due, stakeholders=list(STAKEHOLDERS))
    issues = data_issues("answers", {"invalid": sum(row.invalid for row in rows)})
    return RollupResult(due=due, metrics=(*_scores(rows, surveys.minimum), *issues))


JOB = RollupJob(
    name="answers",
    every=HOUR,
    max_age=3 * HOUR,
    enabled=lambda settings: settings.surveys is not None,
    run=run,
)


def _scores(rows: Iterable[AnswerCounts], minimum: int) -> Iterator[MetricValue]:
    counts: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for row in rows:
        if row.answers:
            counts[row.stakeholder, row.question][row.score] = row.answers
    for stakeholder in STAKEHOLDERS:
        for question in SCORES:
            given = counts[stakeholder, question]
            labels = {"stakeholder": stakeholder, "question": question}
            yield MetricValue("aia_survey_answers", float(sum(given.values())), labels)
            score = survey_score(question, given, minimum=minimum)
            if score is not None:
                for bound in ("low", "middle", "high"):
                    labels = {"stakeholder": stakeholder, "bound": bound}
                    yield MetricValue(METRICS[question], getattr(score, bound), labels)
