-- What each source earned, and what became of its payments, in the orders between two instants.
SELECT
  source, SUM(dollars) AS dollars, COUNTIF(outcome = 'taken') AS taken, COUNTIF(outcome = 'refunded') AS refunded,
  COUNTIF(outcome = 'failed') AS failed, COUNTIF(outcome = 'unknown') AS unknown, COUNTIF(id IS NULL) AS without_id,
  MAX(ordered_at) AS newest
FROM (
  {orders}
) AS orders
GROUP BY source
