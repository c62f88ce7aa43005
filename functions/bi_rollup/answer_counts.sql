-- Answers by group, question and score: of a respondent the newest valid one. Answers of other groups or questions and scores out of
-- range are counted apart, each once.
SELECT stakeholder, question, score, COUNTIF(valid AND place = 1) AS answers, COUNTIF(NOT valid AND copy = 1) AS invalid
FROM (
  SELECT
    stakeholder, question, score, valid,
    ROW_NUMBER() OVER (
      PARTITION BY stakeholder, question, respondent, valid ORDER BY answered_at DESC, answer_id DESC
    ) AS place,
    ROW_NUMBER() OVER (PARTITION BY answer_id ORDER BY answered_at) AS copy
  FROM (
    SELECT
      answer_id, answered_at, stakeholder, question, score, respondent,
      stakeholder IN UNNEST(@stakeholders)
        AND ((question = 'nps' AND score BETWEEN 0 AND 10) OR (question = 'csat' AND score BETWEEN 1 AND 5)) AS valid
    FROM telemetry.answers
    WHERE answered_at >= @since AND answered_at < @until
  ) AS each_row
) AS each_answer
GROUP BY stakeholder, question, score
ORDER BY stakeholder, question, score
