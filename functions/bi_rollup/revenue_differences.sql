-- Whole days on which the mart is not what the rows of orders say: by how many cents, summed over the sources, and how many rows the
-- mart does not count.
--
-- This is a second account, not that of `orders.sql`: each row is compared with those of its key by a join, and counts if none is
-- less than `repeated_within` earlier. A difference between the two accounts is a fault of one of them.
WITH all_rows AS (
  SELECT id, source, ordered_at, outcome, refund, amount
  FROM (
    {order_rows}
  ) AS order_rows
),
instants AS (
  SELECT id, outcome, refund, ordered_at, MIN(source) AS source, MIN(amount) AS amount
  FROM all_rows
  WHERE id IS NOT NULL
  GROUP BY id, outcome, refund, ordered_at
),
excluded AS (
  SELECT later.id, later.outcome, later.refund, later.ordered_at
  FROM instants AS later
  JOIN instants AS earlier
  ON earlier.id = later.id AND earlier.outcome = later.outcome AND earlier.refund = later.refund
    AND earlier.ordered_at < later.ordered_at
    AND earlier.ordered_at > TIMESTAMP_SUB(later.ordered_at, INTERVAL {orders[repeats]} MICROSECOND)
  UNION DISTINCT
  SELECT attempt.id, attempt.outcome, attempt.refund, attempt.ordered_at
  FROM instants AS attempt
  JOIN instants AS paid
  ON paid.id = attempt.id
    AND paid.ordered_at > TIMESTAMP_SUB(attempt.ordered_at, INTERVAL {orders[repeats]} MICROSECOND)
    AND paid.ordered_at < TIMESTAMP_ADD(attempt.ordered_at, INTERVAL {orders[retries]} MICROSECOND)
  WHERE attempt.outcome IN ('failed', 'unknown') AND paid.outcome IN ('taken', 'refunded')
),
counted AS (
  SELECT instants.source, instants.ordered_at, instants.outcome, instants.amount
  FROM instants
  LEFT JOIN excluded
  ON excluded.id = instants.id AND excluded.outcome = instants.outcome AND excluded.refund = instants.refund
    AND excluded.ordered_at = instants.ordered_at
  WHERE excluded.id IS NULL
  UNION ALL
  SELECT source, ordered_at, outcome, amount
  FROM all_rows
  WHERE id IS NULL
),
accounts AS (
  SELECT
    source, TIMESTAMP_TRUNC(ordered_at, DAY) AS day,
    CASE outcome WHEN 'taken' THEN amount WHEN 'refunded' THEN -ABS(amount) ELSE 0.0 END AS dollars,
    IF(outcome = 'taken', 1, 0) AS taken, IF(outcome = 'refunded', 1, 0) AS refunded,
    IF(outcome = 'failed', 1, 0) AS failed, IF(outcome = 'unknown', 1, 0) AS unknown
  FROM counted
  WHERE ordered_at >= @since AND ordered_at < @until
  UNION ALL
  SELECT
    source, TIMESTAMP_TRUNC(hour, DAY) AS day, -dollars AS dollars, -taken AS taken, -refunded AS refunded,
    -failed AS failed, -unknown AS unknown
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
),
differences AS (
  SELECT
    source, day, CAST(ROUND(100 * ABS(SUM(dollars))) AS INT64) AS cents, SUM(taken) AS taken, SUM(refunded) AS refunded,
    SUM(failed) AS failed, SUM(unknown) AS unknown
  FROM accounts
  GROUP BY source, day
)
SELECT
  day, SUM(cents) AS cents,
  SUM(GREATEST(taken, 0) + GREATEST(refunded, 0) + GREATEST(failed, 0) + GREATEST(unknown, 0)) AS missing
FROM differences
WHERE cents > 0 OR taken != 0 OR refunded != 0 OR failed != 0 OR unknown != 0
GROUP BY day
ORDER BY day
