-- Whole days on which the mart is not what the rows of orders say: by how many cents, summed over the sources, and how many rows the
-- mart does not count. The cents of a source are those of whichever differs most: net revenue, gross, discount, tax or refund. Sums of
-- floats depend on the order of the rows: in their 13th digit two accounts may differ.
--
-- This is a second account, not that of `orders.sql`: each row is compared with those of its key by a join, and counts if none is
-- less than `repeated_within` earlier, and has the newest rate up to its day. Of rows of one instant the lowest amount counts, with what
-- else its row has. A difference between the two accounts is a fault of one of them.
WITH all_rows AS (
  SELECT id, source, ordered_at, outcome, refund, amount, tax, discount, currency
  FROM (
    {order_rows}
  ) AS order_rows
),
instants AS (
  SELECT id, outcome, refund, ordered_at, source, amount, tax, discount, currency
  FROM (
    SELECT
      id, outcome, refund, ordered_at, source, amount, tax, discount, currency,
      ROW_NUMBER() OVER (
        PARTITION BY id, outcome, refund, ordered_at ORDER BY amount, tax, discount, currency, source
      ) AS place
    FROM all_rows
    WHERE id IS NOT NULL
  ) AS ordered
  WHERE place = 1
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
  SELECT
    instants.source, instants.ordered_at, instants.outcome, instants.amount, instants.tax, instants.discount,
    instants.currency
  FROM instants
  LEFT JOIN excluded
  ON excluded.id = instants.id AND excluded.outcome = instants.outcome AND excluded.refund = instants.refund
    AND excluded.ordered_at = instants.ordered_at
  WHERE excluded.id IS NULL
  UNION ALL
  SELECT source, ordered_at, outcome, amount, tax, discount, currency
  FROM all_rows
  WHERE id IS NULL
),
dated AS (
  SELECT source, ordered_at, outcome, amount, tax, discount, currency, {orders[day]} AS day
  FROM counted
),
quoted AS (
  SELECT currency, day, MIN(rate) AS lowest, MAX(rate) AS highest
  FROM (
    {rate_rows}
  ) AS rate_rows
  GROUP BY currency, day
),
newest AS (
  SELECT wanted.currency, wanted.day, MAX(quoted.day) AS quoted_on
  FROM (SELECT DISTINCT currency, day FROM dated) AS wanted
  JOIN quoted
  ON quoted.currency = wanted.currency AND quoted.day <= wanted.day
    AND DATE_DIFF(wanted.day, quoted.day, DAY) <= {rates[max_age]}
  GROUP BY wanted.currency, wanted.day
),
converted AS (
  SELECT
    dated.source, dated.ordered_at,
    CASE
      WHEN dated.outcome NOT IN ('taken', 'refunded') OR dated.currency = '{orders[reporting]}' THEN dated.outcome
      WHEN quoted.lowest = quoted.highest THEN dated.outcome
      ELSE 'no_rate'
    END AS outcome,
    IF(dated.currency = '{orders[reporting]}', 1.0, quoted.lowest) * dated.amount AS paid,
    IF(dated.currency = '{orders[reporting]}', 1.0, quoted.lowest) * IF(dated.amount < 0, -dated.tax, dated.tax) AS tax,
    IF(dated.currency = '{orders[reporting]}', 1.0, quoted.lowest)
    * IF(dated.amount < 0, -dated.discount, dated.discount) AS discount
  FROM dated
  LEFT JOIN newest
  ON newest.currency = dated.currency AND newest.day = dated.day
  LEFT JOIN quoted
  ON quoted.currency = newest.currency AND quoted.day = newest.quoted_on
),
accounts AS (
  SELECT
    source, TIMESTAMP_TRUNC(ordered_at, DAY) AS day,
    CASE outcome WHEN 'taken' THEN paid - tax WHEN 'refunded' THEN -ABS(paid - tax) ELSE 0.0 END AS dollars,
    IF(outcome = 'taken', paid - tax + discount, 0.0) AS gross, IF(outcome = 'taken', discount, 0.0) AS discount,
    CASE outcome WHEN 'taken' THEN tax WHEN 'refunded' THEN -ABS(tax) ELSE 0.0 END AS tax,
    IF(outcome = 'refunded', ABS(paid - tax), 0.0) AS refund,
    IF(outcome = 'taken', 1, 0) AS taken, IF(outcome = 'refunded', 1, 0) AS refunded,
    IF(outcome = 'failed', 1, 0) AS failed, IF(outcome = 'unknown', 1, 0) AS unknown,
    IF(outcome = 'no_rate', 1, 0) AS no_rate, IF(outcome = 'test', 1, 0) AS test
  FROM converted
  WHERE ordered_at >= @since AND ordered_at < @until
  UNION ALL
  SELECT
    source, TIMESTAMP_TRUNC(hour, DAY) AS day, -dollars AS dollars, -COALESCE(gross, 0.0) AS gross,
    -COALESCE(discount, 0.0) AS discount, -COALESCE(tax, 0.0) AS tax, -COALESCE(refund, 0.0) AS refund, -taken AS taken,
    -refunded AS refunded, -failed AS failed, -unknown AS unknown, -COALESCE(no_rate, 0) AS no_rate,
    -COALESCE(test, 0) AS test
  FROM marts.revenue_hourly
  WHERE hour >= @since AND hour < @until
),
differences AS (
  SELECT
    source, day,
    CAST(
      ROUND(
        100 * GREATEST(
          0.0,
          GREATEST(ABS(SUM(dollars)), ABS(SUM(gross)), ABS(SUM(discount)), ABS(SUM(tax)), ABS(SUM(refund)))
          - 1e-13 * SUM(ABS(gross) + ABS(tax) + ABS(refund))
        )
      ) AS INT64
    ) AS cents,
    SUM(taken) AS taken, SUM(refunded) AS refunded, SUM(failed) AS failed, SUM(unknown) AS unknown, SUM(no_rate) AS no_rate,
    SUM(test) AS test
  FROM accounts
  GROUP BY source, day
)
SELECT
  day, SUM(cents) AS cents,
  SUM(
    GREATEST(taken, 0) + GREATEST(refunded, 0) + GREATEST(failed, 0) + GREATEST(unknown, 0) + GREATEST(no_rate, 0)
    + GREATEST(test, 0)
  ) AS missing
FROM differences
WHERE cents > 0 OR taken != 0 OR refunded != 0 OR failed != 0 OR unknown != 0 OR no_rate != 0 OR test != 0
GROUP BY day
ORDER BY day
