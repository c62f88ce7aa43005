-- Rows of orders between two instants, each with its outcome; of the time before and after them as well, as `orders.sql` and
-- `revenue_differences.sql` compare rows with one id. An id that identifies nothing is none, nor is such a customer. An amount
-- that is no number makes the outcome unknown. `refund` is the key of a refund among those of its order, and `sale_id` the id of that.
SELECT
  id, source, customer, ordered_at, amount, kind AS outcome, IF(kind = 'refunded', COALESCE(refund_of, id), id) AS sale_id,
  IF(
    kind = 'refunded',
    COALESCE(refund_id, CONCAT(CAST(UNIX_MICROS(ordered_at) AS STRING), ' ', CAST(ABS(amount) AS STRING))), ''
  ) AS refund
FROM (
  SELECT
    id, source, customer, ordered_at, amount, refund_id, refund_of,
    IF(amount IS NULL OR IS_NAN(amount) OR IS_INF(amount), 'unknown', {orders[outcome]}) AS outcome
  FROM (
    SELECT
      {orders[named_id]} AS id, COALESCE(CAST(paid.{orders[source]} AS STRING), 'unknown') AS source,
      {orders[named_customer]} AS customer, {orders[named_refund]} AS refund_id,
      {orders[named_refund_of]} AS refund_of, paid.{orders[timestamp]} AS ordered_at,
      SAFE_CAST(paid.{orders[amount]} AS FLOAT64) AS amount, {orders[word]} AS word
    FROM {orders[table]} AS paid
    WHERE paid.{orders[timestamp]} >= TIMESTAMP_SUB({orders[since]}, INTERVAL {orders[look_back]} MICROSECOND)
      AND paid.{orders[timestamp]} < TIMESTAMP_ADD({orders[until]}, INTERVAL {orders[retries]} MICROSECOND)
  ) AS each_row
) AS classified
CROSS JOIN UNNEST({orders[kinds]}) AS kind
