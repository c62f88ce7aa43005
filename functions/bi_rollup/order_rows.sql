-- Rows of orders between two instants, each with its outcome; of the time before and after them as well, as `orders.sql` and
-- `revenue_differences.sql` compare rows with one id. An id that identifies nothing is none, nor is such a customer. An amount, tax or
-- discount that is no number makes the outcome unknown, as does a tax above the amount. `refund` is the key of a refund among those of
-- its order, and `sale_id` the id of that.
SELECT
  id, source, customer, ordered_at, amount, tax, discount, currency, kind AS outcome,
  IF(kind = 'refunded', COALESCE(refund_of, id), id) AS sale_id,
  IF(
    kind = 'refunded',
    COALESCE(refund_id, CONCAT(CAST(UNIX_MICROS(ordered_at) AS STRING), ' ', CAST(ABS(amount) AS STRING))), ''
  ) AS refund{orders[labels]}
FROM (
  SELECT
    id, source, customer, ordered_at, amount, tax, discount, currency, refund_id, refund_of,
    CASE
      WHEN is_test THEN 'test'
      WHEN amount IS NULL OR IS_NAN(amount + tax + discount) OR IS_INF(amount + tax + discount) OR tax > ABS(amount)
        THEN 'unknown'
      ELSE {orders[outcome]}
    END AS outcome{orders[labels]}
  FROM (
    SELECT
      {orders[named_id]} AS id, COALESCE(CAST(paid.{orders[source]} AS STRING), 'unknown') AS source,
      {orders[named_customer]} AS customer, {orders[named_refund]} AS refund_id,
      {orders[named_refund_of]} AS refund_of, paid.{orders[timestamp]} AS ordered_at,
      SAFE_CAST(paid.{orders[amount]} AS FLOAT64) AS amount, {orders[tax]} AS tax, {orders[discount]} AS discount,
      {orders[currency]} AS currency, {orders[is_test]} AS is_test, {orders[word]} AS word{orders[label_columns]}
    FROM {orders[table]} AS paid
    WHERE paid.{orders[timestamp]} >= TIMESTAMP_SUB({orders[since]}, INTERVAL {orders[look_back]} MICROSECOND)
      AND paid.{orders[timestamp]} < TIMESTAMP_ADD({orders[until]}, INTERVAL {orders[retries]} MICROSECOND)
  ) AS each_row
) AS classified
CROSS JOIN UNNEST({orders[kinds]}) AS kind
