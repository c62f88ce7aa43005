"""bi_rollup over answers to surveys: which of them count, and when a score is not known."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from core.events import stamp
from core.settings import Surveys
from tests.support.builders.business import DAY, FIVE, HOUR, SETTINGS, TODAY, World, only
from tests.support.builders.flights import load

pytest_plugins = ["tests.support.servers.warehouse", "tests.support.builders.business_fixtures"]


def answer(who: str, score: int, at: datetime = TODAY - DAY, **changed: Any) -> dict[str, Any]:
    row = {"stakeholder": "business", "question": "nps", "respondent": who, "score": score, "answered_at": stamp(at)}
    return {"answer_id": f"{who}-{at.isoformat()}", "asked_at": None, "comment": None} | row | changed


def test_the_newest_valid_answer_of_a_respondent_counts_once(empty: World) -> None:
    empty.jobs = only("answers")
    empty.settings = replace(SETTINGS, surveys=Surveys(minimum=5, window=30 * DAY))
    rows = [
        *(answer(who, 10) for who in "abc"),
        answer("d", 8),
        answer("e", 10, TODAY - 3 * DAY),
        answer("e", 0, TODAY - 2 * DAY),  # changed their mind
        answer("e", 11, TODAY - HOUR),  # no answer to this question: the one before still counts
        answer("a", 10),  # delivered twice
        answer("old", 0, TODAY - 31 * DAY),
        answer("later", 0, TODAY + HOUR),
        *(answer(who, 5, question="csat") for who in "abcd"),
        answer("p", 4, stakeholder="partners"),
    ]
    load(empty.client, "telemetry.answers", rows)
    for at in (TODAY, TODAY):  # the tick is delivered twice
        empty.tick(at)
        assert empty.value("aia_survey_answers", "nps", "business") == 5.0
        assert empty.value("aia_net_promoter_score", "middle", "business") == 40.0  # three of five less one of five
        assert empty.value("aia_business_data_issues", "invalid", "answers") == 2.0
    low, high = (empty.value("aia_net_promoter_score", bound, "business") for bound in ("low", "high"))
    assert low is not None
    assert high is not None
    assert -60 < low < 40 < high < 100
    assert empty.value("aia_survey_answers", "csat", "business") == 4.0
    assert empty.value("aia_csat_ratio", "middle", "business") is None  # four answers say nothing
    assert empty.value("aia_survey_answers", "nps", "executive") == 0.0
    assert empty.value("aia_net_promoter_score", "middle", "executive") is None
    load(
        empty.client, "telemetry.answers", [answer("e2", 4, TODAY - FIVE, question="csat")]
    )  # late: of the hour before
    empty.tick(TODAY + HOUR)
    assert empty.value("aia_csat_ratio", "middle", "business") == 1.0


def test_without_the_section_nothing_is_measured(empty: World) -> None:
    empty.jobs = only("answers")
    load(empty.client, "telemetry.answers", [answer(str(number), 9) for number in range(20)])
    empty.tick(TODAY)
    assert empty.value("aia_survey_answers", "nps", "business") is None
