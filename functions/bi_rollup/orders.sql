-- Orders between two instants, each once, with the outcomes of the marts, in the reporting currency. Net revenue (`dollars`) is gross less
-- discount and refund; tax is beside it. Refunds are negative; failed orders, test orders and orders with an unknown outcome, without
-- a valid amount or without a rate have no revenue.
--
-- A row is a copy where the one before it with its id and outcome, and of refunds its key, is less than `repeated_within`
-- earlier. So whether a row counts is decided by rows of that time before it only, and is the same in whichever window it is read.
-- An attempt that was not paid counts unless its order was paid within that time before it, or within a day after it. Rows
-- without an id cannot be deduplicated, and count each. What is booked is converted after that, so that rates do not decide it.
--
-- `sold_at` is the first sale with the id, of a refund with that of its order, in the {orders[links_days]} days up to the row; it needs
-- rows of that time before the window (`each_linked_order`). A refund without a model, arm or the like has those of such a sale (`each_labelled_order`).
SELECT
  id, source, customer, ordered_at, sold_at, counted.currency,
  IF(outcome IN ('taken', 'refunded') AND rate IS NULL, 'no_rate', outcome) AS outcome,
  IF(outcome = 'taken' AND rate IS NOT NULL, sign * (net + discount) * rate, 0.0) AS gross,
  IF(outcome = 'taken' AND rate IS NOT NULL, sign * discount * rate, 0.0) AS discount,
  CASE WHEN rate IS NULL THEN 0.0 WHEN outcome = 'taken' THEN sign * tax * rate WHEN outcome = 'refunded' THEN -tax * rate ELSE 0.0 END AS tax,
  IF(outcome = 'refunded' AND rate IS NOT NULL, net * rate, 0.0) AS refund,
  CASE WHEN rate IS NULL THEN 0.0 WHEN outcome = 'taken' THEN sign * net * rate WHEN outcome = 'refunded' THEN -net * rate ELSE 0.0 END AS dollars{orders[labels]}
FROM (
  SELECT
    id, source, customer, ordered_at, sold_at, once.currency, outcome, discount, tax, IF(amount < 0, -1.0, 1.0) AS sign,
    ABS(amount) - tax AS net, IF(once.currency = '{orders[reporting]}', 1.0, rates.rate) AS rate{orders[labels]}
  FROM (
    SELECT
      id, source, customer, ordered_at, amount, tax, discount, currency, outcome,
      MIN(IF(outcome = 'taken' AND id IS NOT NULL, ordered_at, NULL)) OVER (
        PARTITION BY sale_id ORDER BY UNIX_MICROS(ordered_at) RANGE BETWEEN {orders[links]} PRECEDING AND CURRENT ROW
      ) AS sold_at,
      LAG(ordered_at) OVER (
        PARTITION BY id, outcome, refund ORDER BY ordered_at, amount, tax, discount, currency, source, customer{orders[labels]}
      ) AS copied_at,
      MAX(IF(outcome IN ('taken', 'refunded'), 1, 0)) OVER (
        PARTITION BY id ORDER BY UNIX_MICROS(ordered_at)
        RANGE BETWEEN {orders[repeats_less]} PRECEDING AND {orders[retries_less]} FOLLOWING
      ) AS paid{orders[linked_labels]}
    FROM (
      {order_rows}
    ) AS order_rows
  ) AS once
  LEFT JOIN (
    {each_rate}
  ) AS rates
  ON rates.currency = once.currency AND rates.day = {orders[day]}
  WHERE ordered_at >= {orders[since]} AND ordered_at < {orders[until]}
    AND (
      id IS NULL
      OR (
        (copied_at IS NULL OR copied_at <= TIMESTAMP_SUB(ordered_at, INTERVAL {orders[repeats]} MICROSECOND))
        AND (outcome IN ('taken', 'refunded', 'test') OR paid = 0)
      )
    )
) AS counted
