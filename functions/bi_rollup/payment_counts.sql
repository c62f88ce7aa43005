-- Revenue and payments by source and outcome, from the orders between two instants. Test orders do not say that a shop is open.
SELECT
  source, SUM(dollars) AS dollars, COUNTIF(outcome = 'taken') AS taken, COUNTIF(outcome = 'refunded') AS refunded,
  COUNTIF(outcome = 'failed') AS failed, COUNTIF(outcome = 'unknown') AS unknown, COUNTIF(outcome = 'no_rate') AS no_rate,
  COUNTIF(outcome = 'test') AS test, COUNTIF(id IS NULL) AS missing_id, MAX(IF(outcome = 'test', NULL, ordered_at)) AS newest
FROM (
  SELECT {listed_source} AS source, id, ordered_at, outcome, dollars
  FROM (
    {each_order}
  ) AS orders
) AS listed
GROUP BY source
