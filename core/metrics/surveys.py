"""Answers of people to surveys. Written by bi_rollup."""

from core.metrics.metric import gauge

METRICS = (
    gauge(
        "aia_net_promoter_score",
        "stakeholder bound",
        "1",
        "Net Promoter Score of the stakeholder group from its answers, -100 to 100: low, middle or high of the 90% interval.",
    ),
    gauge(
        "aia_csat_ratio",
        "stakeholder bound",
        "1",
        "Share of the group's answers that are 4 or 5 of 5, 0 to 1: low, middle or high of the 90% interval.",
    ),
    gauge(
        "aia_survey_answers",
        "stakeholder question",
        "1",
        "Number of answers that count, of a respondent the newest one.",
    ),
)
