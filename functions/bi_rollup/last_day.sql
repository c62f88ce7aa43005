-- What each source earned, and what became of its payments, in the orders between two instants. Where sources are named, the
-- rest is one more, 'other'.
SELECT
  source, SUM(dollars) AS dollars, COUNTIF(outcome = 'taken') AS taken, COUNTIF(outcome = 'refunded') AS refunded,
  COUNTIF(outcome = 'failed') AS failed, COUNTIF(outcome = 'unknown') AS unknown, COUNTIF(id IS NULL) AS without_id,
  MAX(ordered_at) AS newest
FROM (
  SELECT
    IF(ARRAY_LENGTH(@sources) = 0 OR source IN UNNEST(@sources), source, 'other') AS source, id, ordered_at, outcome,
    dollars
  FROM (
    {orders}
  ) AS orders
) AS named
GROUP BY source
