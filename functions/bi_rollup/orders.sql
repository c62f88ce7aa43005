-- Orders between two instants, each once, with the outcomes of the marts. Refunds are negative; failed orders and orders with an
-- unknown outcome or without a valid amount have no revenue.
--
-- A row is a copy where the one before it with its id and outcome, and of refunds its key, is less than `repeated_within`
-- earlier. So whether a row counts is decided by rows of that time before it only, and is the same in whichever window it is read.
-- An attempt that was not paid counts unless its order was paid within that time before it, or within a day after it. Rows
-- without an id cannot be deduplicated, and count each.
--
-- `sold_at` is the first sale with the id, of a refund with that of its order, in the {orders[links_days]} days up to the row; it needs
-- rows of that time before the window (`each_linked_order`).
SELECT id, source, customer, ordered_at, outcome, dollars, sold_at
FROM (
  SELECT
    id, source, customer, ordered_at, outcome,
    MIN(IF(outcome = 'taken' AND id IS NOT NULL, ordered_at, NULL)) OVER (
      PARTITION BY sale_id ORDER BY UNIX_MICROS(ordered_at) RANGE BETWEEN {orders[links]} PRECEDING AND CURRENT ROW
    ) AS sold_at,
    CASE outcome WHEN 'taken' THEN amount WHEN 'refunded' THEN -ABS(amount) ELSE 0.0 END AS dollars,
    LAG(ordered_at) OVER (
      PARTITION BY id, outcome, refund ORDER BY ordered_at, amount, source, customer
    ) AS copied_at,
    MAX(IF(outcome IN ('taken', 'refunded'), 1, 0)) OVER (
      PARTITION BY id ORDER BY UNIX_MICROS(ordered_at)
      RANGE BETWEEN {orders[repeats_less]} PRECEDING AND {orders[retries_less]} FOLLOWING
    ) AS paid
  FROM (
    {order_rows}
  ) AS order_rows
) AS compared
WHERE ordered_at >= {orders[since]} AND ordered_at < {orders[until]}
  AND (
    id IS NULL
    OR (
      (copied_at IS NULL OR copied_at <= TIMESTAMP_SUB(ordered_at, INTERVAL {orders[repeats]} MICROSECOND))
      AND (outcome IN ('taken', 'refunded') OR paid = 0)
    )
  )
